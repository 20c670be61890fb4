package actor

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The wheel against a map of what is due when.
func TestWheelAgainstAMap(t *testing.T) {
	far := []int64{2, 64, 4096, 1 << 18, 1 << 24, 1 << 33}
	rapid.Check(t, func(t *rapid.T) {
		const size = 40
		var w wheel
		w.resize(size)
		now, model := int64(0), map[int]int64{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			i := rapid.IntRange(0, size-1).Draw(t, "number")
			d := rapid.Int64Range(-1, rapid.SampledFrom(far).Draw(t, "span")).Draw(t, "ticks")
			_, in := model[i]
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				if !in {
					w.add(i, now+d)
					model[i] = max(now+d, now+1)
				}
			case 1:
				if in {
					w.remove(i)
					delete(model, i)
				}
			case 2:
				now += max(d, 0)
				checkAdvance(t, &w, now, model)
			}
			checkNext(t, &w, model)
		}
	})
}

func checkAdvance(t *rapid.T, w *wheel, now int64, model map[int]int64) {
	var got, want []int
	last := int64(0)
	w.advance(now, func(i int) {
		if model[i] < last {
			t.Errorf("due at %d after one due at %d", model[i], last)
		}
		last = model[i]
		got = append(got, i)
	})
	for i, due := range model {
		if due <= now {
			want = append(want, i)
			delete(model, i)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("due by %d: %v, want %v", now, got, want)
	}
}

// checkNext: the tick told is never too late, and is in the future; whoever follows it arrives.
func checkNext(t *rapid.T, w *wheel, model map[int]int64) {
	tick, ok := w.next()
	if ok != (len(model) > 0) {
		t.Fatalf("next says %v, %d are waiting", ok, len(model))
	}
	if !ok {
		return
	}
	if first := slices.Min(slices.Collect(maps.Values(model))); tick > first || tick <= w.now {
		t.Fatalf("next at %d, now %d, the first is due at %d", tick, w.now, first)
	}
}

// What is more than a turn of the last level away does not hide what comes before.
func TestWheelFarAway(t *testing.T) {
	var w wheel
	w.resize(2)
	w.advance(5, nil)
	w.add(0, 5+1<<30)
	w.add(1, 5+1<<25)
	if tick, _ := w.next(); tick > 5+1<<25 {
		t.Errorf("next at %d", tick)
	}
	checkFires(t, &w, 5+1<<25, 1)
	checkFires(t, &w, 5+1<<30, 0)
}

func checkFires(t *testing.T, w *wheel, at int64, want int) {
	t.Helper()
	for tick, ok := w.next(); ok && tick <= at; tick, ok = w.next() {
		w.advance(tick, func(i int) {
			if tick != at || i != want {
				t.Errorf("%d fired at %d, want %d at %d", i, tick, want, at)
			}
		})
	}
}

// Following next takes few steps, however far away the deadline is.
func TestWheelTakesFewSteps(t *testing.T) {
	for _, due := range []int64{1, 63, 64, 65, 5000, 1 << 20, 1<<30 - 1} {
		var w wheel
		w.resize(1)
		w.advance(77, nil)
		w.add(0, 77+due)
		fired := false
		for steps := 1; !fired; steps++ {
			tick, _ := w.next()
			w.advance(tick, func(int) { fired = true })
			if steps > wheelLevels {
				t.Fatalf("due in %d: more than %d steps", due, wheelLevels)
			}
		}
		if w.now != 77+due {
			t.Errorf("due at %d, fired at %d", 77+due, w.now)
		}
	}
}

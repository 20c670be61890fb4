package budget

import (
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestShare(t *testing.T) {
	var told []bool
	var refused uint64
	s := New(100*Step, func(over bool, n uint64) { told, refused = append(told, over), n })
	if s.Take(0, 13*Step) || !s.Take(0, 12*Step) {
		t.Error("a queue gets an eighth of what is free, no more and no less")
	}
	if s.Take(12*Step, 1) {
		t.Error("it got more when less was free")
	}
	if !s.Take(0, 11*Step) || s.Take(0, 11*Step) {
		t.Error("another one gets an eighth of the rest")
	}
	if len(told) != 1 || !told[0] {
		t.Errorf("told %v, want of the first refusal", told)
	}
	s.Give(11 * Step)
	if len(told) != 1 {
		t.Errorf("told %v while most is in use still", told)
	}
	s.Give(12 * Step)
	if len(told) != 2 || told[1] || refused != 3 || s.Used() != 0 {
		t.Errorf("told %v with %d refusals, %d bytes in use", told, refused, s.Used())
	}
	var none *Share
	if !none.Take(1<<30, 1<<30) || none.Used() != 0 {
		t.Error("no share refuses")
	}
	none.Give(1)
}

// However many queues there are and whatever they do, all together stay below the limit, the
// account is exact, and one that holds nothing gets something.
func TestQueuesShareFairly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(64, 4096).Draw(t, "limit") * Step
		s := New(int64(limit), func(bool, uint64) {})
		held := make([]int, rapid.IntRange(1, 15).Draw(t, "queues"))
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			i := rapid.IntRange(0, len(held)-1).Draw(t, "queue")
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				n := rapid.IntRange(0, held[i]).Draw(t, "give")
				s.Give(n)
				held[i] -= n
			} else {
				for s.Take(held[i], Step) { // as much as there is
					held[i] += Step
				}
			}
			sum := 0
			for _, h := range held {
				sum += h
			}
			if s.Used() != int64(sum) || sum > limit {
				t.Fatalf("%d bytes in use, %d counted, %d allowed", sum, s.Used(), limit)
			}
		}
		if free := int64(limit) - s.Used(); free < fair*Step {
			t.Fatalf("%d queues left %d bytes", len(held), free)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	s := New(10*Step, func(bool, uint64) {})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if s.Take(0, Step) {
					s.Give(Step)
				}
			}
		})
	}
	all.Wait()
	if s.Used() != 0 {
		t.Errorf("%d bytes are left", s.Used())
	}
}

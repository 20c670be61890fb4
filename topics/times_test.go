package topics

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Percentiles are within an eighth of what sorting gives, whatever is counted.
func TestPercentilesAreAboutRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int64Range(0, int64(30*time.Second)), 1, 300).Draw(t, "times")
		var x times
		for i, d := range list {
			if x.add(time.Duration(d)); i == len(list)/2 {
				x.turn()
			}
		}
		slices.Sort(list)
		n := len(list)
		p50, p99 := x.percentiles()
		for _, c := range []struct{ got, want time.Duration }{
			{p50, time.Duration(list[(n+1)/2-1])}, {p99, time.Duration(list[n-n/100-1])},
		} {
			if off := (c.got - c.want).Abs(); off > c.want/8+2*time.Microsecond {
				t.Fatalf("%v, want %v: %v off", c.got, c.want, off)
			}
		}
		if x.total() != uint64(n) {
			t.Fatalf("%d counted, want %d", x.total(), n)
		}
	})
}

func TestTimesForgetButTheirNumber(t *testing.T) {
	var x lazyTimes
	if p50, _ := x.Load().percentiles(); p50 != 0 || x.Load().total() != 0 {
		t.Error("nothing was counted")
	}
	x.add(time.Hour)
	x.add(-time.Second)
	x.turn()
	x.add(time.Millisecond)
	x.turn()
	p50, p99 := x.Load().percentiles()
	if p50 != p99 || (p50-time.Millisecond).Abs() > time.Millisecond/8 || x.Load().total() != 3 {
		t.Errorf("got %v, %v of %d", p50, p99, x.Load().total())
	}
}

package topics

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Latencies have everything that was ever counted, in the right place, and their sum
// is right to an eighth.
func TestLatencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x times
		var want Latencies
		for _, ns := range rapid.SliceOfN(rapid.Int64Range(0, int64(30*time.Second)), 0, 300).Draw(t, "times") {
			d := time.Duration(ns).Truncate(time.Microsecond)
			if x.add(d); ns%7 == 0 {
				x.turn()
			}
			i := 0
			for i < len(want.Counts)-1 && d >= LatencyBound(i) {
				i++
			}
			want.Counts[i]++
			want.Sum += d
		}
		got := x.latencies()
		if got.Counts != want.Counts {
			t.Fatalf("%v, want %v", got.Counts, want.Counts)
		}
		if off := (got.Sum - want.Sum).Abs(); off > want.Sum/8+300*time.Microsecond {
			t.Fatalf("sum %v, want %v", got.Sum, want.Sum)
		}
	})
	var none *times
	if none.latencies() != (Latencies{}) || none.total() != 0 {
		t.Error("nothing is something")
	}
}

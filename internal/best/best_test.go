package best

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The first n of anything are what sorting all and cutting gives.
func TestBestAreSortedAndCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.IntRange(-20, 20)).Draw(t, "all")
		n := rapid.IntRange(-1, 12).Draw(t, "n")
		o := New(n, cmp.Less[int])
		for _, x := range all {
			o.Offer(x)
		}
		got := o.Sorted()
		slices.Sort(all)
		if want := all[:min(max(n, 0), len(all))]; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

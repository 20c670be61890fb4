package best

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Page after page gives all there is in one order, each once, however they are cut.
func TestPagesGiveAllOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "n")
		var all []Place
		for i := range n {
			all = append(all, Place{rapid.Int64Range(-2, 2).Draw(t, "number"), rapid.SampledFrom([]string{"", "a", "b,c"}).Draw(t, "text"), string(rune('A' + i))})
		}
		o := Order{Down: rapid.Bool().Draw(t, "down")}
		var got []Place
		for limit := rapid.IntRange(1, 7).Draw(t, "limit"); ; {
			page := New(limit, o.Before)
			for _, p := range all {
				if o.Wants(p) {
					page.Offer(p)
				}
			}
			some := page.Sorted()
			if len(some) == 0 {
				break
			}
			got = append(got, some...)
			last, err := ParsePlace(some[len(some)-1].String())
			if err != nil {
				t.Fatal(err)
			}
			o.After = &last
		}
		slices.SortFunc(all, func(a, b Place) int {
			if o.Before(a, b) {
				return -1
			}
			return 1
		})
		if !slices.Equal(got, all) {
			t.Fatalf("got %v, want %v", got, all)
		}
	})
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"", "1,0,key", "-5,3,abckey", "1,99,x", "1,-1,x", "x,0,", ",,", "9223372036854775808,0,k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePlace(s)
		if err != nil {
			return
		}
		if again, err := ParsePlace(p.String()); err != nil || again != p {
			t.Errorf("%q: %+v, again %+v, %v", s, p, again, err)
		}
		if len(p.Cut().Text) > maxText {
			t.Errorf("%d bytes", len(p.Text))
		}
	})
}

package router

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"iris/internal/id"
)

func someID(t *rapid.T, label string) id.ID {
	// A few near ids as well as far ones, so that ties and wrap-around happen.
	if rapid.Bool().Draw(t, label+".near") {
		return id.ID{Lo: rapid.Uint64Range(1, 20).Draw(t, label+".lo")}
	}
	return id.ID{Hi: rapid.Uint64().Draw(t, label+".hi"), Lo: rapid.Uint64().Draw(t, label+".lo")}
}

// The binary search agrees with sorting the whole ring by distance.
func TestNearestAgreesWithSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		self := someID(t, "self")
		peers := make([]Peer, rapid.IntRange(0, 40).Draw(t, "n"))
		for i := range peers {
			peers[i].ID = someID(t, "peer")
		}
		r := NewRoutes(self, 1, peers)
		if !r.valid() {
			t.Fatalf("invalid routes %v", r.ring)
		}
		key := someID(t, "key")
		want := slices.Clone(r.ring)
		slices.SortFunc(want, func(a, b id.ID) int {
			switch {
			case id.Closer(key, a, b):
				return -1
			case a == b:
				return 0
			}
			return 1
		})
		if got := r.Root(key); got != want[0] {
			t.Fatalf("Root(%v) = %v, want %v of %v", key, got, want[0], r.ring)
		}
		k := rapid.IntRange(0, 45).Draw(t, "k")
		got := r.Nearest(key, k)
		if d := cmp.Diff(want[:min(k, len(want))], got, cmp.Transformer("empty", func(s []id.ID) []id.ID { return append([]id.ID{}, s...) })); d != "" {
			t.Fatalf("Nearest(%v, %d) (-want +got):\n%s", key, k, d)
		}
		n, isSelf := r.NextHop(key)
		if n != want[0] || isSelf != (want[0] == self) {
			t.Fatalf("NextHop = %v, %v, want %v", n, isSelf, want[0])
		}
	})
}

func TestRoutesOfALoneNode(t *testing.T) {
	self := id.ID{Lo: 7}
	r := NewRoutes(self, 0, nil)
	if got := r.Root(id.ID{Hi: 9}); got != self {
		t.Errorf("root = %v, want self", got)
	}
	if got := r.Nearest(id.ID{}, 3); !slices.Equal(got, []id.ID{self}) {
		t.Errorf("nearest = %v, want self", got)
	}
	if len(r.Peers()) != 0 || r.Len() != 1 {
		t.Errorf("peers = %v, want none", r.Peers())
	}
	if _, ok := r.Peer(self); ok {
		t.Error("self is not a peer")
	}
}

func TestDifferenceOfSnapshots(t *testing.T) {
	now := epoch
	p := func(lo, inc uint64, s State) Peer {
		return Peer{ID: id.ID{Lo: lo}, Incarnation: inc, State: s, Since: now}
	}
	before := NewRoutes(id.ID{Lo: 9}, 4, []Peer{p(1, 1, Alive), p(2, 1, Alive), p(3, 1, Suspect), p(4, 1, Alive), p(5, 1, Alive)})
	after := NewRoutes(id.ID{Lo: 9}, 5, []Peer{p(1, 1, Alive), p(2, 1, Suspect), p(3, 1, Alive), p(4, 2, Alive), p(6, 1, Suspect)})
	got := difference(before, after)
	ids := func(los ...uint64) (out []id.ID) {
		for _, lo := range los {
			out = append(out, id.ID{Lo: lo})
		}
		return out
	}
	for what, c := range map[string][2][]id.ID{
		"up":        {got.Up, ids(4, 6)},
		"down":      {got.Down, ids(4, 5)},
		"suspected": {got.Suspected, ids(2, 6)},
		"recovered": {got.Recovered, ids(3)},
	} {
		if d := cmp.Diff(c[1], c[0]); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
}

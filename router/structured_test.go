package router

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"iris/internal/id"
)

func spread(los ...uint64) (out []id.ID) {
	for _, lo := range los {
		out = append(out, id.ID{Hi: lo << 56})
	}
	return out
}

func TestStructuredKnowsRootsWithinTheLeafSet(t *testing.T) {
	at := func(x uint64) id.ID { return id.ID{Hi: x << 56} }
	r := NewStructured(at(0x10), 3, Ring{
		Leaves: spread(0x18, 0x20, 0x08, 0xf8), Table: spread(0x40, 0x80, 0x83, 0xc0, 0x08), Active: true, Size: 40,
	}, []Peer{{ID: at(0x18)}, {ID: at(0x90)}})
	if !r.valid() {
		t.Fatalf("invalid %+v", r)
	}
	none := id.ID{}
	for _, c := range []struct {
		key, root, next id.ID
		self            bool
	}{
		{at(0x11), at(0x10), at(0x10), true},
		{at(0x1c), at(0x18), at(0x18), false}, // as near to 20: the smaller id
		{at(0x1d), at(0x20), at(0x20), false},
		{at(0xfc), at(0xf8), at(0xf8), false},
		{at(0xff), at(0xf8), at(0xf8), false}, // as near to 08, around zero: the distance is 7 and 9
		{at(0x21), none, at(0x20), false},     // beyond the last leaf: the closest that shares as many digits
		{at(0x48), none, at(0x40), false},
		{at(0x82), none, at(0x80), false}, // one digit more, whichever of them stands beside it
		{at(0x99), none, at(0x83), false}, // nobody shares a digit: the closest
		{at(0xe0), none, at(0xf8), false},
	} {
		if got := r.Root(c.key); got != c.root {
			t.Errorf("Root(%v) = %v, want %v", c.key.Short(), got.Short(), c.root.Short())
		}
		n, self := r.NextHop(c.key)
		if c.key == at(0x82) && n == at(0x83) {
			n = at(0x80) // both share the digit
		}
		if n != c.next || self != c.self {
			t.Errorf("NextHop(%v) = %v, %v, want %v, %v", c.key.Short(), n.Short(), self, c.next.Short(), c.self)
		}
	}
	if got := r.Nearest(at(0x17), 3); !slices.Equal(got, spread(0x18, 0x10, 0x20)) {
		t.Errorf("nearest %v", got)
	}
	if got := r.Nearest(at(0x50), 3); got != nil {
		t.Errorf("nearest of a far key %v, want none", got)
	}
	if r.Len() != 40 || !r.Structured() || len(r.Peers()) != 2 {
		t.Errorf("len %d, %d peers", r.Len(), len(r.Peers()))
	}
	for x, want := range map[uint64]bool{0x20: true, 0x40: true, 0x90: false} {
		if r.near(at(x)) != want {
			t.Errorf("near(%x) = %v", x, !want)
		}
	}
}

// Whoever has nobody on one half of the ring is the root of what lies there, as far
// as nobody in its table is closer: what is routed there ends at it.
func TestRootOfAnEmptyHalf(t *testing.T) {
	at := func(x uint64) id.ID { return id.ID{Hi: x << 56} }
	r := NewStructured(at(0xbe), 1, Ring{Leaves: spread(0xc0, 0xc7, 0xeb, 0x27), Table: spread(0x38), Active: true, Size: 7}, nil)
	for key, want := range map[uint64]id.ID{0xa0: at(0xbe), 0x81: at(0xbe), 0x60: {}, 0x22: at(0x27)} {
		if got := r.Root(at(key)); got != want {
			t.Errorf("Root(%x) = %v, want %v", key, got.Short(), want.Short())
		}
		if next, self := r.NextHop(at(key)); self != (want == at(0xbe)) {
			t.Errorf("NextHop(%x) = %v, %v", key, next.Short(), self)
		}
	}
	if got := r.Nearest(at(0xa0), 3); !slices.Equal(got, spread(0xbe, 0xc0, 0xc7)) {
		t.Errorf("nearest %v", got)
	}
}

func TestInactiveNodeNamesNoRoots(t *testing.T) {
	ring := Ring{Leaves: spread(1, 2), Whole: true, Size: 3}
	r := NewStructured(id.ID{Hi: 7}, 1, ring, nil)
	key := id.ID{Hi: 9}
	if n, self := r.NextHop(key); !r.Root(key).IsZero() || !n.IsZero() || self || r.Nearest(key, 2) != nil {
		t.Error("an inactive node named a root")
	}
	ring.Active = true
	if r = NewStructured(id.ID{Hi: 7}, 1, ring, nil); r.Root(id.ID{Hi: 1 << 63}).IsZero() {
		t.Error("a leaf set that is everybody covers every key")
	}
}

// Following next hops from any node ends at the closest node of all, when leaf
// sets and tables are as they should be.
func TestNextHopsLeadToTheRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(12, 60).Draw(t, "n")
		nodes := make([]id.ID, 0, n)
		seed := rapid.String().Draw(t, "seed")
		for i := range n {
			nodes = sorted(append(nodes, id.Hash(seed, string(rune(i)))))
		}
		key := id.Hash(seed, "key")
		want := slices.MinFunc(nodes, func(a, b id.ID) int {
			if id.Closer(key, a, b) {
				return -1
			}
			return 1
		})
		at := rapid.IntRange(0, n-1).Draw(t, "from")
		for hops := 0; ; hops++ {
			r := perfect(nodes, at, 8)
			if !r.valid() {
				t.Fatalf("invalid %+v", r)
			}
			if root := r.Root(key); !root.IsZero() && root != want {
				t.Fatalf("root %v, want %v", root, want)
			}
			next, self := r.NextHop(key)
			if self {
				if nodes[at] != want {
					t.Fatalf("ended at %v, want %v", nodes[at], want)
				}
				return
			}
			if hops > 8 {
				t.Fatal("too many hops")
			}
			at, _ = slices.BinarySearchFunc(nodes, next, id.ID.Compare)
		}
	})
}

// perfect returns the routes of a node that knows its neighbours and all entries.
func perfect(nodes []id.ID, at, leaf int) *Routes {
	self, n := nodes[at], len(nodes)
	ring := Ring{Active: true, Size: n}
	opposite := id.ID{Hi: self.Hi ^ 1<<63, Lo: self.Lo}
	for i := 1; i <= leaf/2; i++ { // the sides of a leaf set meet opposite the node
		if after := nodes[(at+i)%n]; id.Between(self, after, opposite) {
			ring.Leaves = append(ring.Leaves, after)
		}
		if before := nodes[(at+n-i)%n]; id.Between(opposite, before, self) {
			ring.Leaves = append(ring.Leaves, before)
		}
	}
	slots := map[id.ID]bool{}
	for _, x := range nodes {
		d := id.Shared(self, x)
		if x == self || d > 15 {
			continue
		}
		slot := id.ID{Hi: uint64(d), Lo: x.Hi >> (60 - 4*d) & 15}
		if !slots[slot] {
			slots[slot] = true
			ring.Table = append(ring.Table, x)
		}
	}
	return NewStructured(self, 1, ring, nil)
}

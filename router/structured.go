package router

import (
	"slices"

	"iris/internal/id"
)

// Ring is what a node knows of the ring in the structured form.
//
//	  predecessors      self      successors
//	··o──o──o──o──o──────●──────o──o──o──o──o··   Leaves: the nearest of both sides
//	  └────────── Root is known ────────────┘
//	  o       o         Table: others to route through, one more digit each hop
type Ring struct {
	Leaves []id.ID // any order
	Table  []id.ID // any order; leaves among them do not matter
	Whole  bool    // Leaves is everybody
	Active bool    // the node delivers
	Size   int     // of the network, about
}

// NewStructured builds a snapshot of the structured form; peers are the nodes with
// a link. Ids of self, and those that come twice, are dropped. The layers above
// use it in tests; the router makes its own.
func NewStructured(self id.ID, version uint64, ring Ring, peers []Peer) *Routes {
	r := linked(self, version, peers)
	r.structured, r.active, r.whole = true, ring.Active, ring.Whole
	r.ring = sorted(append(slices.Clone(ring.Leaves), self))
	r.table = slices.DeleteFunc(sorted(slices.Clone(ring.Table)), func(n id.ID) bool {
		_, leaf := slices.BinarySearchFunc(r.ring, n, id.ID.Compare)
		return leaf
	})
	r.size = max(ring.Size, len(r.ring))
	r.from, r.to = r.span()
	return r
}

func sorted(list []id.ID) []id.ID {
	slices.SortFunc(list, id.ID.Compare)
	return slices.Compact(list)
}

// span returns the farthest leaf of each side, before and after this node.
func (r *Routes) span() (first, last id.ID) {
	at, n := r.at(r.self), len(r.ring)
	opposite := id.ID{Hi: r.self.Hi ^ 1<<63, Lo: r.self.Lo}
	first, last = r.self, r.self
	for i := 1; i < n; i++ {
		x := r.ring[(at+i)%n]
		if !id.Between(r.self, x, opposite) {
			return x, last // from here on they are nearer the other way
		}
		last = x
	}
	return first, last
}

// covers reports whether the root of key is known.
func (r *Routes) covers(key id.ID) bool { return r.whole || id.Between(r.from, key, r.to) }

// towards returns the next hop for a key outside the leaf set: the node that
// shares one more digit with it, else the closest of all that share as many as
// this one does, else the closest of all.
func (r *Routes) towards(key id.ID) id.ID {
	own := id.Shared(r.self, key)
	i, _ := slices.BinarySearchFunc(r.table, key, id.ID.Compare)
	for _, k := range []int{i, i - 1} { // who shares most digits stands beside it
		if k >= 0 && k < len(r.table) && id.Shared(r.table[k], key) > own {
			return r.table[k]
		}
	}
	for _, digits := range []int{own, 0} {
		best := r.self
		for _, list := range [][]id.ID{r.ring, r.table} {
			for _, n := range list {
				if id.Shared(n, key) >= digits && id.Closer(key, n, best) {
					best = n
				}
			}
		}
		if best != r.self {
			return best
		}
	}
	return r.self
}

// near reports whether n is a leaf or a table entry: links to those are kept. In
// the mesh form everybody is.
func (r *Routes) near(n id.ID) bool {
	if !r.structured {
		return true
	}
	_, leaf := slices.BinarySearchFunc(r.ring, n, id.ID.Compare)
	_, entry := slices.BinarySearchFunc(r.table, n, id.ID.Compare)
	return leaf || entry
}

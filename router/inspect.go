package router

import (
	"slices"

	"iris/internal/id"
)

// Leaves returns the nodes around this one on the ring, in the order of their ids; in
// the mesh form everybody. The slice is the caller's.
func (r *Routes) Leaves() []id.ID {
	return slices.DeleteFunc(slices.Clone(r.ring), func(n id.ID) bool { return n == r.self })
}

// Row is one row of the routing table: nodes that share Shared digits with this one
// and differ in the next, by that digit; the zero id where none is known.
type Row struct {
	Shared int
	Nodes  [16]id.ID
}

// Table returns the rows of the routing table that have an entry; none in the mesh form.
// Leaves stand where there is no other entry.
func (r *Routes) Table() (rows []Row) {
	if !r.structured {
		return nil
	}
	var all [2 * id.Size]Row
	for _, list := range [][]id.ID{r.table, r.ring} {
		for _, n := range list {
			if n == r.self {
				continue
			}
			shared := id.Shared(r.self, n)
			if at := &all[shared].Nodes[n.Digit(shared)]; at.IsZero() {
				*at = n
			}
		}
	}
	for i := range all {
		if all[i].Nodes != [16]id.ID{} {
			all[i].Shared = i
			rows = append(rows, all[i])
		}
	}
	return rows
}

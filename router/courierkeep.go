package router

import (
	"maps"
	"slices"
	"sync"

	"iris/actor"
	"iris/internal/id"
)

// maxKept bounds the nodes that the owners together keep links to.
const maxKept = 4096

// Keep says that pid, an actor of this node, wants links to these nodes from now
// on; nil none. It replaces what pid wanted before and ends with pid. Nodes
// without a link are looked for in the overlay, dialled, and dialled again when
// the link is lost; those that cannot be found or linked are in Changed.Unreached
// once, and tried further. At most 4096 nodes are kept for all owners together;
// further ones are ignored, and reported as Overloaded. nodes stays the caller's.
// Keep never blocks.
func (r *Router) Keep(pid *actor.PID, nodes []id.ID) {
	r.wishes.set(pid, slices.DeleteFunc(slices.Clone(nodes), func(n id.ID) bool { return n.IsZero() || n == r.ep.ID() }))
	r.toCourier(&kept{pid})
}

// wishes is who wants links to whom. It outlives crashes of the courier, to whom
// alone it would be work to ask for them again.
type wishes struct {
	mu      sync.Mutex // guards the following fields
	owners  map[string]*owner
	count   map[id.ID]int // of owners that want a node
	refused uint64        // nodes ignored for want of room
}

type owner struct {
	pid   *actor.PID
	nodes map[id.ID]struct{}
}

func (w *wishes) set(pid *actor.PID, nodes []id.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners == nil {
		w.owners, w.count = make(map[string]*owner), make(map[id.ID]int)
	}
	next := make(map[id.ID]struct{}, len(nodes))
	before := w.owners[pid.GetId()]
	for _, n := range nodes {
		if _, twice := next[n]; twice {
			continue
		}
		if w.count[n] == 0 && len(w.count) >= maxKept {
			w.refused++
			continue
		}
		next[n] = struct{}{}
		w.count[n]++
	}
	w.release(before)
	delete(w.owners, pid.GetId())
	if len(next) > 0 {
		w.owners[pid.GetId()] = &owner{pid, next}
	}
}

// end forgets what an actor wanted that has ended.
func (w *wishes) end(pid *actor.PID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.release(w.owners[pid.GetId()])
	delete(w.owners, pid.GetId())
}

// release is called with mu held.
func (w *wishes) release(o *owner) {
	if o == nil {
		return
	}
	for n := range o.nodes {
		if w.count[n]--; w.count[n] == 0 {
			delete(w.count, n)
		}
	}
}

// want reports whether somebody wants a link to n.
func (w *wishes) want(n id.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[n] > 0
}

// nodes returns all that somebody wants a link to.
func (w *wishes) nodes() []id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.count))
}

// of returns what one owner wants.
func (w *wishes) of(pid *actor.PID) []id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.owners[pid.GetId()]; o != nil {
		return slices.Collect(maps.Keys(o.nodes))
	}
	return nil
}

func (w *wishes) pids() (list []*actor.PID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.owners {
		list = append(list, o.pid)
	}
	return list
}

func (w *wishes) overflow() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

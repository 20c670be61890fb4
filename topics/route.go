package topics

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/tree"
	"iris/transport"
	"iris/transport/wire"
)

// route is the view of a topic with all that its publishers need for each event,
// found once for many: links and flows. A publisher that finds it fresh looks nothing
// up and allocates nothing.
//
//	Publish ──▶ group ──▶ route ──▶ target: link ──▶ fanout lane
//	                        │       target: link ──▶ fanout lane
//	                        └─ view, checked
//
// It is made anew when the view or a link has changed, as is looked at once in a moment.
// A link that ended since refuses what it is given, and the target is sent to by
// its id.
type route struct {
	view       *tree.View
	structured bool
	targets    []target
	checked    atomic.Uint64 // the moment in which all this was found to hold

	retired atomic.Bool   // another route has taken its place
	events  atomic.Uint64 // that went this way since harvest, but for reliable ones
	others  uint64        // nodes that each of them went to

	lent  atomic.Bool // the following fields are in use
	frame wire.Event  // for which a lane had no room
	full  []late      // empty, with room for all targets
}

// target is one node of a route. All its fields but node are empty for this node.
type target struct {
	node     id.ID
	reliable bool // it takes reliable events by their trees
	link     link // nil: none, or the structured form
	flow     *flow
}

// route returns how events travel now, or nil if that is not known.
func (g *group) route() *route {
	r := g.way.Load()
	if r != nil && r.view == g.view.Load() && g.held.Load() == 0 && g.t.moments.is(r.checked.Load()) {
		return r
	}
	return g.reroute()
}

// reroute is route for the first event of a moment.
func (g *group) reroute() *route {
	now := g.t.moments.begin()
	v := g.live(time.Now())
	if v == nil {
		return nil
	}
	r := g.way.Load()
	if r == nil || r.view != v || !r.holds(g.t) {
		r = newRoute(g.t, v)
		if old := g.way.Swap(r); old != nil { // of several publishers each retires one
			old.retired.Store(true)
			old.harvest(g)
		}
	}
	r.checked.Store(now)
	return r
}

func newRoute(t *Topics, v *tree.View) *route {
	r := &route{view: v, structured: t.structured(), targets: make([]target, len(v.Entries)), full: make([]late, 0, len(v.Entries))}
	for i := range v.Entries {
		e := &v.Entries[i]
		x := target{node: e.Node, reliable: e.Reliable}
		if x.node != t.self {
			r.others++
			x.flow = t.flow(x.node)
			if !r.structured {
				x.link = t.net.Link(x.node)
			}
		}
		r.targets[i] = x
	}
	return r
}

// holds reports whether the links are still those of the route.
func (r *route) holds(t *Topics) bool {
	if r.structured != t.structured() {
		return false
	}
	for i := range r.targets {
		if x := &r.targets[i]; !r.structured && x.node != t.self && x.link != t.net.Link(x.node) {
			return false
		}
	}
	return true
}

// awaitRoute returns how events travel, waiting for a live view if need be.
func (g *group) awaitRoute(ctx context.Context) (*route, error) {
	for {
		if r := g.route(); r != nil {
			return r, nil
		}
		if err := g.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// borrow returns a copy of e that may be kept until giveBack, and a list of the full lanes:
// those of the route, unless somebody else uses them.
func (r *route) borrow(e *wire.Event) (*wire.Event, []late) {
	if !r.lent.CompareAndSwap(false, true) {
		return copied(e), nil
	}
	r.frame = *e
	return &r.frame, r.full
}

// giveBack ends the use of what borrow returned.
func (r *route) giveBack(e *wire.Event) {
	if e == &r.frame {
		r.frame = wire.Event{} // it must not be kept alive
		r.lent.Store(false)
	}
}

// count counts an event that went to n other nodes.
func (r *route) count(g *group, n int, reliable bool) {
	if reliable {
		g.published.Add(1)
		g.forwarded.Add(uint64(n))
		return
	}
	r.events.Add(1)
	if r.retired.Load() {
		r.harvest(g)
	}
}

// harvest moves what was counted in the route to the group.
func (r *route) harvest(g *group) {
	n := r.events.Swap(0)
	g.published.Add(n)
	g.forwarded.Add(n * r.others)
}

// send sends to a target without blocking; errors as of trySend.
func (x *target) send(t *Topics, e *wire.Event) error {
	if x.link != nil {
		if err := x.link.TryEvent(e.Topic, e.Body.Type, e.Body.Data, e.Trace, e.Twin); err == nil || !errors.Is(err, actor.ErrUnreachable) {
			return err
		}
	}
	return t.trySend(x.node, transport.Fanout, copied(e))
}

// copied returns a copy of an event for who may keep it.
func copied(e *wire.Event) *wire.Event {
	c := *e
	return &c
}

// own returns a copy of an event for the router, which may keep it: the form may have
// become the structured one since the route was made, and the frame is the route's.
func own(f wire.Frame) wire.Frame {
	if e, ok := f.(*wire.Event); ok {
		return copied(e)
	}
	return f
}

package router

import (
	"slices"
	"time"

	"iris/actor"
	"iris/router/pastry"
)

// beginAfter is how long nobody may have spoken for a ring before this node
// begins one, and how long a ring that is silent after a crash is believed in.
const beginAfter = 5 * time.Second

// ringConfig is the configuration of the core.
func (r *Router) ringConfig() *pastry.Config {
	c := pastry.Config{Leaf: r.leaf, MeshMax: r.meshMax}.Defaults() // MeshMin follows
	return &c
}

// show reports what the routes need, if it has changed. After a crash the old
// routes hold until the node has a place again.
func (o *overlay) show(ctx actor.Context) {
	if !o.stale {
		return
	}
	o.stale = false
	now := ringIs{structured: !o.node.Mesh(), ring: Ring{Active: o.node.Active()}}
	if !o.ready && !now.ring.Active {
		return
	}
	if now.structured {
		now.ring.Leaves, now.ring.Table = o.nodes(o.node.Leaves()), o.nodes(o.table())
		now.ring.Whole, now.ring.Size = o.node.Whole(), int(o.node.Estimate()+0.5)
	}
	if o.ready && o.shown.told && now.same(&o.shown) {
		return
	}
	now.told = true
	o.ready, o.shown = true, now
	ctx.Send(o.r.pid, &now)
}

func (a *ringIs) same(b *ringIs) bool {
	return a.structured == b.structured && a.ring.Active == b.ring.Active && a.ring.Whole == b.ring.Whole &&
		a.ring.Size == b.ring.Size && slices.Equal(a.ring.Leaves, b.ring.Leaves) && slices.Equal(a.ring.Table, b.ring.Table)
}

// form returns what Routes say of the ring, for a router that starts anew.
func (r *Routes) form() ringIs {
	f := ringIs{structured: r.structured, ring: Ring{Active: r.active, Whole: r.whole, Size: r.size}}
	if r.structured {
		f.ring.Leaves, f.ring.Table = slices.Clone(r.ring), slices.Clone(r.table)
	}
	return f
}

// compose makes the routes of a form and the linked peers.
func compose(before *Routes, version uint64, form *ringIs, peers []Peer) *Routes {
	if form.structured {
		return NewStructured(before.self, version, form.ring, peers)
	}
	r := NewRoutes(before.self, version, peers)
	r.active = form.ring.Active
	return r
}

// table returns all entries of the routing table.
func (o *overlay) table() (hs []pastry.Handle) {
	for r := range o.node.Rows() {
		hs = o.node.Row(hs, r)
	}
	return hs
}

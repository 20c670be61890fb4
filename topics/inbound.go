package topics

import (
	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// handle installs the handlers of the frames. They run on the lane readers'
// goroutines and do not block.
func (t *Topics) handle() {
	for _, k := range []wire.Kind{
		wire.KindGroupJoin, wire.KindGroupLeave, wire.KindGroupLookup, wire.KindGroupView,
		wire.KindGroupAck, wire.KindGroupReplica, wire.KindGroupPull,
	} {
		t.net.Handle(k, func(from id.ID, f wire.Frame) { t.tell(&frameIn{from, clone(f)}) })
	}
	t.net.HandleBatch(t.newIntake, wire.KindEvent, wire.KindBroadcast, wire.KindRequest)
	t.net.Handle(wire.KindLoadProbe, func(from id.ID, f wire.Frame) { t.onProbe(from, f.(*wire.LoadProbe)) })
	t.net.Handle(wire.KindLoadReport, func(from id.ID, f wire.Frame) { t.onReport(from, f.(*wire.LoadReport)) })
}

// refuse answers a request that no member took.
func (t *Topics) refuse(to id.ID, req uint32, err error, g *group) {
	l := t.net.Link(to)
	if l == nil {
		return
	}
	r := wire.Reply{ID: req}
	r.Status, r.Text = transport.Status(err)
	if g != nil {
		r.HasLoad, r.Load = true, wireLoad(g.load())
	}
	if l.TrySend(transport.Direct, &r) != nil {
		t.sys.Lost(actor.DeadUnreachable, "reply/"+to.String(), "refusal", "")
	}
}

func wireLoad(l actor.Load) wire.Load {
	return wire.Load{InFlight: l.InFlight, LatencyMicros: l.LatencyMicros, Draining: l.Draining, Members: l.Members}
}

// spread delivers one value to all local members and returns how many took it.
func (g *group) spread(kind actor.Kind, origin string, msg any, size int, trace string) (taken int) {
	d := actor.Delivery{Kind: kind, Origin: origin, Trace: trace}
	if kind == actor.Event {
		d.Topic = g.key.Name
	} else {
		d.Cluster = g.key.Name
	}
	for _, m := range *g.local.Load() {
		if err := g.t.sys.Deliver(m.pid, &actor.Inbound{Delivery: d, Message: msg, Size: size, From: origin}); err != nil {
			continue // a dead letter by now
		}
		taken++
	}
	g.delivered.Add(uint64(taken))
	return taken
}

// onProbe answers how loaded the members here are.
func (t *Topics) onProbe(from id.ID, f *wire.LoadProbe) {
	r := wire.LoadReport{Seq: f.Seq, Cluster: f.Cluster, Load: wire.Load{Draining: true}}
	if g := t.find(wire.GroupCluster, f.Cluster); g != nil {
		r.Load = wireLoad(g.load())
	}
	if l := t.net.Link(from); l != nil {
		_ = l.TrySend(transport.Control, &r) // a lost report only leaves a signal stale
	}
}

// onReport takes the load of a member node for the balancer.
func (t *Topics) onReport(from id.ID, f *wire.LoadReport) {
	if g := t.find(wire.GroupCluster, f.Cluster); g != nil {
		g.report(from, f.Load)
	}
}

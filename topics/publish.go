package topics

import (
	"context"
	"errors"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport"
	"iris/transport/wire"
)

// PublishOptions are the rare variants of Publish.
type PublishOptions struct {
	// Reliable sends the event through the reliable trees of the topic as well:
	// subscribers that asked for it get it once and in order, or are told that it is
	// missing. So does Config.Reliable.
	Reliable bool
	Trace    string // opaque, at most wire.MaxName bytes; handlers see it in actor.Meta
}

// Publish sends msg to every subscriber of the topic, at most once and in the
// order of the calls. A subscriber that is slower than the others loses events,
// each counted as a dead letter, with an Overloaded event when that begins and
// Relieved when it ends: it never holds the publisher for long. When no peer at
// all takes the event, Publish blocks until one does or ctx ends. A topic
// without subscribers takes everything. Errors wrap actor.ErrTimeout,
// ErrOverloaded or the context's: the event may have reached some subscribers. If
// actor.IsCounted says so, those that it did not reach are dead letters.
func (t *Topics) Publish(ctx context.Context, topic string, msg any, o PublishOptions) error {
	g, err := t.topic(topic)
	if err != nil {
		return err
	}
	r := g.route()
	if r == nil {
		if r, err = g.awaitRoute(ctx); err != nil {
			return g.wrap(err)
		}
	}
	o.Reliable = o.Reliable || g.surely
	if err := g.publish(ctx, r, msg, o); err != nil {
		return g.wrap(err)
	}
	return nil
}

// awaitView returns a live view, waiting for it if need be.
func (g *group) awaitView(ctx context.Context) (*tree.View, error) {
	for {
		if v := g.live(time.Now()); v != nil {
			return v, nil
		}
		if err := g.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// publish sends one event to the subscribers. A reliable one goes into the reliable
// trees, and to those who do not take it from there as any other event. With atOnce
// for ctx it never blocks: a full lane loses the event.
func (g *group) publish(ctx context.Context, r *route, msg any, o PublishOptions) error {
	if o.Reliable {
		if err := g.publishTrees(ctx, wire.GroupReliable, nil, msg, false, o.Trace); err != nil {
			return err
		}
	}
	if r.view.Mode == scribe.Trees {
		return g.publishTrees(ctx, wire.GroupTopic, r.view, msg, o.Reliable, o.Trace)
	}
	return g.publishList(ctx, r, msg, o)
}

// publishList sends one event to the nodes of r.
func (g *group) publishList(ctx context.Context, r *route, msg any, o PublishOptions) error {
	out := outgoing{g: g, r: r}
	var e wire.Event
	e.Topic, e.Trace, e.Twin = g.key.Name, o.Trace, o.Reliable
	if r.others > 0 {
		var err error
		if e.Body.Type, e.Body.Data, err = actor.Encode(msg); err != nil {
			return err
		}
		out.typ = e.Body.Type
	}
	sent := 0
	for i := range r.targets {
		x := &r.targets[i]
		switch {
		case o.Reliable && x.reliable:
		case x.flow != nil:
			sent++
			err := x.send(g.t, &e)
			if err == nil {
				out.progress = true
				g.t.took(x.flow)
			} else if err = out.refused(x, &e, err); err != nil {
				r.giveBack(out.event)
				return err
			}
		case !o.Reliable || !g.takes.Load(): // this node
			out.progress = g.spread(actor.Event, g.t.name, msg, 0, o.Trace) > 0 || out.progress
		}
	}
	r.count(g, sent, o.Reliable)
	if len(out.full) == 0 {
		return nil
	}
	err := out.finish(ctx)
	r.giveBack(out.event)
	return err
}

// BroadcastOptions are the rare variants of Broadcast.
type BroadcastOptions struct {
	Trace string // as of PublishOptions
}

// Broadcast sends msg to every member of the cluster, at most once and in the
// order of the calls. It blocks while a lane is full, until ctx ends. Errors wrap
// actor.ErrNoMembers, ErrTimeout or the context's: the message may have reached some
// members; if actor.IsCounted says so, the others are dead letters. Members that are lost at this moment, or whose mailbox is full, are
// no error but dead letters.
func (t *Topics) Broadcast(ctx context.Context, cluster string, msg any, o BroadcastOptions) error {
	g, err := t.named(wire.GroupCluster, cluster)
	if err != nil {
		return err
	}
	v, err := g.awaitView(ctx)
	if err == nil {
		err = g.broadcast(ctx, v, msg, o.Trace)
	}
	if err != nil {
		return g.wrap(err)
	}
	return nil
}

// broadcast sends to the nodes of v; with atOnce for ctx it never blocks.
func (g *group) broadcast(ctx context.Context, v *tree.View, msg any, trace string) error {
	t := g.t
	if len(v.Entries) == 0 {
		return actor.ErrNoMembers
	}
	var frame *wire.Broadcast
	var full []id.ID
	for i := range v.Entries {
		n := v.Entries[i].Node
		if n == t.self {
			g.spread(actor.Broadcast, t.name, msg, 0, trace)
			continue
		}
		if frame == nil {
			typ, data, err := actor.Encode(msg)
			if err != nil {
				return err
			}
			frame = &wire.Broadcast{Cluster: g.key.Name, Body: wire.Body{Type: typ, Data: data}, Trace: trace}
		}
		switch err := t.trySend(n, transport.Fanout, frame); {
		case err == nil:
		case errors.Is(err, actor.ErrOverloaded):
			full = append(full, n)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, g.name(), frame.Body.Type, 1)
		default:
			return err
		}
	}
	return g.press(ctx, full, len(v.Entries), frame)
}

// press sends a broadcast to the nodes whose lanes were full, of all. Who does not get
// it is counted, also if there is an error.
func (g *group) press(ctx context.Context, full []id.ID, all int, frame *wire.Broadcast) error {
	over := ctx == atOnce
	for _, n := range full {
		err := actor.ErrOverloaded
		if !over {
			err = g.t.send(ctx, n, transport.Fanout, frame)
			over = err != nil && ctx.Err() != nil
		}
		if err != nil {
			g.t.dropped(err, g.name()+" at "+n.String(), frame.Body.Type, 1)
		}
	}
	switch {
	case ctx != atOnce && over:
		return actor.Counted(ended(ctx))
	case ctx == atOnce && len(full) == all:
		return errNobody
	}
	return nil
}

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

// Patience with full lanes. An event waits this long for the peers that were
// healthy; those that took nothing then count as slow for hold, in which they
// get only what fits at once. A peer that is found slow again and again is waited
// for less and less often. A lane gives room back in steps of 256 KiB, so a peer
// that takes less than about 0.5 MB/s while others take more is slow.
const (
	patience = 500 * time.Millisecond
	hold     = 2 * time.Second  // after the first time, then doubled
	maxHold  = 64 * time.Second // at most this
	turn     = 20 * time.Millisecond
)

// flow is how one peer takes events.
type flow struct {
	peer    id.ID
	slow    atomic.Int64  // time until which it is slow, Unix nanoseconds; 0 = healthy
	hold    atomic.Int64  // length of the next slow time, nanoseconds
	dropped atomic.Uint64 // events since it became slow
}

// flow returns the state of a peer.
func (t *Topics) flow(n id.ID) *flow {
	t.mu.RLock()
	f := t.flows[n]
	t.mu.RUnlock()
	if f != nil {
		return f
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f = t.flows[n]; f == nil {
		for old := range t.flows { // peers that are gone; the table is as large as the ring
			if t.net.Link(old) == nil {
				delete(t.flows, old)
			}
		}
		f = &flow{peer: n}
		f.hold.Store(int64(hold))
		t.flows[n] = f
	}
	return f
}

func (f *flow) isSlow(now time.Time) bool { return now.UnixNano() < f.slow.Load() }

// took notes that the peer took an event.
func (t *Topics) took(f *flow) {
	s := f.slow.Load()
	if s == 0 || time.Now().UnixNano() < s || !f.slow.CompareAndSwap(s, 0) {
		return
	}
	t.sys.Events().Publish(&actor.Relieved{What: "events to " + f.peer.String(), Dropped: f.dropped.Swap(0)})
}

// stuck notes that the peer's lane stayed full.
func (t *Topics) stuck(f *flow) {
	h := f.hold.Load()
	f.hold.Store(min(2*h, int64(maxHold)))
	if f.slow.Swap(time.Now().UnixNano()+h) == 0 {
		t.sys.Events().Publish(&actor.Overloaded{What: "events to " + f.peer.String(), Dropped: f.dropped.Load()})
	}
}

// Publish sends msg to every subscriber of the topic, at most once and in the
// order of the calls. A subscriber that is slower than the others loses events,
// each counted as a dead letter, with an Overloaded event when that begins and
// Relieved when it ends: it never holds the publisher for long. When no peer at
// all takes the event, Publish blocks until one does or ctx ends. A topic
// without subscribers takes everything. Errors wrap actor.ErrTimeout,
// ErrOverloaded or the context's: the event may have reached some subscribers.
func (t *Topics) Publish(ctx context.Context, topic string, msg any) error {
	g, err := t.named(wire.GroupTopic, topic)
	if err != nil {
		return err
	}
	v, err := g.awaitView(ctx)
	if err != nil {
		return g.wrap(err)
	}
	if err := g.publish(ctx, v, msg, ""); err != nil {
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

// publish sends one event to the nodes of v. With atOnce for ctx it never
// blocks: a full lane loses the event.
func (g *group) publish(ctx context.Context, v *tree.View, msg any, trace string) error {
	t := g.t
	var frame *wire.Event
	var full []*flow
	progress := false
	for i := range v.Entries {
		n := v.Entries[i].Node
		if n == t.self {
			progress = g.spread(actor.Event, t.name, msg, 0, trace) > 0 || progress
			continue
		}
		l := t.net.Link(n)
		if l == nil {
			t.dropped(actor.ErrUnreachable, g.name(), typeName(msg), 1)
			continue
		}
		if frame == nil {
			typ, data, err := actor.Encode(msg)
			if err != nil {
				return err
			}
			frame = &wire.Event{Topic: g.key.Name, Body: wire.Body{Type: typ, Data: data}, Trace: trace}
		}
		switch err := l.TrySend(transport.Fanout, frame); {
		case err == nil:
			progress = true
			t.took(t.flow(n))
		case errors.Is(err, actor.ErrOverloaded):
			full = append(full, t.flow(n))
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, g.name(), frame.Body.Type, 1)
		default:
			return err // too large for anybody
		}
	}
	if len(full) == 0 {
		return nil
	}
	if ctx == atOnce {
		for _, f := range full {
			g.lose(f, frame)
		}
		if !progress {
			return actor.ErrOverloaded
		}
		return nil
	}
	return g.press(ctx, frame, full, progress)
}

// press sends an event to the peers whose lanes were full. progress says that
// another one took it.
func (g *group) press(ctx context.Context, frame *wire.Event, full []*flow, progress bool) error {
	t := g.t
	slow := full[:0]
	begin := time.Now()
	for _, f := range full {
		if f.isSlow(begin) {
			slow = append(slow, f)
			continue
		}
		switch err := g.sendWithin(ctx, f, frame, patience-time.Since(begin)); {
		case err == nil:
			progress = true
			f.hold.Store(int64(hold))
			t.took(f)
		case ctx.Err() != nil:
			return ended(ctx)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, g.name(), frame.Body.Type, 1)
		default:
			t.stuck(f)
			slow = append(slow, f)
		}
	}
	for !progress && len(slow) > 0 { // back-pressure: nobody takes anything
		f := slow[0]
		slow = append(slow[1:], f)
		switch err := g.sendWithin(ctx, f, frame, turn); {
		case err == nil:
			progress = true
			slow = slow[:len(slow)-1]
		case ctx.Err() != nil:
			return ended(ctx)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, g.name(), frame.Body.Type, 1)
			slow = slow[:len(slow)-1]
		}
	}
	for _, f := range slow {
		g.lose(f, frame)
	}
	return nil
}

func (g *group) sendWithin(ctx context.Context, f *flow, frame wire.Frame, d time.Duration) error {
	l := g.t.net.Link(f.peer)
	if l == nil {
		return actor.ErrUnreachable
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return l.Send(ctx, transport.Fanout, frame)
}

// lose counts an event that a slow peer does not get.
func (g *group) lose(f *flow, frame *wire.Event) {
	f.dropped.Add(1)
	g.t.dropped(actor.ErrOverloaded, g.name()+" at "+f.peer.String(), frame.Body.Type, 1)
}

// Broadcast sends msg to every member of the cluster, at most once and in the
// order of the calls. It blocks while a lane is full, until ctx ends. Errors wrap
// actor.ErrNoMembers, ErrTimeout or the context's: the message may have reached some
// members. Members that are lost at this moment, or whose mailbox is full, are
// no error but dead letters.
func (t *Topics) Broadcast(ctx context.Context, cluster string, msg any) error {
	g, err := t.named(wire.GroupCluster, cluster)
	if err != nil {
		return err
	}
	v, err := g.awaitView(ctx)
	if err == nil {
		err = g.broadcast(ctx, v, msg)
	}
	if err != nil {
		return g.wrap(err)
	}
	return nil
}

// broadcast sends to the nodes of v; with atOnce for ctx it never blocks.
func (g *group) broadcast(ctx context.Context, v *tree.View, msg any) error {
	t := g.t
	if len(v.Entries) == 0 {
		return actor.ErrNoMembers
	}
	var frame *wire.Broadcast
	var full []id.ID
	for i := range v.Entries {
		n := v.Entries[i].Node
		if n == t.self {
			g.spread(actor.Broadcast, t.name, msg, 0, "")
			continue
		}
		l := t.net.Link(n)
		if l == nil {
			t.dropped(actor.ErrUnreachable, g.name(), typeName(msg), 1)
			continue
		}
		if frame == nil {
			typ, data, err := actor.Encode(msg)
			if err != nil {
				return err
			}
			frame = &wire.Broadcast{Cluster: g.key.Name, Body: wire.Body{Type: typ, Data: data}}
		}
		switch err := l.TrySend(transport.Fanout, frame); {
		case err == nil:
		case errors.Is(err, actor.ErrOverloaded):
			full = append(full, n)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, g.name(), frame.Body.Type, 1)
		default:
			return err
		}
	}
	for _, n := range full {
		err := actor.ErrOverloaded
		if l := t.net.Link(n); ctx != atOnce && l != nil {
			err = l.Send(ctx, transport.Fanout, frame)
			if err != nil && ctx.Err() != nil {
				return ended(ctx)
			}
		}
		if err != nil {
			t.dropped(err, g.name()+" at "+n.String(), frame.Body.Type, 1)
		}
	}
	if ctx == atOnce && len(full) == len(v.Entries) {
		return actor.ErrOverloaded
	}
	return nil
}

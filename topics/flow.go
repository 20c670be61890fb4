package topics

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// Patience with full lanes. An event waits for the peers whose lanes are full: while
// a peer shows no sign of life for patience at most, and while it goes on taking something for
// slowest. A peer without a sign of life has stopped, and nobody waits for it until
// there is one. One that is too slow is not waited for during hold, and less and less
// often if that happens again and again. Both get only what fits at once then. A lane
// gives room back in steps of 256 KiB, so a peer that takes less than about 0.5 MB/s
// while others take more is slow.
const (
	patience = 50 * time.Millisecond
	slowest  = 500 * time.Millisecond
	hold     = 2 * time.Second  // after the first time, then doubled
	maxHold  = 64 * time.Second // at most this
	told     = time.Second      // between Overloaded and Relieved, at least
	turn     = 20 * time.Millisecond
)

// flow is how one peer takes events.
type flow struct {
	peer    id.ID
	name    string        // of the peer, for dead letters
	slow    atomic.Int64  // when it may be told to be healthy again, Unix nanoseconds; 0 = it is
	until   atomic.Int64  // time until which nobody waits for it, Unix nanoseconds
	hold    atomic.Int64  // length of the next such time, nanoseconds
	found   atomic.Uint64 // the moment in which it was last found to be slow
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
		f = &flow{peer: n, name: n.String()}
		f.hold.Store(int64(hold))
		t.flows[n] = f
	}
	return f
}

// isSlow reports whether nobody is to wait for the peer, whose lane is full.
func (t *Topics) isSlow(f *flow) bool {
	if t.moments.is(f.found.Load()) {
		return true
	}
	now := t.moments.begin()
	if time.Now().UnixNano() >= f.until.Load() && t.stalled(f.peer) < patience {
		return false
	}
	f.found.Store(now)
	return true
}

// took notes that the peer took an event.
func (t *Topics) took(f *flow) {
	if s := f.slow.Load(); s != 0 {
		t.relieved(f, s)
	}
}

// relieved ends what made a peer slow, which is until s.
func (t *Topics) relieved(f *flow, s int64) {
	if time.Now().UnixNano() >= s && f.slow.CompareAndSwap(s, 0) {
		t.sys.Events().Publish(&actor.Relieved{What: "events to " + f.name, Dropped: f.dropped.Swap(0)})
	}
}

// stuck notes that patience with a peer is at its end.
func (t *Topics) stuck(f *flow) {
	now := time.Now().UnixNano()
	ends := now + int64(told)
	if t.stalled(f.peer) < patience { // it lives, and is too slow
		h := f.hold.Load()
		f.hold.Store(min(2*h, int64(maxHold)))
		f.until.Store(now + h)
		ends = now + h
	}
	if f.slow.Swap(ends) == 0 {
		t.sys.Events().Publish(&actor.Overloaded{What: "events to " + f.name, Dropped: f.dropped.Load()})
	}
}

// outgoing is one event on its way to several peers.
type outgoing struct {
	g        *group
	r        *route      // nil: it goes over the trees
	typ      string      // of the message, for dead letters
	event    *wire.Event // for those in full, borrowed from r; nil: there are none, or r is
	full     []late
	progress bool // somebody took it
}

// late is a peer whose lane was full, and what it is to get.
type late struct {
	*flow
	frame wire.Frame
}

// refused takes note of err, by which x did not take e. An error says that nobody will.
func (o *outgoing) refused(x *target, e *wire.Event, err error) error {
	switch {
	case errors.Is(err, actor.ErrOverloaded):
		if o.event == nil {
			o.event, o.full = o.r.borrow(e)
		}
		o.full = append(o.full, late{x.flow, o.event})
	case errors.Is(err, actor.ErrUnreachable):
		o.g.t.dropped(err, o.g.name(), o.typ, 1)
	default:
		return err // too large for anybody
	}
	return nil
}

// finish deals with the peers whose lanes were full: it presses on, or with atOnce
// for ctx gives up. Who did not get the event is counted, also if there is an error.
func (o *outgoing) finish(ctx context.Context) error {
	if ctx == atOnce {
		return o.giveUp()
	}
	lost, err := o.press(ctx)
	for _, f := range lost {
		o.lose(f)
	}
	if err != nil {
		err = actor.Counted(err)
	}
	return err
}

// giveUp counts what full lanes did not take; an error if nobody took anything.
func (o *outgoing) giveUp() error {
	for _, f := range o.full {
		o.lose(f)
	}
	if len(o.full) > 0 && !o.progress {
		return errNobody
	}
	return nil
}

// press sends to the peers whose lanes were full, waiting as long as there is
// patience. It returns those that did not get the event.
func (o *outgoing) press(ctx context.Context) (lost []late, err error) {
	t := o.g.t
	slow := o.full[:0]
	var begin time.Time // of the waiting
	for i, f := range o.full {
		if t.isSlow(f.flow) {
			slow = append(slow, f)
			continue
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		switch err := o.await(ctx, f, begin); {
		case err == nil:
			o.progress = true
			f.hold.Store(int64(hold))
			t.took(f.flow)
		case ctx.Err() != nil:
			return append(slow, o.full[i:]...), ended(ctx)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, o.g.name(), o.typ, 1)
		default:
			t.stuck(f.flow)
			slow = append(slow, f)
		}
	}
	for !o.progress && len(slow) > 0 { // back-pressure: nobody takes anything
		f := slow[0]
		slow = append(slow[1:], f)
		switch err := o.within(ctx, f, turn); {
		case err == nil:
			o.progress = true
			slow = slow[:len(slow)-1]
		case ctx.Err() != nil:
			return slow, ended(ctx)
		case errors.Is(err, actor.ErrUnreachable):
			t.dropped(err, o.g.name(), o.typ, 1)
			slow = slow[:len(slow)-1]
		}
	}
	return slow, nil
}

// await sends to a peer whose lane is full, waiting for it as long as there is
// patience.
func (o *outgoing) await(ctx context.Context, f late, begin time.Time) error {
	for {
		left := min(patience-o.g.t.stalled(f.peer), slowest-time.Since(begin))
		if left <= 0 {
			return actor.ErrOverloaded
		}
		if err := o.within(ctx, f, left); !errors.Is(err, actor.ErrOverloaded) || ctx.Err() != nil {
			return err
		}
	}
}

func (o *outgoing) within(ctx context.Context, f late, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return o.g.t.send(ctx, f.peer, transport.Fanout, own(f.frame))
}

// lose counts an event that a slow peer does not get.
func (o *outgoing) lose(f late) {
	f.dropped.Add(1)
	o.g.t.dropped(actor.ErrOverloaded, o.g.name()+" at "+f.name, o.typ, 1)
}

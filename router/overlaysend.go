package router

import (
	"errors"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport"
	"iris/transport/wire"
)

const (
	maxErrands   = 512             // nodes without a link that something waits for
	errandFrames = 64              // of them for one node
	errandFor    = 3 * time.Second // then they are dropped: the core repeats what matters
	callAgain    = 300 * time.Millisecond
)

// Why the overlay actor drops what it was to send.
const (
	dropFull    = iota // the lane is, or the errand
	dropAbsent         // no link came up in time, or no address is known
	dropGone           // the node has ended, or starts anew
	dropTooLong        // it does not fit a frame
	dropReasons
)

var dropNames = [dropReasons]string{"full", "no link", "gone", "too long"}

// errand is something to be done once there is a link to a node: frames to send,
// or nothing but the link itself. Meanwhile the node is dialled.
type errand struct {
	frames []wire.Frame
	at     int // index of the next address
	next   time.Time
	until  time.Time
}

// linkTo returns the link to the incarnation that h stands for, or nil.
func (o *overlay) linkTo(h pastry.Handle) link {
	l := o.r.ep.Link(o.book.book.ID(h))
	if l == nil || !l.Up() || l.Hello().Incarnation != o.book.book.Epoch(h) {
		return nil
	}
	return l
}

// send gives m to the link, or has one made.
func (o *overlay) send(now time.Time, to pastry.Handle, m *pastry.Msg) {
	f := pastry.Frame(m, o.book)
	if l := o.linkTo(to); l != nil {
		o.transmit(l, f)
		return
	}
	if e := o.errand(now, to); e == nil {
		o.dropped(dropAbsent, 1)
	} else if len(e.frames) >= errandFrames {
		o.dropped(dropFull, 1)
	} else {
		e.frames = append(e.frames, f)
	}
}

// transmit sends a frame on its lane. What is lost the core sends again if it
// matters.
func (o *overlay) transmit(l link, f wire.Frame) {
	lane := control
	if f.Kind() == wire.KindRoute {
		lane = transport.Transit
	}
	err := l.TrySend(lane, f)
	if g, ok := f.(*wire.Overlay); ok && errors.Is(err, wire.ErrTooLarge) {
		shorten(g)
		err = l.TrySend(lane, f)
	}
	switch {
	case err == nil:
	case errors.Is(err, actor.ErrOverloaded):
		o.dropped(dropFull, 1)
	case errors.Is(err, wire.ErrTooLarge):
		o.dropped(dropTooLong, 1)
	default:
		o.dropped(dropAbsent, 1)
	}
}

// shorten makes a frame fit: with one address for each node and, if that does not
// help, fewer of the nodes that the table might like.
func shorten(f *wire.Overlay) {
	for _, list := range [][]wire.NodeRef{f.Leaves, f.Refs} {
		for i := range list {
			list[i].Addrs = list[i].Addrs[:min(len(list[i].Addrs), 1)]
		}
	}
	for f.Size() > wire.MaxControl && len(f.Refs) > 0 {
		f.Refs = f.Refs[:len(f.Refs)/2]
		f.RTTs = f.RTTs[:min(len(f.RTTs), len(f.Refs))]
	}
}

// reach sees to it that there is a link to h.
func (o *overlay) reach(now time.Time, h pastry.Handle) {
	if o.linkTo(h) == nil {
		o.errand(now, h)
	}
}

// errand returns what waits for a link to h, and begins to dial; nil if it cannot.
func (o *overlay) errand(now time.Time, h pastry.Handle) *errand {
	e := o.errands[h]
	if e == nil {
		if len(o.errands) >= maxErrands || len(o.book.places[h].addrs) == 0 || o.r.leaving.Load() {
			return nil
		}
		e = &errand{until: now.Add(errandFor)}
		o.errands[h] = e
		o.call(now, h, e)
	}
	return e
}

// call dials the next address of h.
func (o *overlay) call(now time.Time, h pastry.Handle, e *errand) {
	addrs := o.book.places[h].addrs
	e.next = now.Add(callAgain)
	if len(addrs) > 0 {
		o.r.ep.Dial(addrs[e.at%len(addrs)], o.book.book.ID(h))
		if e.at++; e.at%len(addrs) == 0 {
			e.next = now.Add(time.Second)
		}
	}
}

// runErrands looks at all that waits.
func (o *overlay) runErrands(ctx actor.Context, now time.Time) {
	for h, e := range o.errands {
		switch l := o.r.ep.Link(o.book.book.ID(h)); {
		case l != nil && l.Up() && l.Hello().Incarnation > o.book.book.Epoch(h):
			o.fall(ctx, now, &fell{peer: o.book.book.ID(h), incarnation: o.book.book.Epoch(h)}) // another process lives there now
		case o.linkTo(h) != nil:
			o.runErrand(h)
		case !now.Before(e.until):
			o.drop(h, dropAbsent)
		case !now.Before(e.next):
			o.call(now, h, e)
		}
	}
	if len(o.errands) > 0 && !o.running {
		o.running = true
		ctx.After(runErrands, errandsDue{})
	}
}

// runErrand sends what waited for a link to h.
func (o *overlay) runErrand(h pastry.Handle) {
	e, l := o.errands[h], o.linkTo(h)
	if e == nil || l == nil {
		return
	}
	delete(o.errands, h)
	for _, f := range e.frames {
		o.transmit(l, f)
	}
}

// drop gives up what waits for h.
func (o *overlay) drop(h pastry.Handle, why int) {
	if e := o.errands[h]; e != nil {
		delete(o.errands, h)
		o.dropped(why, len(e.frames))
	}
}

func (o *overlay) dropped(why, n int) { o.r.overlayDrops[why].Add(uint64(n)) }

// report tells the event stream, once a minute, what was dropped. That a node is
// not there any more is the ordinary case.
func (o *overlay) report(now time.Time) {
	if now.Sub(o.reported) < reportEvery {
		return
	}
	o.reported = now
	for why := range o.told {
		if n := o.r.overlayDrops[why].Load(); n != o.told[why] && (why == dropFull || why == dropTooLong) {
			o.r.sys.Events().Publish(&actor.Overloaded{What: "router overlay: " + dropNames[why], Dropped: n - o.told[why]})
			o.told[why] = n
		}
	}
}

// neighbours returns all leaves and table entries.
func (o *overlay) neighbours() map[pastry.Handle]bool {
	set := make(map[pastry.Handle]bool)
	for _, h := range o.node.Leaves() {
		set[h] = true
	}
	for _, h := range o.table() {
		set[h] = true
	}
	return set
}

// nodes returns the ids of handles.
func (o *overlay) nodes(hs []pastry.Handle) []id.ID {
	out := make([]id.ID, len(hs))
	for i, h := range hs {
		out[i] = o.book.book.ID(h)
	}
	return out
}

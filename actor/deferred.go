package actor

import (
	"sync/atomic"
	"time"
)

// Deferred is a request that its handler answers after Receive has returned, from any goroutine. Until then it counts as
// in flight: balancers see the load, and a member that leaves waits for it. One of its methods must be called, the first
// counts, the others then do nothing. None of them blocks.
type Deferred struct {
	sys   *System
	actor string
	in    *Inbound // a copy; the tracker is in it
	begin time.Time
	over  atomic.Bool
}

// Defer takes the request that ctx is handling out of the hands of Receive: what it responds there is not sent any more.
// nil if nobody waits for an answer to the message, or it was answered already.
func Defer(ctx Context) *Deferred {
	g, ok := ctx.(*guard)
	if !ok || g.cur.in == nil || g.cur.in.ReplyTo == 0 || g.cur.responded {
		return nil
	}
	in := *g.cur.in
	in.Message = nil
	g.cur.in.Tracker = nil
	g.cur.responded = true
	return &Deferred{sys: g.cell.sys, actor: g.cell.pid.Id, in: &in, begin: time.Now()}
}

// Deadline is when the asker gives up; zero if it did not say.
func (d *Deferred) Deadline() time.Time { return d.in.Deadline }

// Reply answers with msg, which is immutable from then on.
func (d *Deferred) Reply(msg any) { d.end(msg, nil, true) }

// Fail answers with err, as a handler does: the asker gets a *RemoteError.
func (d *Deferred) Fail(err error) {
	if !d.over.Load() {
		d.in.failed()
	}
	d.end(nil, d.sys.handlerError(d.actor, err), true)
}

// Refuse says that the request was not executed and will not be, so that the asker may try another member. err is
// ErrOverloaded, ErrDraining or ErrNoActor.
func (d *Deferred) Refuse(err error) { d.end(nil, err, false) }

// Expire gives the request up without an answer, because its deadline has passed.
func (d *Deferred) Expire() {
	if d.over.CompareAndSwap(false, true) {
		d.done(true)
	}
}

func (d *Deferred) end(msg any, err error, executed bool) {
	if d.over.CompareAndSwap(false, true) {
		d.sys.reply(d.in, msg, err)
		d.done(executed)
	}
}

func (d *Deferred) done(executed bool) {
	if t := d.in.Tracker; t != nil && !d.in.counted { // else Receive had returned before, and an answer to its Ask deferred
		t.Done(d.begin.Sub(d.in.Posted), time.Since(d.begin), executed)
	}
}

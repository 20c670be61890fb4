package actor

import (
	"log/slog"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
)

var _ Context = (*guard)(nil)

// Message implements Context. What came in a bundle becomes the handler's own when it asks for it.
func (g *guard) Message() any {
	if g.cur.lent {
		g.cur.msg, g.cur.lent = g.cur.own(), false
	}
	return g.cur.msg
}

func (g *guard) Self() *PID           { return g.cell.pid }
func (g *guard) System() *System      { return g.cell.sys }
func (g *guard) Logger() *slog.Logger { return g.cell.log() }

func (g *guard) Parent() *PID {
	if g.cell.parent == nil {
		return nil
	}
	return g.cell.parent.pid
}

func (g *guard) Sender() *PID {
	if g.cur.sender == nil && g.cur.in != nil {
		g.cur.sender = g.cur.in.sender()
	}
	return g.cur.sender
}

// delivery is what Meta returns.
func (g *guard) delivery() Delivery {
	d := Delivery{Origin: g.cell.sys.node}
	if g.cur.in != nil {
		d = g.cur.in.Delivery
	}
	if g.cur.trace != "" {
		d.Trace = g.cur.trace
	}
	return d
}

func (g *guard) Send(to *PID, msg any)    { g.cell.sys.Send(to, nil, g.traced(msg)) }
func (g *guard) Request(to *PID, msg any) { g.cell.sys.Send(to, g.cell.pid, g.traced(msg)) }

func (g *guard) Respond(msg any) {
	g.cur.responded = true
	err, failed := msg.(error)
	if failed {
		err = g.cell.sys.handlerError(g.cell.pid.Id, err)
	}
	if in := g.cur.in; in != nil && in.ReplyTo != 0 {
		if failed {
			msg = nil
			in.failed()
		}
		g.cell.sys.reply(in, msg, err)
		return
	}
	switch s := g.Sender(); {
	case s == nil:
		g.cell.sys.lost(DeadNoSender, nil, g.cell.pid, msg)
	case failed:
		g.cell.sys.fail(s, g.cell.pid, err)
	default:
		g.cell.sys.Send(s, nil, msg)
	}
}

func (g *guard) Forward(to *PID) {
	g.cur.responded = true
	switch {
	case g.cur.in == nil:
		g.cell.sys.Send(to, g.cur.sender, g.traced(g.cur.msg))
	case g.cur.bundled:
		g.forwardBundled(to)
	default:
		g.cell.sys.forward(to, g.cur.in, g.trace())
	}
}

// continuation is an answer to an Ask on its way to the actor that asked.
type continuation struct {
	incarnation uint32
	cur         current
	then        func(any, error)
	reply       Reply
}

func (g *guard) Ask(to *PID, msg any, timeout time.Duration, then func(reply any, err error)) {
	c := &continuation{incarnation: g.incarnation, then: then}
	g.kept()
	c.cur = g.cur
	c.cur.from = nil
	mb := &g.cell.mb
	g.cell.sys.request(to, g.cell.pid, g.traced(msg), timeout, func(r Reply) {
		c.reply = r
		_ = mb.post(c, true) // stopped meanwhile: nobody is left to be told
	})
}

func (g *guard) Watch(pid *PID) {
	c := g.cell
	if pid == nil || isName(pid) {
		return
	}
	if c.sys.isLocal(pid) && c.kids[pid.Id] != nil {
		return // the end of a child is reported anyway, a second Terminated would follow it
	}
	key := pidKey{pid.Address, pid.Id}
	if c.sys.isLocal(pid) {
		key.node = c.sys.node
	}
	if c.watching.has(key) {
		return
	}
	c.watching.add(key)
	c.sys.watch(c, key)
}

func (g *guard) Unwatch(pid *PID) {
	c := g.cell
	if pid == nil {
		return
	}
	key := pidKey{pid.Address, pid.Id}
	if c.sys.isLocal(pid) {
		key.node = c.sys.node
	}
	if c.watching.has(key) {
		c.watching.remove(key)
		c.sys.unwatch(c, key)
	}
}

func (g *guard) Stop(pid *PID)   { g.cell.sys.end(pid, false) }
func (g *guard) Poison(pid *PID) { g.cell.sys.end(pid, true) }

func (g *guard) Children() []*PID {
	list := make([]*PID, 0, len(g.cell.kids))
	for _, k := range g.cell.kids {
		list = append(list, k.cell.pid)
	}
	return list
}

// timed is a message of After.
type timed struct {
	incarnation uint32
	msg         any
}

func (g *guard) After(d time.Duration, msg any) (cancel func()) {
	t := &timed{g.incarnation, msg}
	mb := &g.cell.mb
	return g.cell.addTimer(d, func() { _ = mb.post(t, true) })
}

// idleness implements SetReceiveTimeout. The timer is not moved for every message: when it fires and there was activity
// in between, it is set again for what remains. Only messages touch this state, so nothing here can race.
type idleness struct {
	after  time.Duration
	last   time.Time // of the latest message
	cancel func()
}

// idleTick is the timer's message to its actor. Those of earlier settings and incarnations say so.
type idleTick struct{ of *idleness }

func (i *idleness) active() {
	if i != nil {
		i.last = time.Now()
	}
}

func (g *guard) SetReceiveTimeout(d time.Duration) {
	if g.idle != nil {
		g.idle.cancel()
		g.idle = nil
	}
	if d > 0 {
		g.idle = &idleness{after: d, last: time.Now()}
		g.armIdle(d)
	}
}

func (g *guard) armIdle(d time.Duration) {
	t, mb := &idleTick{g.idle}, &g.cell.mb
	g.idle.cancel = g.cell.addTimer(d, func() { _ = mb.post(t, true) })
}

func (g *guard) idleTick(t *idleTick) {
	i := g.idle
	if t.of != i {
		return
	}
	if left := i.after - time.Since(i.last); left > 0 {
		g.armIdle(left)
		return
	}
	i.last = time.Now()
	g.armIdle(i.after)
	g.protect(current{msg: &proto.ReceiveTimeout{}}, nil)
}

package actor

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
)

// guard stands between protoactor and one incarnation of the user's actor. It is the Context the actor sees, contains
// its panics, answers for it when it cannot, and supervises its children (see supervise.go). All fields are owned by
// the runner of the mailbox.
type guard struct {
	sys         *System
	cell        *cell // nil until the first message comes
	incarnation uint32
	started     bool
	actor       Actor
	cur         current
	idle        *idleness // nil: SetReceiveTimeout is off
	batch       *Batch    // what an actor with Props.Batches is given, time and again; nil before
}

// current is the message being handled.
type current struct {
	msg       any     // nil while lent
	lent      bool    // nobody asked for the message yet: it is mem[begin:end] of the bundle
	from      *Bundle // it came in, while lent
	begin     int
	end       int
	room      Bytes    // for copies of small messages that follow in the bundle
	bundled   bool     // it came in a bundle, or is a *Batch: in does not have it
	in        *Inbound // if it came as one, or in a bundle
	sender    *PID     // if known; else made from in on demand
	responded bool     // answered or forwarded
	trace     string   // in the place of that of in; empty: that one
}

const (
	small = 32  // bytes of a message that shares memory with its neighbours
	crumb = 128 // bytes of that memory, which one that is kept alone keeps alive
)

// own returns a copy of a lent message that is the handler's to keep. Small ones that came together are parts of one
// allocation.
func (c *current) own() Bytes {
	lent := c.from.mem[c.begin:c.end]
	n := len(lent)
	if n > small || n == 0 {
		own := make(Bytes, n) // in this form it is not cleared first
		copy(own, lent)
		return own
	}
	if n > len(c.room) {
		c.room = make(Bytes, min(crumb, len(c.from.mem)-c.begin)) // no more than is still to come
	}
	own := c.room[:n:n]
	c.room = c.room[n:]
	copy(own, lent)
	return own
}

// poison asks an actor to end when it gets there.
type poison struct{}

// fault describes a failure of a handler; it is the Reason protoactor passes to the supervisor.
type fault struct {
	reason  any
	stack   []byte
	message any
	number  uint64 // see mailbox.failures
	renewed uint32 // see cell.renewed
}

// errGoexit is the reason of a handler that ended its goroutine.
var errGoexit = fmt.Errorf("handler called runtime.Goexit")

func newFault(reason, message any) *fault {
	if reason == nil {
		reason = errGoexit
	}
	return &fault{reason: reason, stack: debug.Stack(), message: message}
}

// typeName is the Go type of msg, "" for nil.
func typeName(msg any) string {
	if msg, _ = Untraced(msg); msg == nil {
		return ""
	}
	return reflect.TypeOf(msg).String()
}

// Receive handles the lifecycle messages that protoactor delivers. User messages do not come this way.
func (g *guard) Receive(p proto.Context) {
	if g.cell == nil {
		g.incarnate(p.Self())
	}
	c := g.cell
	switch m := p.Message().(type) {
	case *Started:
		c.ctx = p
		g.start(m)
	case *Restarting:
		c.phase.Store(int32(phaseRestarting))
		g.contain(m, DirectiveRestart)
		g.endIncarnation()
	case *Stopping:
		c.phase.Store(int32(phaseStopping))
		g.contain(m, DirectiveStop)
		g.endIncarnation()
	case *Stopped:
		c.gone.Store(true)
		if !c.stopped { // this comes twice if the first was cut short by runtime.Goexit
			c.stopped = true
			g.contain(m, DirectiveStop)
		}
		c.mb.conclude()
		c.sys.cells.remove(c) // before the parent is told, which may use the name again at once
	case *Terminated:
		g.terminated(m)
	}
}

// start makes the actor and gives it Started. A panic in either is a failure like any other.
func (g *guard) start(m *Started) {
	if g.started { // a restart overtook the first Started
		return
	}
	g.started = true
	c := g.cell
	c.phase.Store(int32(phaseAlive))
	if c.parent != nil && !c.props.supervisor && !c.props.silent {
		c.sys.events.Publish(&HandlerStarted{PID: c.pid, Cluster: c.cluster, Restarts: int(g.incarnation) - 1})
	}
	g.protect(current{msg: m}, nil)
	if c.draining {
		g.drain()
	}
}

// endIncarnation cancels what only this incarnation waits for. Answers to its Asks and its timers carry its number and
// are dropped when they arrive.
func (g *guard) endIncarnation() {
	g.idle = nil
	g.cell.cancelTimers()
}

// contain runs a lifecycle handler whose failure must not reach protoactor: there a panic while stopping would cancel
// the stop. It is reported as done: the actor restarts or stops anyway.
func (g *guard) contain(msg any, d Directive) {
	if g.actor == nil {
		return
	}
	g.protect(current{msg: msg}, nil)
	if f := g.cell.mb.fault; f != nil {
		g.cell.mb.fault = nil
		g.cell.sys.publishFailure(g.cell, f, 0, d, 0)
	}
}

// user handles one message of the user lane. Called by the mailbox.
func (g *guard) user(raw any) {
	switch m := raw.(type) {
	case *Inbound:
		g.inbound(m)
	case *proto.MessageEnvelope:
		g.handle(current{msg: m.Message, sender: m.Sender})
	case *continuation:
		if m.incarnation == g.incarnation {
			g.protect(m.cur, m)
		}
	case *timed:
		if m.incarnation == g.incarnation {
			g.act(current{msg: m.msg})
		}
	case *idleTick:
		g.idleTick(m)
	case *poison:
		g.drain()
	case *notice:
		g.notice(m)
	case *spawnRequest:
		g.spawnFor(m)
	default:
		g.handle(current{msg: raw})
	}
}

// handle calls the actor with a message that somebody sent.
func (g *guard) handle(c current) {
	g.cell.mb.handled++
	g.act(c)
}

// act calls the actor with a message that counts as activity.
func (g *guard) act(c current) {
	g.idle.active()
	g.protect(c, nil)
}

// inbound handles a message that came with a Delivery. The tracker is told even if the handler panics or exits.
func (g *guard) inbound(in *Inbound) {
	if in.Tracker == nil {
		if !in.Deadline.IsZero() && time.Now().After(in.Deadline) {
			g.cell.sys.expired(g.cell, in)
			return
		}
		g.handle(g.given(in))
		return
	}
	start := time.Now()
	if !in.Deadline.IsZero() && start.After(in.Deadline) {
		g.cell.sys.expired(g.cell, in)
		return
	}
	defer func() {
		if in.Tracker != nil { // else it was deferred
			in.Tracker.Done(start.Sub(in.Posted), time.Since(start), true)
			in.counted = true
		}
	}()
	g.handle(current{msg: in.Message, in: in})
}

// protect calls the actor, or the function of an Ask, and turns a panic or runtime.Goexit into a fault of the mailbox.
func (g *guard) protect(c current, cont *continuation) {
	g.cur = c
	normal := false
	defer func() {
		if !normal {
			g.failed(recover())
		}
		g.cur = current{}
		if c.bundled && g.batch != nil {
			*g.batch = Batch{}
		}
	}()
	if cont != nil {
		cont.then(cont.reply.Message, cont.reply.Err)
	} else {
		g.receive()
	}
	normal = true
}

// receive calls the actor, making it first if need be.
func (g *guard) receive() {
	if g.actor == nil {
		g.actor = g.cell.props.make()
		if g.actor == nil {
			panic("actor: Props produced a nil actor")
		}
		g.cell.kind.Store(kindOf(g.cell.props, g.actor))
	}
	g.actor.Receive(g)
}

// failed records a failure and answers whoever waits for the message, at once: the supervisor may take its time.
func (g *guard) failed(reason any) {
	f := newFault(reason, g.kept())
	g.cell.mb.fault = f
	g.cell.sys.count.failures.Add(1)
	g.cell.blame(func(t *trouble) { t.failures++; t.last = reasonText(f.reason) })
	if g.cur.responded {
		return
	}
	err := &RemoteError{
		Node: g.cell.sys.node, Actor: g.cell.pid.Id, Code: CodePanic, Text: reasonText(f.reason), Panic: true,
	}
	if in := g.cur.in; in != nil && in.ReplyTo != 0 {
		in.failed()
		g.cell.sys.reply(in, nil, err)
	} else if s := g.Sender(); s != nil {
		g.cell.sys.fail(s, g.cell.pid, err)
	}
}

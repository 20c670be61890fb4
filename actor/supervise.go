package actor

import (
	"fmt"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
)

var _ proto.SupervisorStrategy = (*guard)(nil)

// strategyFor is the strategy for a child: its own, unless it is a supervisor, whose strategy is for its children.
func (c *cell) strategyFor(k *kid) Strategy {
	switch {
	case k.props.strategy != nil && !k.props.supervisor:
		return k.props.strategy.withDefaults()
	case c.props.strategy != nil:
		return c.props.strategy.withDefaults()
	default:
		return Strategy{}.withDefaults()
	}
}

// HandleFailure decides about a failed child. protoactor calls it on the supervisor's turn; the child's mailbox is
// suspended until a directive reaches it.
func (g *guard) HandleFailure(_ *proto.ActorSystem, _ proto.Supervisor, who *PID, _ *proto.RestartStatistics, reason, message any) {
	c := g.cell
	k := c.kids[who.Id]
	if k == nil || c.mb.stopSeen {
		return // its end is on the way
	}
	f, ok := reason.(*fault)
	if !ok {
		f = newFault(reason, message)
	}
	s := c.strategyFor(k)
	d, delay := k.restarts.fail(time.Now(), s, Failure{
		PID: k.cell.pid, Reason: f.reason, Stack: f.stack, Message: f.message, MessageType: typeName(f.message),
	})
	if d == DirectiveEscalate && c.parent == nil { // nobody is above the root: the subtree restarts
		d, delay = DirectiveRestart, s.backoff(k.restarts.row, func() float64 { return 0 })
	}
	if d == DirectiveRestart && k.cell.poisoned.Load() {
		delay = 0 // it has to work off its queue before the deadline of whoever poisoned it
		if _, starting := f.message.(*Started); starting {
			d = DirectiveStop // it cannot, and would fail like this until then
		}
	}
	c.sys.publishFailure(k.cell, f, len(k.restarts.times), d, delay)
	switch d {
	case DirectiveResume:
		k.cell.mb.postSystem(&resume{f.number})
	case DirectiveStop:
		k.cell.stop("failed: " + reasonText(f.reason))
	case DirectiveEscalate:
		c.mb.fault = &fault{
			reason: fmt.Errorf("%s failed: %s", k.cell.pid.Id, reasonText(f.reason)), stack: f.stack, message: f.message,
		}
	default:
		again := &restartAfter{f.number}
		if delay <= 0 {
			k.cell.mb.postSystem(again)
			return
		}
		k.stopTimer()
		k.timer = c.sys.after(delay, func() { k.cell.mb.postSystem(again) })
	}
}

func (k *kid) stopTimer() {
	if k.timer != nil {
		k.timer.stop()
		k.timer = nil
	}
}

// childGone forgets a child, unless it ended with its supervisor: that, or what is restarted in its place, starts it anew.
func (g *guard) childGone(k *kid) {
	c := g.cell
	k.stopTimer()
	id := k.cell.pid.Id
	if c.props.supervisor && phase(c.phase.Load()) != phaseAlive && k.cell.reason.Load() == nil {
		k.ended = true
		return
	}
	delete(c.kids, id)
	waiting := c.waiting[id]
	delete(c.waiting, id)
	for _, r := range waiting {
		g.spawnFor(r)
	}
}

// maxText bounds the texts made of panic values, which may print as anything.
const maxText = 4 << 10

func reasonText(reason any) string {
	s := fmt.Sprint(reason)
	if len(s) > maxText {
		s = s[:maxText]
	}
	return s
}

// publishFailure reports a failed handler.
func (s *System) publishFailure(c *cell, f *fault, restarts int, d Directive, delay time.Duration) {
	s.events.Publish(&HandlerFailed{
		PID: c.pid, Cluster: c.cluster, Reason: reasonText(f.reason), Stack: string(f.stack),
		MessageType: typeName(f.message), Restarts: restarts, Directive: d, Backoff: delay,
	})
}

// local finds the cell of a PID of this node, nil if there is none.
func (s *System) local(pid *PID) *cell {
	if pid == nil || !s.isLocal(pid) {
		return nil
	}
	return s.cells.get(pid.Id)
}

// protoactorSystemMessage takes the system messages protoactor could not deliver.
func (s *System) protoDeadLetter(msg any) {
	if m, ok := msg.(*proto.Failure); ok { // the supervisor is gone; nobody else would ever resume or stop the child
		if c := s.cells.get(m.Who.Id); c != nil {
			c.stop("supervisor gone")
		}
	}
}

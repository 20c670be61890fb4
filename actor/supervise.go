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
	case k.cell.props.strategy != nil && !k.cell.props.supervisor:
		return k.cell.props.strategy.withDefaults()
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
		f.renewed = c.renewals
	}
	s := c.strategyFor(k)
	d, delay := k.restarts.fail(time.Now(), s, Failure{
		PID: k.cell.pid, Reason: f.reason, Stack: f.stack, Message: f.message, MessageType: typeName(f.message),
	})
	d, delay = limits{top: c.parent == nil, leaving: k.cell.poisoned.Load(), starting: k.startsNot(f), renewed: f.renewed != c.renewals}.
		apply(d, delay, s.backoff(k.restarts.row, func() float64 { return 0 }))
	c.sys.publishFailure(k.cell, f, len(k.restarts.times), d, delay)
	switch d {
	case DirectiveResume:
		k.cell.mb.postSystem(&resume{f.number})
	case DirectiveStop:
		k.cell.stop("failed: " + reasonText(f.reason))
	case DirectiveEscalate:
		k.escalated = f.number
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

// startsNot reports whether f says that the child failed to start. A supervisor has the message of its own child
// that escalated.
func (k *kid) startsNot(f *fault) bool {
	_, starting := f.message.(*Started)
	return starting && !k.cell.props.supervisor
}

func (k *kid) stopTimer() {
	if k.timer != nil {
		k.timer.stop()
		k.timer = nil
	}
}

// renew is the restart of a supervisor. It has no state of its own that could be spoilt, so it stays, and so do its
// children: each gets a new incarnation in its place as soon as it is done with its message, whether it failed, waits or is
// well. Their queues and those who watch them stay with them: nobody else notices.
//
//	member fails ──► budget spent: escalate ──► supervisor fails ──► back-off ──► renew ──► all members
//
// A failure from before, of which the supervisor hears only now, is one that it has made up for: see limits.renewed.
func (c *cell) renew() {
	c.restarted()
	c.renewals++
	for _, k := range c.kids {
		k.stopTimer()
		k.cell.mb.postSystem(&restartCommand{c.renewals})
	}
}

// restarted counts a restart.
func (c *cell) restarted() {
	c.sys.count.restarts.Add(1)
	c.blame(func(t *trouble) { t.restarts++ })
}

// unblock resumes the children whose failures this actor made its own, when it is resumed itself.
func (c *cell) unblock() {
	for _, k := range c.kids {
		if k.escalated > 0 {
			k.cell.mb.postSystem(&resume{k.escalated})
			k.escalated = 0
		}
	}
}

// childGone forgets a child.
func (g *guard) childGone(k *kid) {
	c := g.cell
	k.stopTimer()
	id := k.cell.pid.Id
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

package transport

import (
	"errors"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// GiveUp disposes of a frame for n that was taken over and then never sent. It is
// counted as a dead letter with the reason that err is, and whoever waits for
// what it would have brought is told: an asker gets err, which may therefore say
// that nothing was executed; the sending actor of a message a RequestFailed; a
// watcher Terminated.
func (e *Endpoint) GiveUp(n id.ID, f wire.Frame, err error) {
	node := n.String()
	if f, ok := f.(*wire.Tell); ok {
		var sender *actor.PID
		if f.Sender != "" {
			sender = &actor.PID{Address: e.sys.Node(), Id: f.Sender, RequestId: f.SenderReq}
			if !f.SenderNode.IsZero() {
				sender.Address = f.SenderNode.String()
			}
		}
		e.sys.Undelivered(actor.NewPID(node, f.Target), sender, f.Body.Type, err)
		return
	}
	if target, kind := "node "+n.Short(), f.Kind(); isMessage(kind) {
		e.sys.Dropped(reasonFor(err), target, kind.String(), "", 1)
	} else {
		e.sys.Lost(reasonFor(err), target, kind.String(), "")
	}
	switch f := f.(type) {
	case *wire.Ask:
		e.sys.Replies().Fail(node, f.ID, err)
	case *wire.Request:
		e.sys.Replies().Fail(node, f.ID, err)
	case *wire.Watch:
		e.sys.RemoteTerminated(node, f.Watchee, f.Watcher, int(actor.TerminatedNodeLost))
	}
}

// reasonFor names the dead letter of a frame that was not sent.
func reasonFor(err error) actor.DeadReason {
	switch {
	case errors.Is(err, actor.ErrOverloaded):
		return actor.DeadOverflow
	case errors.Is(err, actor.ErrExpired):
		return actor.DeadExpired
	case errors.Is(err, actor.ErrClosed):
		return actor.DeadClosed
	case errors.Is(err, wire.ErrTooLarge):
		return actor.DeadCodec
	}
	return actor.DeadUnreachable
}

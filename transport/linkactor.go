package transport

import (
	"iris/actor"
	"iris/transport/wire"
)

// linkActor owns one link: it starts its goroutines, and when the link has
// ended, or the actor is stopped, waits for them and tells the owner.
type linkActor struct {
	l *Link
}

func (a *linkActor) Receive(ctx actor.Context) {
	l, e := a.l, a.l.e
	switch ctx.Message().(type) {
	case *actor.Started:
		l.mu.Lock()
		l.pid = ctx.Self()
		ended := l.ended
		l.mu.Unlock()
		e.sys.Events().Publish(&actor.LinkUp{Peer: l.name, Addr: l.RemoteAddr().String(), Dialed: l.dialed})
		ctx.Send(e.owner, &LinkUp{Link: l})
		l.start()
		if ended {
			ctx.Stop(ctx.Self())
		}
	case linkEnded:
		ctx.Stop(ctx.Self())
	case *actor.Stopping:
		l.stop(wire.CodeInternal, "link actor stopped")
		e.detach(l)
		down := l.cause
		e.sys.Events().Publish(&actor.LinkDown{Peer: l.name, Reason: down.Reason})
		ctx.Send(e.owner, &down)
	}
}

// detach takes a link that has ended out of the table, after those who wait for what
// went over it were told, and with the last one of its peer the tunnel connections of
// the pair.
func (e *Endpoint) detach(l *Link) {
	l.tellLost()
	e.mu.Lock()
	e.setLink(l, false)
	gone := e.Link(l.peer) == nil
	tunnels := e.tunnels[l.peer]
	e.mu.Unlock()
	if gone && tunnels != nil {
		tunnels.end(l.cause.Code, "link lost: "+l.cause.Reason)
	}
}

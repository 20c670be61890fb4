package tunnels

import (
	"errors"

	"iris/actor"
	"iris/transport/wire"
)

// The messages of the actor iris/tunnels/<id>, one per tunnel end. The data of
// the tunnel never comes here.
type (
	// stalledMsg: the sender has waited long for credit. From the goroutine that
	// sends; no reply; if lost the event is missing.
	stalledMsg struct{}
	// violatedMsg: the peer broke the protocol. From the reader; no reply; if
	// lost the event is missing.
	violatedMsg struct{ reason string }
	// endedMsg: the stream is done with. From the goroutine that finished it
	// last; no reply; if lost the actor stays until Tunnels.Close.
	endedMsg struct{}
)

// errKeeperStopped aborts a tunnel whose actor was stopped from outside.
var errKeeperStopped = errors.New("the tunnel was stopped by its node")

// keeper owns the life of a tunnel end: it tells the event stream about it,
// watches the member that serves it and ends with it. All fields are owned by
// the actor.
type keeper struct {
	ts     *Tunnels
	t      *Tunnel
	member *actor.PID
	told   bool // TunnelOpened was published
	ended  bool
}

// adopt starts the actor of t.
func (ts *Tunnels) adopt(t *Tunnel, member *actor.PID) error {
	k := &keeper{ts: ts, t: t, member: member}
	// The same value again after a failure: what it knows is not in doubt.
	pid, err := ts.config.System.SpawnUnder(ts.parent, t.id, actor.Of(func() actor.Actor { return k }).Mailbox(64))
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.keeper = pid
	t.mu.Unlock()
	return nil
}

// Receive implements actor.Actor.
func (k *keeper) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		k.started(ctx)
	case *stalledMsg:
		k.ts.publish(&actor.TunnelStalled{Tunnel: k.t.id, Cluster: k.t.cluster, Peer: k.t.Peer()})
	case *violatedMsg:
		k.ts.publish(&actor.ProtocolViolation{Peer: k.t.Peer(), Reason: "tunnel: " + m.reason})
	case *endedMsg:
		k.close(ctx)
	case *actor.Terminated:
		if k.member != nil && actor.Same(m.Who, k.member) {
			k.t.Abort(errHandlerStopped)
		}
	case *actor.Stopping:
		k.t.abort(wire.CodeInternal, whatAborted, errKeeperStopped)
	}
}

func (k *keeper) started(ctx actor.Context) {
	if !k.told {
		k.told = true
		k.ts.publish(&actor.TunnelOpened{Tunnel: k.t.id, Cluster: k.t.cluster, Peer: k.t.Peer()})
	}
	if k.member != nil {
		ctx.Watch(k.member)
	}
	select {
	case <-k.t.finished: // its message may have gone to an earlier incarnation
		k.close(ctx)
	default:
	}
}

func (k *keeper) close(ctx actor.Context) {
	if k.ended {
		return
	}
	k.ended = true
	k.ts.publish(&actor.TunnelClosed{
		Tunnel: k.t.id, Cluster: k.t.cluster, Peer: k.t.Peer(), Reason: k.t.epitaph(),
		Sent: k.t.out.sent(), Received: k.t.in.received(),
	})
	ctx.Stop(ctx.Self())
}

// The watcher of every tunnel end of the node.

func (ts *Tunnels) stalled(t *Tunnel)             { ts.tell(t, &stalledMsg{}) }
func (ts *Tunnels) violated(t *Tunnel, err error) { ts.tell(t, &violatedMsg{err.Error()}) }

func (ts *Tunnels) ended(t *Tunnel) {
	ts.forget(t)
	ts.tell(t, &endedMsg{})
}

func (ts *Tunnels) tell(t *Tunnel, msg any) {
	t.mu.Lock()
	pid := t.keeper
	t.mu.Unlock()
	if pid != nil {
		ts.config.System.Send(pid, nil, msg)
	}
}

func (ts *Tunnels) publish(event any) { ts.config.System.Events().Publish(event) }

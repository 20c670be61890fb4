package node

import (
	"context"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// watchCommands carries out the commands of supervising programs that concern
// the node itself; the actor system sees to those about actors.
func (n *Node) watchCommands() {
	ctx, cancel := context.WithCancel(context.Background())
	n.watch = cancel
	events := n.sys.Events().Chan(ctx, 64)
	n.watching.Go(func() {
		for ev := range events {
			switch ev := ev.(type) {
			case *actor.Disconnect:
				n.disconnect(ev.Peer)
			case *actor.Drain:
				n.watching.Go(func() { n.drain(ctx) })
			}
		}
	})
}

// disconnect drops the link to a peer, by command.
func (n *Node) disconnect(peer string) {
	p, err := id.Parse(peer)
	if err != nil {
		n.log.Warn("disconnect: not a node id", "peer", peer)
		return
	}
	if l := n.endpoint.Link(p); l != nil {
		l.Close(wire.CodeOK, "disconnected by command")
	}
}

// drain leaves every cluster and topic, by command; the node stays in the
// network and keeps asking others. ctx ends when the node stops.
func (n *Node) drain(ctx context.Context) {
	n.draining.Store(true)
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Shutdown.Timeout)
	defer cancel()
	if err := n.topics.Drain(ctx); err != nil {
		n.log.Warn("drain was cut short", "error", err)
	}
}

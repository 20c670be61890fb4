package node

import (
	"context"
	"fmt"
	"sync"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// maxOrders is how many commands may wait for the node; further ones are answered
// ErrOverloaded.
const maxOrders = 256

// orders are the commands that wait.
type orders struct {
	queue chan *actor.Order

	mu   sync.Mutex // guards the following fields
	over bool       // nobody takes them any more
}

// put takes an order or answers it at once. It does not block.
func (o *orders) put(order *actor.Order) {
	if err := o.try(order); err != nil {
		order.Done(err)
	}
}

func (o *orders) try(order *actor.Order) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return actor.ErrClosed
	}
	select {
	case o.queue <- order:
		return nil
	default:
		return actor.ErrOverloaded
	}
}

// end answers what is left.
func (o *orders) end() {
	o.mu.Lock()
	o.over = true
	o.mu.Unlock()
	for len(o.queue) > 0 {
		(<-o.queue).Done(actor.ErrClosed)
	}
}

// watchCommands carries out the commands that concern the node itself; the actor
// system sees to those about actors.
func (n *Node) watchCommands() {
	ctx, cancel := context.WithCancel(context.Background())
	n.watch = cancel
	o := &orders{queue: make(chan *actor.Order, maxOrders)}
	n.sys.Events().Carry(o.put)
	d := newDrains(func(over chan<- error) { n.watching.Go(func() { over <- n.drain(ctx) }) })
	n.watching.Go(func() {
		defer o.end()
		defer d.end()
		for {
			select {
			case order := <-o.queue:
				n.carry(d, order)
			case err := <-d.over:
				d.done(err)
			case <-ctx.Done():
				return
			}
		}
	})
}

// carry sees to one order.
func (n *Node) carry(d *drains, o *actor.Order) {
	switch c := o.Command.(type) {
	case *actor.Disconnect:
		o.Done(n.disconnect(c.Peer))
	case *actor.SetLogLevel:
		o.Done(n.setLogLevel(c))
	case *actor.Drain:
		d.take(o)
	default:
		o.Done(fmt.Errorf("%s: not for a node", actor.EventKind(c)))
	}
}

// disconnect drops the link to a peer.
func (n *Node) disconnect(peer string) error {
	p, err := id.Parse(peer)
	if err != nil {
		return fmt.Errorf("%q is not the id of a node", peer)
	}
	l := n.endpoint.Link(p)
	if l == nil {
		return fmt.Errorf("%s is not linked: %w", p, actor.ErrUnreachable)
	}
	l.Close(wire.CodeOK, "disconnected by command")
	return nil
}

// setLogLevel changes what is logged from now on.
func (n *Node) setLogLevel(c *actor.SetLogLevel) error {
	if err := n.logs.SetLevel(c.Subsystem, c.Level); err != nil {
		return err
	}
	what := "log.level"
	if c.Subsystem != "" {
		what = "log.levels." + c.Subsystem
	}
	n.sys.Events().Publish(&actor.ConfigChanged{What: what, Value: c.Level})
	return nil
}

// drain leaves every cluster and topic, within shutdown.timeout; the node stays in the
// network and keeps asking others. ctx ends when the node stops.
func (n *Node) drain(ctx context.Context) error {
	n.draining.Store(true)
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Shutdown.Timeout)
	defer cancel()
	return n.topics.Drain(ctx)
}

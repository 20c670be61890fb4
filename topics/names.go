package topics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"iris/actor"
	"iris/topics/balance"
	"iris/transport"
	"iris/transport/wire"
)

// atOnce is the context of those who must not block: it has ended.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// names resolves the PIDs made by actor.Cluster, Members and Topic. It never
// blocks: what does not fit a lane fails with ErrOverloaded, and what comes before
// the first view waits in the group, in order.
type names struct{ t *Topics }

var _ actor.Names = names{}

// Send implements actor.Names.
func (n names) Send(to, sender *actor.PID, msg any) error {
	kind := wire.GroupCluster
	if to.Address == topicAddress {
		kind = wire.GroupTopic
	}
	g, err := n.t.named(kind, to.Id)
	if err != nil {
		return err
	}
	msg, trace := actor.Untraced(msg)
	now := func() error { return g.sendNow(to.Address, msg, trace) }
	if g.busy.Load() || !g.ready() {
		ok := g.await(func(err error) {
			if err == nil {
				err = now()
			}
			if err != nil {
				n.t.dropped(err, to.Address+"/"+to.Id, typeName(msg), 1)
			}
		})
		if !ok {
			return g.wrap(actor.ErrOverloaded)
		}
		return nil
	}
	if err := now(); err != nil {
		return g.wrap(err)
	}
	return nil
}

// ready reports whether there is a live view.
func (g *group) ready() bool {
	if g.key.Kind == wire.GroupTopic {
		return g.route() != nil
	}
	return g.live(time.Now()) != nil
}

// The addresses of names, as actor.Cluster and its siblings make them.
var (
	clusterAddress = actor.Cluster("").Address
	topicAddress   = actor.Topic("").Address
)

// sendNow sends by the present view.
func (g *group) sendNow(address string, msg any, trace string) error {
	if address == clusterAddress {
		return g.tellOne(msg, trace)
	}
	if address == topicAddress {
		if r := g.route(); r != nil {
			return g.publish(atOnce, r, msg, PublishOptions{Reliable: g.surely, Trace: trace})
		}
	} else if v := g.live(time.Now()); v != nil {
		return g.broadcast(atOnce, v, msg, trace)
	}
	return actor.ErrUnreachable // the lease ended while it waited
}

// tellOne sends msg to one member, or to another one if that takes nothing.
func (g *group) tellOne(msg any, trace string) error {
	c := &call{g: g, msg: msg, trace: trace}
	for {
		ch, live, err := c.pick(time.Now())
		if !live {
			return actor.ErrUnreachable
		}
		if err != nil {
			return err
		}
		err = c.tell(ch)
		if retry, _, err := c.judgeUnanswered(ch, err); !retry {
			return err
		}
	}
}

// tell sends a message that nobody waits for.
func (c *call) tell(ch choice) error {
	t := c.g.t
	if ch.node == t.self {
		return c.g.deliver(&actor.Inbound{
			Delivery: actor.Delivery{Kind: actor.Tell, Cluster: c.g.key.Name, Origin: t.name, Trace: c.trace}, Message: c.msg, From: t.name,
		})
	}
	if err := c.encode(); err != nil {
		return err
	}
	return t.trySend(ch.node, transport.Direct, &wire.Request{Cluster: c.g.key.Name, Body: c.body, Trace: c.trace})
}

// Request implements actor.Names.
func (n names) Request(to, sender *actor.PID, msg any, timeout time.Duration, done func(any, error)) {
	if to.Address != clusterAddress {
		done(nil, fmt.Errorf("request to %s/%s: only clusters answer: %w", to.Address, to.Id, actor.ErrUnreachable))
		return
	}
	g, err := n.t.named(wire.GroupCluster, to.Id)
	if err != nil {
		done(nil, err)
		return
	}
	if timeout <= 0 {
		timeout = actor.DefaultTimeout
	}
	c := &call{g: g, deadline: time.Now().Add(timeout)}
	c.msg, c.trace = actor.Untraced(msg)
	if g.busy.Load() { // keep the order among the requests of one actor
		c.later(done)
		return
	}
	c.next(done)
}

// later runs the call when there is a view.
func (c *call) later(done func(any, error)) {
	ok := c.g.await(func(err error) {
		if err != nil {
			done(nil, c.g.wrap(err))
			return
		}
		c.next(done)
	})
	if !ok {
		done(nil, c.g.wrap(actor.ErrOverloaded))
	}
}

// next makes one attempt without blocking and arranges for the next.
func (c *call) next(done func(any, error)) {
	for {
		now := time.Now()
		if !now.Before(c.deadline) {
			done(nil, c.g.wrap(actor.ErrTimeout))
			return
		}
		ch, live, err := c.pick(now)
		if !live {
			c.later(done)
			return
		}
		if err != nil {
			done(nil, c.g.wrap(err))
			return
		}
		finish := func(r actor.Reply) (retry bool) {
			retry, _, err := c.judge(ch, r)
			if !retry {
				done(r.Message, err)
			}
			return retry
		}
		_, err = c.send(atOnce, ch, func(r actor.Reply) {
			if finish(r) {
				c.next(done)
			}
		})
		if err == nil || !finish(actor.Reply{Err: err}) {
			return
		}
	}
}

// judgeUnanswered is judge for a message without a reply.
func (c *call) judgeUnanswered(ch choice, err error) (retry bool, pause time.Duration, _ error) {
	if err == nil {
		ch.done(balance.Withdrawn, actor.Load{})
		return false, 0, nil
	}
	if !errors.Is(err, actor.ErrOverloaded) && !errors.Is(err, actor.ErrUnreachable) {
		ch.done(balance.Withdrawn, actor.Load{})
		return false, 0, err
	}
	c.deadline = time.Now().Add(time.Second) // judge gives up after it; a send has no time limit
	return c.judge(ch, actor.Reply{Err: err})
}

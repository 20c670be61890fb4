package client

import (
	"context"
	"fmt"

	"iris/node/relay/packet"
)

// subscription is a topic whose events the relay sends.
type subscription struct {
	handle func(event []byte)
	pool   *pool
}

// Publish sends an event to all subscribers of a topic, this connection
// included if it is one. It blocks only while earlier messages fill the way to
// the relay. The event must not be changed any more. That it arrives is not
// known.
func (c *Conn) Publish(ctx context.Context, topic string, event []byte) error {
	if err := c.check(topic, event); err != nil {
		return err
	}
	return c.out.send(ctx, packet.Publish{Topic: topic, Payload: event})
}

// Subscribe has handle called for every event of the topic, which it then owns,
// one by one in the order in which they came; those that find Config.Queue
// octets waiting are dropped. Handle must not call Close of the connection.
// Subscribe does not block; what is published after it returned, by this
// connection, arrives. The subscription of a topic that has one is
// ErrSubscribed.
func (c *Conn) Subscribe(topic string, handle func(event []byte)) error {
	if err := checkName(topic); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics[topic] != nil {
		return fmt.Errorf("topic %q: %w", topic, ErrSubscribed)
	}
	// Under mu, so that the relay hears of it in the same order as the map.
	if err := c.out.put(packet.Subscribe{Topic: topic}); err != nil {
		return err
	}
	c.topics[topic] = &subscription{handle, &pool{owner: &c.all, workers: 1, most: c.cfg.Queue}}
	return nil
}

// Unsubscribe ends a subscription. Events whose handling has not begun are
// dropped; one may be being handled.
func (c *Conn) Unsubscribe(topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.topics[topic]
	if s == nil {
		return fmt.Errorf("topic %q: %w", topic, ErrNotSubscribed)
	}
	if err := c.out.put(packet.Unsubscribe{Topic: topic}); err != nil {
		return err
	}
	delete(c.topics, topic)
	c.count.events.Add(uint64(s.pool.discard()))
	return nil
}

// event handles an event that came. Some still come after Unsubscribe.
func (c *Conn) event(p packet.Publish) {
	c.mu.Lock()
	s := c.topics[p.Topic]
	c.mu.Unlock()
	switch {
	case s == nil:
		c.count.strays.Add(1)
	case !s.pool.offer(len(p.Payload), func() { s.handle(p.Payload) }):
		c.count.events.Add(1)
	}
}

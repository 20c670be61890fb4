package relay

import (
	"context"
	"fmt"
	"sync"

	"iris/node/relay/packet"
	"iris/topics"
)

// subscriptions are the topics that a client hears.
type subscriptions struct {
	mu     sync.Mutex // guards the following fields
	held   map[string]*topics.Registration
	closed bool
}

func (s *subscriptions) init() { s.held = map[string]*topics.Registration{} }

// close takes all of them, and takes no more.
func (s *subscriptions) close() (all []*topics.Registration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, reg := range s.held {
		all = append(all, reg)
	}
	clear(s.held)
	return all
}

// put adds one; false if they are closed.
func (s *subscriptions) put(topic string, reg *topics.Registration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.held[topic] = reg
	}
	return !s.closed
}

// take removes one; nil if there is none.
func (s *subscriptions) take(topic string) *topics.Registration {
	s.mu.Lock()
	defer s.mu.Unlock()
	reg := s.held[topic]
	delete(s.held, topic)
	return reg
}

// has reports whether the client hears the topic, and how many it hears.
func (s *subscriptions) has(topic string) (subscribed bool, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[topic] != nil, len(s.held)
}

func (c *client) subscribe(topic string) error {
	if err := misnamed(packet.OpSubscribe, topic); err != nil {
		return err
	}
	switch subscribed, n := c.topics.has(topic); {
	case subscribed:
		return violation(packet.OpSubscribe, "a topic that the client is subscribed to")
	case n >= maxSubscriptions:
		return fmt.Errorf("more than %d subscriptions", maxSubscriptions)
	}
	ctx, cancel := c.within(joinTimeout)
	defer cancel()
	reg, err := c.r.cfg.Topics.Subscribe(ctx, topic, topics.SubscribeOptions{}, c.pid)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if !c.topics.put(topic, reg) {
		c.unregister(reg)
	}
	return nil
}

func (c *client) unsubscribe(topic string) error {
	if err := misnamed(packet.OpUnsubscribe, topic); err != nil {
		return err
	}
	reg := c.topics.take(topic)
	if reg == nil {
		if c.leaving.Load() {
			return nil // the subscriptions have ended already
		}
		return violation(packet.OpUnsubscribe, "a topic that the client is not subscribed to")
	}
	c.unregister(reg)
	return nil
}

func (c *client) unregister(reg *topics.Registration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.life), leaveTimeout)
	defer cancel()
	_ = reg.Leave(ctx) // the membership has ended in any case
}

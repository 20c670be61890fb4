package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
	"iris/transport/wire"
)

// chores are the operations of a client that are done one after the other, in
// the order in which they came, because each may have to wait for the network.
type chores struct {
	mu    sync.Mutex // guards the following fields
	more  *sync.Cond // of all changes
	list  []packet.Packet
	bytes int
	busy  bool // one is being done
	ended bool
}

func (q *chores) init() { q.more = sync.NewCond(&q.mu) }

// push adds an operation. It waits while there are too many.
func (q *chores) push(p packet.Packet) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.ended && len(q.list) > 0 && (len(q.list) >= maxChores || q.bytes >= maxChoreBytes) {
		q.more.Wait()
	}
	if !q.ended {
		q.list = append(q.list, p)
		q.bytes += weight(p)
		q.more.Broadcast()
	}
}

// pop waits for the next operation; nil if there is none any more.
func (q *chores) pop() packet.Packet {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	q.more.Broadcast()
	for len(q.list) == 0 && !q.ended {
		q.more.Wait()
	}
	if len(q.list) == 0 {
		return nil
	}
	p := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	q.bytes -= weight(p)
	q.busy = true
	return p
}

// end takes nothing more; what is queued is still done, unless the client's life
// has ended.
func (q *chores) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.more.Broadcast()
}

// drain waits until everything is done, for limit at most.
func (q *chores) drain(limit time.Duration) {
	q.end()
	late := false
	timer := time.AfterFunc(limit, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		late = true
		q.more.Broadcast()
	})
	defer timer.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for (len(q.list) > 0 || q.busy) && !late {
		q.more.Wait()
	}
}

// weight is what an operation counts against the bound of bytes.
func weight(p packet.Packet) int {
	switch p := p.(type) {
	case packet.Publish:
		return len(p.Payload)
	case packet.Broadcast:
		return len(p.Payload)
	}
	return 0
}

// doChores is the goroutine of the chores.
func (c *client) doChores() {
	for {
		p := c.chores.pop()
		if p == nil {
			return
		}
		if err := c.do(p); err != nil && c.life.Err() == nil {
			c.expel(err)
		}
	}
}

// do performs one operation. An error drops the client.
func (c *client) do(p packet.Packet) error {
	switch p := p.(type) {
	case packet.Publish:
		if err := misnamed(p.Op(), p.Topic); err != nil {
			return err
		}
		err := c.r.cfg.Topics.Publish(c.life, p.Topic, actor.Bytes(p.Payload), topics.PublishOptions{})
		c.lost(err, "topic/"+p.Topic)
	case packet.Broadcast:
		if err := misnamed(p.Op(), p.Cluster); err != nil {
			return err
		}
		err := c.r.cfg.Topics.Broadcast(c.life, p.Cluster, actor.Bytes(p.Payload), topics.BroadcastOptions{})
		if !errors.Is(err, actor.ErrNoMembers) { // who is told, if there is nobody?
			c.lost(err, "cluster/"+p.Cluster)
		}
	case packet.Subscribe:
		return c.subscribe(p.Topic)
	case packet.Unsubscribe:
		return c.unsubscribe(p.Topic)
	case packet.Close:
		c.depart("", answerGrace, flushTimeout)
	}
	return nil
}

// lost counts a message that was not sent, or not to everybody.
func (c *client) lost(err error, target string) {
	if err == nil {
		return
	}
	reason := actor.DeadUnreachable
	switch {
	case errors.Is(err, actor.ErrOverloaded), errors.Is(err, actor.ErrTimeout):
		reason = actor.DeadOverflow
	case errors.Is(err, actor.ErrClosed), c.life.Err() != nil:
		reason = actor.DeadClosed
	}
	c.r.sys.Dropped(reason, target, "actor.Bytes", c.pid.Id, 1)
}

// misnamed makes a violation of a name that no cluster or topic can have.
func misnamed(op packet.Op, name string) error {
	if err := wire.ValidName(name); err != nil {
		return violation(op, err.Error())
	}
	return nil
}

func violation(op packet.Op, what string) error {
	return &packet.Violation{Side: packet.FromClient, Op: op, What: what}
}

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

package client

import (
	"context"
	"fmt"
	"time"

	"iris/node/relay/packet"
)

// request serves a request, now or when there is a worker for it.
func (c *Conn) request(p packet.Serve) {
	if c.cfg.Handler.Request == nil {
		c.reply(packet.Reply{ID: p.ID, Fault: "this member takes no requests"})
		return
	}
	ms := max(1, min(p.TimeoutMs, uint64(maxTimeout/time.Millisecond)))
	deadline := time.Now().Add(time.Duration(ms) * time.Millisecond)
	if !c.requests.offer(len(p.Payload), func() { c.answer(p, deadline) }) {
		c.count.refused.Add(1)
		c.reply(packet.Reply{ID: p.ID, Fault: "overloaded"})
	}
}

// reply sends a reply of the reader, which must not wait.
func (c *Conn) reply(p packet.Reply) {
	_ = c.out.put(p) // the connection has ended otherwise, and with it the request
}

// answer runs the handler of requests.
func (c *Conn) answer(p packet.Serve, deadline time.Time) {
	if !time.Now().Before(deadline) {
		c.count.expired.Add(1)
		return
	}
	ctx, cancel := context.WithDeadline(c.ctx, deadline)
	defer cancel()
	answer, err := c.cfg.Handler.Request(ctx, p.Payload)
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		c.count.expired.Add(1) // the asker learns that it timed out, and not why we gave up then
		return
	}
	if err == nil && len(answer) > c.cfg.Message {
		err = fmt.Errorf("answer of %d octets, at most %d", len(answer), c.cfg.Message)
	}
	reply := packet.Reply{ID: p.ID, OK: err == nil, Payload: answer}
	if err != nil {
		reply = packet.Reply{ID: p.ID, Fault: faultText(err)}
	}
	_ = c.out.send(c.ctx, reply) // as in reply
}

// faultText is never empty: an empty fault is a timeout to some clients.
func faultText(err error) string {
	if text := err.Error(); text != "" {
		return text
	}
	return "fault without a text"
}

// Broadcast sends a message to every member of a cluster, this one included if
// it is one. It blocks only while earlier messages fill the way to the relay.
// The message must not be changed any more. That it arrives is not known.
func (c *Conn) Broadcast(ctx context.Context, cluster string, message []byte) error {
	if err := c.check(cluster, message); err != nil {
		return err
	}
	return c.out.send(ctx, packet.Broadcast{Cluster: cluster, Payload: message})
}

// broadcast handles a broadcast that came.
func (c *Conn) broadcast(p packet.Delivery) {
	handle := c.cfg.Handler.Broadcast
	if handle == nil || !c.broadcasts.offer(len(p.Payload), func() { handle(p.Payload) }) {
		c.count.broadcasts.Add(1)
	}
}

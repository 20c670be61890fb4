package relay

import (
	"fmt"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/tunnels"
)

// The messages of the actor iris/relay/<n> are those of its cluster and its
// topics: requests and messages to one member as actor.Bytes, events and
// broadcasts as *actor.Batch, and *tunnels.Incoming. Senders are whoever uses these names; requests are
// answered with what the client replies. What is lost in the mailbox is a dead
// letter as with any member.

// Receive implements actor.Actor.
func (c *client) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Batch:
		c.receiveBatch(ctx, m)
	case actor.Bytes:
		c.receive(ctx, m)
	case *tunnels.Incoming:
		c.offerTunnel(m.Tunnel)
	case *actor.Stopping:
		c.drop("stopped by its node")
	default:
		c.refuse(ctx, m)
	}
}

// receive turns a message into a packet.
func (c *client) receive(ctx actor.Context, m actor.Bytes) {
	switch d := actor.Meta(ctx); {
	case c.cluster == "": // no client could make sense of it
		c.miss("actor.Bytes", d, 1)
	case d.Kind == actor.Request:
		c.serve(ctx, m)
	case c.leaving.Load():
		c.miss("actor.Bytes", d, 1)
	default:
		c.pass(d, packet.Delivery{Payload: m})
	}
}

// receiveBatch turns events or broadcasts that came together into packets that go
// together.
func (c *client) receiveBatch(ctx actor.Context, m *actor.Batch) {
	d := actor.Meta(ctx)
	if d.Kind == actor.Broadcast {
		switch {
		case c.cluster == "":
			c.miss("actor.Bytes", d, m.Len())
			return
		case c.leaving.Load():
			c.miss("actor.Bytes", d, m.Len())
			return
		}
	}
	list := c.together[:0]
	for i := range m.Len() {
		payload, ok := payloadOf(m, i)
		switch {
		case !ok:
			c.miss(typeOf(m, i), d, 1)
		case d.Kind == actor.Event:
			list = append(list, packet.Publish{Topic: d.Topic, Payload: payload})
		default:
			list = append(list, packet.Delivery{Payload: payload})
		}
	}
	c.pass(d, list...)
	clear(list)
	c.together = list
}

// payloadOf returns a message as a payload for the outbox, which copies small ones
// before the batch ends. false if it is of a Go type.
func payloadOf(m *actor.Batch, i int) (payload []byte, ok bool) {
	if m.Type(i) != "" {
		return nil, false
	}
	if lent := m.At(i); len(lent) > 0 && len(lent) < packet.Kept {
		return lent, true
	}
	own, err := m.Clone(i)
	payload, ok = own.(actor.Bytes)
	return payload, ok && err == nil
}

// typeOf names the type of a message that is no payload.
func typeOf(m *actor.Batch, i int) string {
	if name := m.Type(i); name != "" {
		return name
	}
	v, _ := m.Clone(i) // it was sent on this node: as it is
	return fmt.Sprintf("%T", v)
}

// pass sends the client packets that it may miss if it does not keep up.
func (c *client) pass(d actor.Delivery, list ...packet.Packet) {
	if len(list) > 0 && c.offer(list...) != nil {
		c.miss("actor.Bytes", d, len(list))
	}
}

// miss counts n messages of a type that have come, and that the client does not get.
func (c *client) miss(messageType string, d actor.Delivery, n int) {
	c.r.sys.Dropped(actor.DeadRelay, c.pid.Id, messageType, d.Origin, uint64(n))
}

// serve passes a request on to the client.
func (c *client) serve(ctx actor.Context, m actor.Bytes) {
	d := actor.Defer(ctx)
	if d == nil {
		return // nobody waits for the answer
	}
	if c.leaving.Load() {
		d.Refuse(actor.ErrDraining)
		return
	}
	left := actor.DefaultTimeout
	if !d.Deadline().IsZero() {
		left = time.Until(d.Deadline())
	}
	id, refusal := c.serves.add(d, left)
	if refusal != nil {
		d.Refuse(refusal)
		return
	}
	if c.offer(packet.Serve{ID: id, Payload: m, TimeoutMs: milliseconds(left)}) != nil && c.serves.take(id) != nil {
		d.Refuse(actor.ErrOverloaded)
	}
}

// refuse deals with messages of Go types. Those about the life of the actor are
// none.
func (c *client) refuse(ctx actor.Context, m any) {
	switch d := actor.Meta(ctx); {
	case d.Kind == actor.Request:
		ctx.Respond(fmt.Errorf("the member is a program that takes bytes only, not a %T", m))
	case d.Cluster != "" || d.Topic != "":
		c.miss(fmt.Sprintf("%T", m), d, 1)
	}
}

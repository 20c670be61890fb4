package relay

import (
	"fmt"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/tunnels"
)

// The messages of the actor iris/relay/<n> are those of its cluster and its
// topics: requests, broadcasts, messages to one member and events as actor.Bytes,
// and *tunnels.Incoming. Senders are whoever uses these names; requests are
// answered with what the client replies. What is lost in the mailbox is a dead
// letter as with any member.

// Receive implements actor.Actor.
func (c *client) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
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
	case d.Kind == actor.Event:
		c.pass(packet.Publish{Topic: d.Topic, Payload: m}, d)
	case c.cluster == "": // no client could make sense of it
		c.r.sys.Dropped(actor.DeadDenied, c.pid.Id, "actor.Bytes", d.Origin, 1)
	case d.Kind == actor.Request:
		c.serve(ctx, m)
	case c.leaving.Load():
		c.r.sys.Dropped(actor.DeadClosed, c.pid.Id, "actor.Bytes", d.Origin, 1)
	default:
		c.pass(packet.Delivery{Payload: m}, d)
	}
}

// pass sends the client a packet that it may miss if it does not keep up.
func (c *client) pass(p packet.Packet, d actor.Delivery) {
	if c.offer(p) != nil {
		c.r.sys.Dropped(actor.DeadOverflow, c.pid.Id, "actor.Bytes", d.Origin, 1)
	}
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
		c.r.sys.Dropped(actor.DeadCodec, c.pid.Id, fmt.Sprintf("%T", m), d.Origin, 1)
	}
}

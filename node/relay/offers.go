package relay

import (
	"errors"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/tunnels"
)

// offer is a tunnel that the client has not confirmed yet.
type offer struct {
	tun  *tunnels.Tunnel
	sent bool
	late *time.Timer // of what the client has to do next: to read the offer, to confirm it
}

// offerTunnel announces a tunnel that somebody opened to the client's cluster.
func (c *client) offerTunnel(tun *tunnels.Tunnel) {
	ps := &c.pipes
	ps.mu.Lock()
	if refusal := c.refusal(); refusal != nil {
		ps.mu.Unlock()
		tun.Abort(refusal)
		return
	}
	build := ps.last
	ps.last++
	ps.offers[build] = &offer{tun: tun, late: time.AfterFunc(stallTimeout, func() { c.unsent(build) })}
	ps.mu.Unlock()
	c.put(packet.TunOffer{Build: build, Limit: packet.ChunkLimit})
	c.out.after(func() { c.offered(build) })
}

// refusal is why the client is offered no tunnel now; nil if it is. Called with the mu of
// its pipes.
func (c *client) refusal() error {
	switch {
	case c.pipes.ended || c.leaving.Load() || c.cluster == "":
		return errClosing
	case c.pipes.full() || c.out.waiting() > maxOffered:
		return actor.ErrOverloaded
	}
	return nil
}

// unsent ends a tunnel whose other end waits for a client that does not read. The offer stays: should
// the client read it some day, it may confirm it, and learns then that the tunnel has ended.
func (c *client) unsent(build uint64) {
	slow := c.out.stalled()
	ps := &c.pipes
	ps.mu.Lock()
	defer ps.mu.Unlock()
	switch o := ps.offers[build]; {
	case o == nil || o.sent:
	case slow:
		o.tun.Abort(errUnsent)
	default:
		o.late.Reset(stallTimeout)
	}
}

var errUnsent = errors.New("the program that was to get the tunnel does not read")

// offered starts the time that the client has to confirm, as the offer has been sent.
func (c *client) offered(build uint64) {
	ps := &c.pipes
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if o := ps.offers[build]; o != nil {
		o.late.Stop()
		o.sent, o.late = true, time.AfterFunc(confirmTimeout, func() { c.unconfirmed(build) })
	}
}

// unconfirmed drops a client that does not care for its tunnels.
func (c *client) unconfirmed(build uint64) {
	if o := c.pipes.takeOffer(build); o != nil {
		o.tun.Abort(errUnconfirmed)
		c.expel(errUnconfirmed)
	}
}

var errUnconfirmed = errors.New("a tunnel was not confirmed within 3 s")

// takeOffer removes an offer; nil if it is not there any more.
func (ps *pipes) takeOffer(build uint64) *offer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	o := ps.offers[build]
	if o != nil {
		o.late.Stop()
		delete(ps.offers, build)
	}
	return o
}

// confirmed opens the client's end of a tunnel that it was offered.
func (c *client) confirmed(p packet.TunConfirm) error {
	ps := &c.pipes
	o := ps.takeOffer(p.Build)
	ps.mu.Lock()
	taken, ended := ps.taken(p.Tunnel), ps.ended
	ps.mu.Unlock()
	switch {
	case o != nil && !taken && ps.start(p.Tunnel, o.tun):
		return nil
	case o != nil:
		o.tun.Abort(errClosing)
	}
	switch {
	case ended:
		return nil // it was taken back
	case taken:
		return violation(packet.OpTunConfirm, "the number of a tunnel that is open")
	case o != nil:
		return nil
	}
	return violation(packet.OpTunConfirm, "a tunnel that was not offered")
}

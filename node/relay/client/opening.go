package client

import (
	"context"
	"fmt"
	"time"

	"iris/node/relay/packet"
)

// Tunnel opens a tunnel to one member of a cluster, anywhere in the network, and
// blocks until it is open. The timeout counts in milliseconds, rounded up. The
// errors are ErrTimeout, ErrClosed, ErrInvalid and that of ctx.
func (c *Conn) Tunnel(ctx context.Context, cluster string, timeout time.Duration) (*Tunnel, error) {
	if err := checkName(cluster); err != nil {
		return nil, err
	}
	ms, err := millis(timeout)
	if err != nil {
		return nil, err
	}
	t, err := c.begin(cluster, ms)
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(min(timeout, maxTimeout) + grace)
	defer late.Stop()
	select {
	case <-t.settled:
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		err = fmt.Errorf("%w: %w", ErrTimeout, errSilent)
	}
	return t.orAbandon(err)
}

// begin asks for a tunnel and makes a place for the answer.
func (c *Conn) begin(cluster string, ms uint64) (*Tunnel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tunnels == nil { // the connection has ended, or does right now
		return nil, ErrClosed
	}
	t := c.newTunnel(c.lastID)
	c.lastID++
	if err := c.out.put(packet.TunInit{Tunnel: t.id, Cluster: cluster, TimeoutMs: ms}); err != nil {
		return nil, err
	}
	c.tunnels[t.id] = t
	return t, nil
}

// orAbandon returns the tunnel if it is open, or was, whatever err is: what has
// come through it can be received. If it is still opening its caller gave up,
// with err.
func (t *Tunnel) orAbandon(err error) (*Tunnel, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.limit > 0:
		return t, nil
	case t.stage == opening:
		t.stage = abandoned
		return nil, err
	default:
		return nil, t.err
	}
}

// tunnelResult is the relay's answer to TunInit.
func (c *Conn) tunnelResult(p packet.TunResult) {
	if p.TimedOut {
		c.withTunnel(p.Tunnel, func(t *Tunnel) { t.refused() })
		return
	}
	c.withTunnel(p.Tunnel, func(t *Tunnel) { t.confirmed(p.Limit) })
}

// refused ends a tunnel that did not come to be.
func (t *Tunnel) refused() {
	t.mu.Lock()
	wanted := t.stage == opening || t.stage == abandoned
	if wanted {
		t.err = ErrTimeout
	}
	t.mu.Unlock()
	if wanted {
		t.conn.forgetTunnel(t)
		t.end(errGraceful)
	}
}

// confirmed opens a tunnel, and closes it again if nobody wants it any more.
func (t *Tunnel) confirmed(limit uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.stage {
	case opening:
		t.begin(limit)
	case abandoned:
		t.begin(limit)
		t.shut(ErrClosed)
	default:
		t.conn.count.strays.Add(1)
		return
	}
	close(t.settled)
}

// begin makes the tunnel usable and grants the first credit. Needs mu.
func (t *Tunnel) begin(limit uint64) {
	t.stage = open
	t.limit = int(min(limit, packet.ChunkLimit))
	_ = t.conn.out.put(packet.TunAllow{Tunnel: t.id, Space: uint64(t.flow.window)}) // or the connection has ended
}

// offer accepts a tunnel that somebody opened to our cluster, and closes it
// again if there is no handler for it: the protocol has no refusal.
func (c *Conn) offer(p packet.TunOffer) {
	c.mu.Lock()
	t := c.newTunnel(c.lastID)
	c.lastID++
	t.accepted = true
	c.tunnels[t.id] = t
	c.accepted++
	serve := c.cfg.Handler.Tunnel != nil && c.accepted <= c.cfg.Tunnels
	c.mu.Unlock()
	_ = c.out.put(packet.TunConfirm{Build: p.Build, Tunnel: t.id}) // or the connection has ended
	t.confirmed(p.Limit)
	if !serve {
		c.count.tunnels.Add(1)
		t.mu.Lock()
		t.shut(ErrClosed)
		t.mu.Unlock()
		return
	}
	c.all.Go(func() {
		c.cfg.Handler.Tunnel(t)
		_ = t.Close() // the relay that does not answer is its own affair
	})
}

// tunnelClosed is the end of a tunnel, asked for or not.
func (c *Conn) tunnelClosed(p packet.TunClosed) {
	c.withTunnel(p.Tunnel, func(t *Tunnel) {
		c.forgetTunnel(t)
		t.end(ended(p.Reason))
	})
}

func (c *Conn) forgetTunnel(t *Tunnel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tunnels, t.id)
	if t.accepted {
		c.accepted--
	}
}

// withTunnel calls f with a tunnel that exists. Packets for others are late.
func (c *Conn) withTunnel(id uint64, f func(*Tunnel)) {
	c.mu.Lock()
	t := c.tunnels[id]
	c.mu.Unlock()
	if t == nil {
		c.count.strays.Add(1)
		return
	}
	f(t)
}

package relay

import (
	"errors"
	"sync"

	"iris/node/relay/packet"
	"iris/tunnels"
)

// pipes are the tunnels of a client: those that are open by the client's numbers,
// those that it has been offered by ours.
type pipes struct {
	c *client

	mu      sync.Mutex // guards the following fields
	open    map[uint64]*pipe
	opening map[uint64]struct{} // TunInit without TunResult
	offers  map[uint64]*offer
	last    uint64 // number of the last offer
	ended   bool

	stocked uint64 // octets that all hold of the relay's stock, whose mu guards it
}

func (ps *pipes) init(c *client) {
	ps.c = c
	ps.open, ps.opening, ps.offers = map[uint64]*pipe{}, map[uint64]struct{}{}, map[uint64]*offer{}
}

// count returns how many are open.
func (ps *pipes) count() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return len(ps.open)
}

// full reports whether there are too many. Called with mu.
func (ps *pipes) full() bool { return len(ps.open)+len(ps.opening)+len(ps.offers) >= maxPipes }

// taken reports whether the client uses the number. Called with mu.
func (ps *pipes) taken(id uint64) bool {
	_, opening := ps.opening[id]
	return opening || ps.open[id] != nil
}

// start opens a pipe under a number that was reserved; false if the client goes.
// first are the packets that must precede those of the pipe.
func (ps *pipes) start(id uint64, tun *tunnels.Tunnel, first ...packet.Packet) bool {
	ps.mu.Lock()
	delete(ps.opening, id)
	if ps.ended {
		ps.mu.Unlock()
		return false
	}
	window := uint64(packet.RelayWindow)
	if len(ps.open) >= wideWindows {
		window = packet.ChunkLimit
	}
	p := newPipe(ps.c, id, tun, window)
	ps.open[id] = p
	ps.mu.Unlock()
	ps.c.put(append(first, packet.TunAllow{Tunnel: id, Space: window})...)
	ps.c.work.Go(p.toNetwork)
	ps.c.work.Go(p.toClient)
	return true
}

// find returns an open pipe; nil if it is closed already, for packets may cross.
func (ps *pipes) find(id uint64) *pipe {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.open[id]
}

// take removes p, which nobody else has removed if it returns true: who removes a
// pipe sends its TunClosed.
func (ps *pipes) take(p *pipe) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.open[p.id] != p {
		return false
	}
	delete(ps.open, p.id)
	return true
}

// end removes all pipes and offers, and takes no more.
func (ps *pipes) end() []*pipe {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.ended = true
	var all []*pipe
	for id, p := range ps.open {
		all = append(all, p)
		delete(ps.open, id)
	}
	for build, o := range ps.offers {
		o.late.Stop()
		o.tun.Abort(errClosing)
		delete(ps.offers, build)
	}
	return all
}

// leave closes all pipes in order, in the background: what the client has sent
// reaches the other ends.
func (ps *pipes) leave() {
	for _, p := range ps.end() {
		p.leave()
	}
}

// abort ends all pipes at once.
func (ps *pipes) abort(reason string) {
	for _, p := range ps.end() {
		p.abort(errors.New(reason))
	}
}

func (ps *pipes) allow(p packet.TunAllow) error {
	if t := ps.find(p.Tunnel); t != nil {
		return t.allow(p.Space)
	}
	return nil
}

func (ps *pipes) chunk(p packet.TunTransfer) error {
	if t := ps.find(p.Tunnel); t != nil {
		return t.chunk(p)
	}
	return nil
}

// open answers TunInit, when there is a tunnel or none.
func (c *client) open(p packet.TunInit) error {
	ps := &c.pipes
	ps.mu.Lock()
	taken, full := ps.taken(p.Tunnel), ps.full()
	if !taken && !full {
		ps.opening[p.Tunnel] = struct{}{}
	}
	ps.mu.Unlock()
	switch {
	case taken:
		return violation(packet.OpTunInit, "the number of a tunnel that is open")
	case full:
		c.put(packet.TunResult{Tunnel: p.Tunnel, TimedOut: true})
		return nil
	}
	ctx, cancel := c.within(duration(p.TimeoutMs))
	c.work.Go(func() {
		defer cancel()
		tun, err := c.r.cfg.Tunnels.Open(ctx, p.Cluster)
		if err != nil {
			ps.mu.Lock()
			delete(ps.opening, p.Tunnel)
			ps.mu.Unlock()
			c.put(packet.TunResult{Tunnel: p.Tunnel, TimedOut: true})
			return
		}
		if !ps.start(p.Tunnel, tun, packet.TunResult{Tunnel: p.Tunnel, Limit: packet.ChunkLimit}) {
			tun.Abort(errClosing)
		}
	})
	return nil
}

// closePipe answers TunClose, at once: what the client has sent goes on its way
// in the background. A tunnel that the other end has just closed needs no answer.
func (c *client) closePipe(id uint64) {
	p := c.pipes.find(id)
	if p == nil || !c.pipes.take(p) {
		return
	}
	p.close(packet.TunClosed{Tunnel: id})
	p.leave()
}

package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/tunnels"
)

// pipe joins a tunnel to the chunks of a client:
//
//	chunk ─▶ assembly ─▶ ready ─▶ toNetwork ─▶ Tunnel.Send
//	           ▲ credit for what toNetwork has room for
//	Tunnel.Recv ─▶ toClient ─▶ chunks, as the client grants credit and reads
//
// One whole message at a time is on its way to the network; the client is
// granted its octets back as they come, also of messages larger than the window, as
// far as the stock of the relay allows.
// While that message waits for the other end, what follows stays within the window.
type pipe struct {
	c    *client
	id   uint64 // the client's number
	tun  *tunnels.Tunnel
	stop context.Context // of toClient
	halt context.CancelFunc
	kill context.CancelFunc // of a Send of toNetwork
	send context.Context

	mu       sync.Mutex // guards the following fields
	assembly packet.Assembly
	credit   uint64 // octets that the client may send
	held     uint64 // octets of the incomplete message that were not granted back
	ready    line
	busy     bool // a message is on its way to the network
	deaf     bool // the other end takes no more: what comes is dropped
	closing  bool // no more comes from the client
	wake     chan struct{}
	space    uint64 // octets that the client grants and that were not used
	debt     uint64 // octets sent beyond
	granted  chan struct{}
	owed     uint64 // octets to grant back when the message has gone that is on its way

	// The mu of the relay's stock guards the following fields.
	stocked   uint64 // octets that it holds of the stock
	stockless bool   // it gets no more
	pace      pace
}

func newPipe(c *client, id uint64, tun *tunnels.Tunnel, window uint64) *pipe {
	p := &pipe{c: c, id: id, tun: tun, credit: window, wake: make(chan struct{}, 1), granted: make(chan struct{}, 1)}
	base := context.WithoutCancel(c.life)
	p.stop, p.halt = context.WithCancel(base)
	p.send, p.kill = context.WithCancel(base)
	return p
}

// chunk takes a part of a message from the client.
func (p *pipe) chunk(chunk packet.TunTransfer) error {
	if most := p.c.r.cfg.message(); chunk.Size > uint64(most) {
		p.breakOff(fmt.Errorf("a message of %d octets was sent, at most %d may be", chunk.Size, most))
		return nil
	}
	p.mu.Lock()
	n := uint64(len(chunk.Payload))
	if n > p.credit {
		defer p.mu.Unlock()
		return &packet.Violation{Side: packet.FromClient, Op: packet.OpTunTransfer, What: "octets beyond the credit", Have: n, Max: p.credit}
	}
	p.credit -= n
	whole, discarded, err := p.assembly.Add(chunk, packet.FromClient, p.c.r.cfg.message())
	if err != nil {
		p.mu.Unlock()
		return err
	}
	grant := uint64(0)
	if discarded > 0 { // its sender gave up halfway
		grant, p.held = p.held, 0
		if p.roomy() {
			p.c.r.stock.give(p)
		}
	}
	p.held += n
	if whole != nil && !p.deaf && !p.closing {
		p.ready.push(whole, p.held)
		p.held = 0
		signal(p.wake)
	} else if p.deaf || p.roomy() && p.c.r.stock.take(p, p.held, true) {
		grant, p.held = grant+p.held, 0
	}
	p.grant(grant)
	p.mu.Unlock()
	return nil
}

// roomy reports whether nothing is before the message that is coming. Called
// with mu.
func (p *pipe) roomy() bool { return !p.busy && p.ready.empty() }

// grant gives the client credit, unless the pipe is closed. Called with mu, so that
// nothing of a pipe follows its TunClosed.
func (p *pipe) grant(n uint64) {
	if n > 0 && !p.closing {
		p.credit += n
		p.c.put(packet.TunAllow{Tunnel: p.id, Space: n})
	}
}

// toNetwork is the goroutine that sends the messages of the client.
func (p *pipe) toNetwork() {
	defer p.kill()
	for {
		m, ok := p.next()
		if !ok {
			break
		}
		err := p.tun.Send(p.send, m)
		p.gone()
		if err != nil { // the other half learns why
			p.mute()
			break
		}
	}
	p.c.r.stock.end(p)
	p.await()
	_ = p.tun.Close() // fails if the other end has ended it, or takes too long
	p.halt()
}

// next waits for a whole message; false if none comes any more.
func (p *pipe) next() ([]byte, bool) {
	for {
		p.mu.Lock()
		p.busy = !p.ready.empty()
		if p.busy {
			m, held := p.ready.pop()
			if held > 0 && p.c.r.stock.take(p, held, false) {
				p.grant(held)
			} else {
				p.owed = held
			}
			p.mu.Unlock()
			return m, true
		}
		if p.held > 0 && p.c.r.stock.take(p, p.held, true) { // of the message that comes next
			p.grant(p.held)
			p.held = 0
		}
		closing := p.closing
		p.mu.Unlock()
		if closing {
			return nil, false
		}
		<-p.wake
	}
}

// gone gives back the memory of a message that has left, or never will.
func (p *pipe) gone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.c.r.stock.give(p)
	p.grant(p.owed)
	p.owed = 0
}

// mute drops what comes from the client from now on.
func (p *pipe) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grant(p.held + p.ready.clear())
	p.deaf, p.held = true, 0
}

// await waits until the client, or the other end, has closed the pipe.
func (p *pipe) await() {
	for {
		p.mu.Lock()
		closing := p.closing
		p.mu.Unlock()
		if closing {
			return
		}
		<-p.wake
	}
}

// leave lets what the client has sent reach the other end, in the background and
// for flushTimeout at most, and closes the tunnel.
func (p *pipe) leave() {
	p.halt()
	p.close()
	flush, cancel := context.WithTimeout(p.c.r.patient, flushTimeout)
	context.AfterFunc(p.send, cancel) // it was done in time
	context.AfterFunc(flush, func() {
		p.kill()
		p.tun.Abort(errClosing)
	})
}

// close takes nothing more from the client, after its last packets.
func (p *pipe) close(last ...packet.Packet) {
	p.mu.Lock()
	if !p.closing {
		p.c.put(last...)
	}
	p.closing = true
	p.mu.Unlock()
	signal(p.wake)
}

// abort ends the pipe at once, before toNetwork would end it in order.
func (p *pipe) abort(reason error, last ...packet.Packet) {
	p.tun.Abort(reason)
	p.halt()
	p.kill()
	p.close(last...)
}

// breakOff ends the pipe at once and tells both ends why.
func (p *pipe) breakOff(reason error) {
	if p.c.pipes.take(p) {
		p.abort(reason, packet.TunClosed{Tunnel: p.id, Reason: reason.Error()})
	}
}

// allow adds credit of the client.
func (p *pipe) allow(n uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	paid := min(n, p.debt)
	p.debt -= paid
	n -= paid
	if p.space+n < p.space {
		return violation(packet.OpTunAllow, "credit of more than 64 bits")
	}
	p.space += n
	signal(p.granted)
	return nil
}

// spend takes n octets of credit: whatever there is with force, for a message that
// is larger than the client's window could never get across otherwise.
func (p *pipe) spend(n uint64, force bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > p.space && !force {
		return false
	}
	used := min(n, p.space)
	p.space -= used
	p.debt += n - used
	return true
}

// toClient is the goroutine that sends the client what comes through the tunnel.
func (p *pipe) toClient() {
	err := p.copy()
	if p.c.pipes.take(p) { // the other end has ended it
		p.close(packet.TunClosed{Tunnel: p.id, Reason: endOf(err)})
		p.leave()
	}
}

// endOf is the reason that a client is told.
func endOf(err error) string {
	if err == io.EOF {
		return ""
	}
	return err.Error()
}

func (p *pipe) copy() error {
	for {
		m, err := p.tun.Recv(p.stop)
		switch {
		case errors.Is(err, tunnels.ErrMessageTooLarge), err == nil && len(m) == 0: // neither has a form in the protocol
			p.c.r.sys.Dropped(actor.DeadRelay, p.c.pid.Id, "tunnel message", p.tun.Peer(), 1)
			continue
		case err != nil:
			return err
		}
		if err := p.deliver(m); err != nil {
			return err
		}
	}
}

// deliver sends a message in chunks. The first one waits for credit.
func (p *pipe) deliver(m []byte) error {
	for chunk := range packet.Chunks(p.id, m, packet.ChunkLimit) {
		if err := p.afford(uint64(len(chunk.Payload)), chunk.Size == 0); err != nil {
			return err
		}
		if !p.pass(chunk) {
			return errClosing
		}
	}
	return nil
}

// afford waits for credit for n octets; when the other end has closed the tunnel
// not for ever, since the client would not hear of that before.
func (p *pipe) afford(n uint64, force bool) error {
	var late <-chan time.Time
	ended := p.tun.Done()
	for !p.spend(n, force) {
		select {
		case <-p.granted:
		case <-p.stop.Done():
			return errClosing
		case <-ended:
			ended = nil
			timer := time.NewTimer(flushTimeout)
			defer timer.Stop()
			late = timer.C
		case <-late:
			return errUnread
		}
	}
	return nil
}

var errUnread = errors.New("the other end has closed the tunnel, and what it had sent before was not read in time")

// pass sends a packet of the pipe as fast as the client reads; false once the client was told that
// it is closed, or has closed it.
func (p *pipe) pass(chunk packet.Packet) bool {
	for {
		p.mu.Lock()
		if p.closing {
			p.mu.Unlock()
			return false
		}
		room, err := p.c.out.try(chunk)
		p.mu.Unlock()
		if room == nil {
			return err == nil
		}
		select {
		case <-room:
		case <-p.stop.Done():
			return false
		}
	}
}

// signal puts a token into a channel that has room for one.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

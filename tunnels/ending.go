package tunnels

import "iris/transport/wire"

// Steps of the outbox that the tunnel and its reader take: credit, and the ways
// in which the sending half ends.

// first queues the opening frame of an end, and holds the writer back until
// release.
func (out *outbox) first(f wire.Frame) {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.held = true
	out.buf = append(out.buf, encode(f)...)
	out.opening = len(out.buf)
}

func (out *outbox) release() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.held, out.opening = false, 0
	out.kick()
}

// granted adds credit from the peer.
func (out *outbox) granted(n uint64) error {
	out.mu.Lock()
	err := out.flow.Grant(n)
	out.starving = false
	out.mu.Unlock()
	out.signal()
	return err
}

// grant announces credit to the peer.
func (out *outbox) grant(n uint64) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.peerEnded || out.quit {
		return
	}
	out.credit += n
	out.kick()
}

// closeSend ends the half after the message that is on its way.
func (out *outbox) closeSend() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.closing, out.end = true, true
	out.kick()
}

// leave is closeSend by an end that will not read any more either.
func (out *outbox) leave() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.closing, out.end, out.quit, out.credit = true, true, true, 0
	out.kick()
}

// ended notes that the peer sends nothing more.
func (out *outbox) ended() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.peerEnded, out.credit = true, 0
	out.kick()
}

// left answers a peer that does not read any more: what was queued is dropped,
// senders fail with err, and the half ends in order.
func (out *outbox) left(err error) {
	out.mu.Lock()
	out.refuse(err)
	out.buf = nil
	out.closing, out.end, out.sending = true, true, false
	out.peerLeft = true
	out.kick()
	out.mu.Unlock()
	out.signal()
}

// aborted makes f the last frame: what was queued is dropped, senders fail. Only
// an opening frame that is still held goes out before it, unless f takes its
// place.
func (out *outbox) aborted(f wire.Frame, err error) {
	out.mu.Lock()
	out.refuse(err)
	if !out.fin && !out.dead {
		if _, ok := f.(*wire.TunnelRefuse); ok {
			out.opening = 0
		}
		out.buf, out.last = out.buf[:out.opening], f
		out.held, out.opening = false, 0
		out.kick()
	}
	out.mu.Unlock()
	out.signal()
}

// kill gives up the write half without another word to the peer.
func (out *outbox) kill(code wire.Code, err error) {
	out.mu.Lock()
	out.refuse(err)
	out.dead, out.buf = true, nil
	fin := out.fin
	out.mu.Unlock()
	out.signal()
	if !fin { // else it would take back what is under way
		out.stream.CancelWrite(code)
	}
	out.gone.Do(out.tunnel.writerDone)
}

// leaving reports that the end has been closed and what it sent is on its way.
func (out *outbox) leaving() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.quit
}

func (out *outbox) wasLeft() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.peerLeft
}

func (out *outbox) hasEnded() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.endSent
}

// fail lets senders fail with err from now on.
func (out *outbox) fail(err error) {
	out.mu.Lock()
	out.refuse(err)
	out.mu.Unlock()
	out.signal()
}

// refuse is fail for who has mu and signals.
func (out *outbox) refuse(err error) {
	if out.err == nil {
		out.err = err
	}
}

func (out *outbox) sent() uint64 {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.bytes
}

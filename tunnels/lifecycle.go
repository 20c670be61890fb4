package tunnels

import (
	"errors"
	"fmt"
	"io"
	"time"

	"iris/transport/wire"
)

var (
	errNoEnd     = errors.New("the stream ended without an End")
	errEarlyFin  = errors.New("the stream ended before our End")
	errHandshake = errors.New("opening frame on an open tunnel")
)

// abort ends the tunnel at once and tells the other end.
func (t *Tunnel) abort(code wire.Code, what string, reason error) {
	text := reasonText(reason)
	err := &Error{Tunnel: t.id, Peer: t.Peer(), Code: code, What: what, Reason: text, cause: reason}
	if !t.finish(err) {
		return
	}
	t.in.fail(err, false)
	t.out.aborted(&wire.TunnelAbort{Code: code, Reason: text}, err)
	t.lingerFor(err)
}

// refuse ends a tunnel that this end has accepted but that no member takes, and
// of which the other end has not heard yet.
func (t *Tunnel) refuse(code wire.Code, reason error) {
	err := &Error{Tunnel: t.id, Peer: t.Peer(), Code: code, What: whatAborted, Reason: reasonText(reason), cause: reason}
	if !t.finish(err) {
		return
	}
	t.in.fail(err, false)
	t.out.aborted(&wire.TunnelRefuse{Code: code, Reason: err.Reason}, err)
	t.lingerFor(err)
}

// lost ends the tunnel because its stream broke.
func (t *Tunnel) lost(cause error) {
	err := &Error{Tunnel: t.id, Peer: t.Peer(), What: whatLost, Reason: cause.Error(), cause: cause}
	if t.finish(err) {
		t.in.fail(err, true)
	}
	t.out.kill(wire.CodeInternal, err)
}

// broken handles an error of the stream that the reader has seen.
func (t *Tunnel) broken(err error) {
	t.mu.Lock()
	over := t.over
	t.mu.Unlock()
	switch {
	case over:
	case t.out.wasLeft() && t.in.peerEnded():
		// The other end had everything it wanted; that it went away before our
		// last word is no loss.
		t.out.kill(wire.CodeOK, nil)
	default:
		t.lost(err)
	}
}

// remote handles an Abort of the other end. more says that the tunnel goes on
// until both halves have ended.
func (t *Tunnel) remote(f *wire.TunnelAbort) (more bool) {
	err := &Error{
		Tunnel: t.id, Peer: t.Peer(), Code: f.Code, Remote: true,
		What: whatAborted, Reason: boundedText(f.Reason),
	}
	leaves := f.Code == wire.CodeLeave
	if leaves && t.in.peerEnded() {
		// It has sent everything and reads no more.
		err.What, err.Code = whatClosed, wire.CodeOK
		t.out.left(err)
		return true
	}
	if t.finish(err) {
		t.in.fail(err, leaves)
	}
	t.out.kill(wire.CodeOK, err)
	return false
}

// writeFailed is called by the writer. The reader knows better why: it sees the
// Abort of a peer that has cut us off, or the end of the connection. Only if it
// has nothing to say for a while, or is gone, is the failed write the reason.
func (t *Tunnel) writeFailed(cause error) {
	err := &Error{Tunnel: t.id, Peer: t.Peer(), What: whatLost, Reason: cause.Error(), cause: cause}
	t.mu.Lock()
	t.writeErr = err
	alone := t.readerGone
	t.mu.Unlock()
	if alone {
		t.cut(err)
	} else {
		t.lingerFor(err)
	}
}

// lingerFor gives the stream a last while to end in order.
func (t *Tunnel) lingerFor(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.linger != nil || t.readerGone && t.writerGone {
		return
	}
	t.linger = time.AfterFunc(lingerTimeout, func() { t.cut(err) })
}

// cut ends the stream both ways without another word.
func (t *Tunnel) cut(err error) {
	if t.finish(err) {
		t.in.fail(err, true)
	}
	t.out.kill(wire.CodeStuck, err)
	t.stream.CancelRead(wire.CodeStuck)
}

// finish records why the tunnel is over; false if it already is. Nothing can be sent any
// more when it returns, so that nobody sends who has heard of the end by Recv.
func (t *Tunnel) finish(reason error) bool {
	t.mu.Lock()
	first := !t.over
	if first {
		t.over, t.reason = true, reason
	}
	t.mu.Unlock()
	if first {
		t.out.fail(reason)
	}
	return first
}

func (t *Tunnel) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reason
}

// read is the reader goroutine. It always drains the stream into the inbox,
// which the credit bounds, so that a slow application never holds up the
// connection.
func (t *Tunnel) read() {
	err := t.frames.await()
	for err == nil {
		if err = t.readFrames(); err == nil {
			err = t.frames.await() // with few calls above it: see frameReader
		}
	}
	t.readEnded(err)
}

// readEnded is the end of the reader.
func (t *Tunnel) readEnded(err error) {
	t.frames.close()
	t.stream.CancelRead(wire.CodeOK) // a no-op unless the end came early
	if err == io.EOF {
		err = t.inOrder()
	}
	switch {
	case err == nil || err == errOver:
	case isViolation(err):
		t.abort(wire.CodeProtocol, whatViolation, err)
		t.watch.violated(t, err)
	default:
		t.broken(err)
	}
	t.mu.Lock()
	t.readerGone = true
	failed := t.writeErr
	t.mu.Unlock()
	if failed != nil {
		t.cut(failed)
	}
	t.release()
}

// inOrder says what is wrong with the end of the stream, if anything.
func (t *Tunnel) inOrder() error {
	switch {
	case !t.in.peerEnded():
		return errNoEnd
	case !t.out.hasEnded():
		return errEarlyFin
	}
	return nil
}

// errOver ends the reader: the other end has aborted the tunnel.
var errOver = errors.New("over")

// readFrames handles the frames that have come. The error is errOver, a violation or
// that of the stream.
func (t *Tunnel) readFrames() error {
	came := 0 // bytes since others were let run
	for t.frames.ready() {
		h, err := t.frames.next()
		if err != nil {
			return err
		}
		if h.frame == nil {
			if err := t.readChunk(h); err != nil {
				return err
			}
			if came += h.n; came >= fullBatch {
				came = 0
				if t.stream.Accompanied() {
					giveWay()
				}
			}
			continue
		}
		if f, ok := h.frame.(*wire.TunnelAbort); ok {
			if !t.remote(f) {
				return errOver
			}
			continue
		}
		if err := t.control(h.frame); err != nil {
			return err
		}
	}
	return nil
}

// control handles every frame but chunks and aborts.
func (t *Tunnel) control(f wire.Frame) error {
	switch f := f.(type) {
	case *wire.TunnelCredit:
		if err := t.out.granted(f.Bytes); err != nil {
			return &violation{err.Error()}
		}
	case *wire.TunnelEnd:
		if err := t.in.ended(); err != nil {
			return &violation{err.Error()}
		}
		t.out.ended()
	case *wire.TunnelOpen, *wire.TunnelAccept, *wire.TunnelRefuse:
		return &violation{errHandshake.Error()}
	default:
		return &violation{fmt.Sprintf("%v frame on a tunnel", f.Kind())}
	}
	return nil
}

// readChunk moves a chunk from the stream into the inbox.
func (t *Tunnel) readChunk(h head) error {
	keep, err := t.in.arrive(h.n)
	if err != nil {
		return &violation{err.Error()}
	}
	if !keep {
		t.in.arrived(0, h.n, h.more)
		return t.frames.skip()
	}
	filled := 0
	for left := h.n; left > 0; left -= filled {
		region := t.in.room(filled, left)
		if err := t.frames.payload(region); err != nil {
			return err
		}
		filled = len(region)
	}
	t.in.arrived(filled, h.n, h.more)
	return nil
}

// writerDone is called when the write half of the stream is done.
func (t *Tunnel) writerDone() {
	t.mu.Lock()
	t.writerGone = true
	t.mu.Unlock()
	t.release()
}

// release ends the tunnel once both halves of the stream are done.
func (t *Tunnel) release() {
	t.mu.Lock()
	last := t.readerGone && t.writerGone && !t.released
	if last {
		t.over, t.released = true, true
		if t.linger != nil {
			t.linger.Stop()
		}
	}
	t.mu.Unlock()
	if last {
		close(t.finished)
		t.watch.ended(t)
	}
}

// epitaph is the reason of the TunnelClosed event.
func (t *Tunnel) epitaph() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.reason != nil:
		return t.reason.Error()
	case t.unread > 0:
		return fmt.Sprintf("closed with %d bytes unread", t.unread)
	}
	return whatClosed
}

package relay

import (
	"container/list"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"iris/node/relay/packet"
)

// accept takes connections until the listener closes. It never waits for one of
// them.
func (r *Relay) accept(l listener) {
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			r.work.Go(func() { r.serve(conn, l.guarded) })
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of file descriptors, most likely
			if pause == 0 {
				r.log.Warn("relay cannot accept", "error", err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-r.life.Done():
			}
			timer.Stop()
		}
	}
}

// serve is the life of a connection.
func (r *Relay) serve(conn net.Conn, guarded bool) {
	place, ok := r.halfOpen.enter(conn)
	if !ok {
		_ = conn.Close()
		return
	}
	in, init, err := r.greet(conn, guarded)
	if err == nil && init.Version != packet.Version {
		err = r.deny(conn, fmt.Sprintf("Unsupported protocol. Client: %s. Iris: %s.", init.Version, packet.Version))
	}
	evicted := !r.halfOpen.leave(place)
	var c *client
	if err == nil && !evicted {
		if err = r.reserve(); err == nil {
			defer r.vacate()
			c, err = r.attach(conn, in, init.Cluster)
		}
	}
	if c == nil {
		_ = conn.Close()
		if evicted {
			err = errEvicted
		}
		r.refusals.tell(conn.RemoteAddr().String(), err)
		return
	}
	c.run()
}

var (
	errEvicted = errors.New("too many connections that have not greeted")
	errToken   = errors.New("wrong token")
)

// greet reads what a client says first.
func (r *Relay) greet(conn net.Conn, guarded bool) (*parts, packet.Init, error) {
	if err := conn.SetReadDeadline(time.Now().Add(greetTimeout)); err != nil {
		return nil, packet.Init{}, err
	}
	if guarded {
		if err := checkToken(conn, r.cfg.Token); err != nil {
			return nil, packet.Init{}, err
		}
	}
	in := newParts(conn, r.cfg.limits())
	p, err := in.Next()
	if err != nil {
		return nil, packet.Init{}, err
	}
	init, _ := p.(packet.Init) // the reader takes nothing else for the first packet
	return in, init, conn.SetReadDeadline(time.Time{})
}

// tokenLine is what precedes the greeting where a token is asked for.
const tokenLine = "iris-token "

// checkToken reads the line of the token, and nothing beyond it.
func checkToken(conn io.Reader, token []byte) error {
	want := append(hex.AppendEncode([]byte(tokenLine), token), '\n')
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got[:len(tokenLine)]); err != nil {
		return err
	}
	if string(got[:len(tokenLine)]) != tokenLine {
		return errToken // now: who knows of no token may say less than a line of it
	}
	if _, err := io.ReadFull(conn, got[len(tokenLine):]); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return errToken
	}
	return nil
}

// deny says why a client is not taken, and returns that as an error.
func (r *Relay) deny(conn net.Conn, reason string) error {
	_ = conn.SetDeadline(time.Now().Add(linger))
	if _, err := conn.Write(packet.Append(nil, packet.Deny{Reason: reason})); err == nil {
		if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = io.Copy(io.Discard, conn) // see client.hangUp
		}
	}
	return errors.New(reason)
}

// halfOpen bounds the connections that have not greeted.
type halfOpen struct {
	mu    sync.Mutex // guards the following fields
	conns list.List  // of net.Conn, oldest first
	over  bool
}

// enter takes a place for conn; the oldest gives its own up if there is none.
func (h *halfOpen) enter(conn net.Conn) (place *list.Element, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil, false
	}
	if h.conns.Len() >= maxHalfOpen {
		oldest := h.conns.Front()
		_ = h.conns.Remove(oldest).(net.Conn).Close()
	}
	return h.conns.PushBack(conn), true
}

// leave gives the place back; false if it was taken away.
func (h *halfOpen) leave(place *list.Element) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.conns.Len()
	h.conns.Remove(place)
	return h.conns.Len() < before
}

// cut closes all, and takes no more.
func (h *halfOpen) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	for e := h.conns.Front(); e != nil; e = e.Next() {
		_ = e.Value.(net.Conn).Close()
	}
}

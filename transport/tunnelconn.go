package transport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// tunnelConn is the second connection of a pair: bulk data never meets
// messages. It is dialled when the first tunnel opens and ends with the link.
// Both ends open streams on it. Where both nodes have a socket for tunnels, and let
// each other reach it, the two connections share no socket either.
//
// There may be more than one for a while: when both ends dial at once, and when tunnels
// that began on the sockets for links have got a way of their own.
type tunnelConn struct {
	e    *Endpoint
	peer id.ID
	open atomic.Int64 // halves of streams that have not ended

	company company

	dialing chan struct{} // holds a token while one of the openers dials for all

	mu    sync.Mutex       // guards the following fields
	conns [ways]*quic.Conn // nil where there is none; may have ended
	ended bool
}

// way says who dialled a connection, and whether at a socket for tunnels or at one
// for links. New tunnels take the first that there is.
type way uint8

const (
	dialedBeside way = iota
	acceptedBeside
	dialedBase
	acceptedBase
	ways
)

// apart reports whether it is at a socket for tunnels.
func (w way) apart() bool { return w == dialedBeside || w == acceptedBeside }

// tunnelsTo returns the tunnel connection record of a linked peer.
func (e *Endpoint) tunnelsTo(peer id.ID) (*tunnelConn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.Link(peer)
	if l == nil || e.closed || l.leaving.Load() || l.parting.Load() {
		return nil, actor.ErrUnreachable
	}
	t := e.tunnels[peer]
	if t == nil {
		t = &tunnelConn{e: e, peer: peer, dialing: make(chan struct{}, 1)}
		e.tunnels[peer] = t
	}
	return t, nil
}

// OpenStream opens a tunnel stream to n, dialling the pair's tunnel connection
// when there is none. The peer hears of the stream with its first bytes.
func (e *Endpoint) OpenStream(ctx context.Context, n id.ID) (Stream, error) {
	t, err := e.tunnelsTo(n)
	if err != nil {
		return nil, err
	}
	conn, err := t.connection(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: tunnel connection: %w", actor.ErrUnreachable, err)
	}
	s, err := conn.OpenStreamSync(ctx)
	if err != nil && conn.Context().Err() == nil { // the peer allows no further one for now
		return nil, fmt.Errorf("%w: tunnel stream: %w", actor.ErrOverloaded, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: tunnel stream: %w", actor.ErrUnreachable, err)
	}
	return t.hold(conn, s), nil
}

// Tunnels reports whether tunnel streams are open between this node and n.
func (e *Endpoint) Tunnels(n id.ID) bool {
	e.mu.Lock()
	t := e.tunnels[n]
	e.mu.Unlock()
	return t != nil && t.open.Load() > 0
}

// current returns the connection for new tunnels, nil if there is none.
func (t *tunnelConn) current() (*quic.Conn, way) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at, c := range t.conns {
		if c != nil && c.Context().Err() == nil {
			return c, way(at)
		}
	}
	return nil, 0
}

// connection returns a connection to open streams on, dialling if there is none.
func (t *tunnelConn) connection(ctx context.Context) (*quic.Conn, error) {
	if c, at := t.current(); c != nil {
		if !at.apart() {
			t.comeBack()
		}
		return c, nil
	}
	select {
	case t.dialing <- struct{}{}:
		defer func() { <-t.dialing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c, _ := t.current(); c != nil { // somebody has dialled meanwhile
		return c, nil
	}
	conn, at, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return conn, t.add(conn, at)
}

// receiveTunnels takes a tunnel connection of a linked peer, accepted on s. l is
// only the state of its handshake.
func (e *Endpoint) receiveTunnels(l *Link, s *socket) error {
	t, err := e.tunnelsTo(l.peer)
	if err != nil {
		return err
	}
	w := wire.NewWriter()
	answer, err := w.Append(nil, e.hello(wire.RoleTunnels, 0))
	if err == nil {
		answer, err = w.Append(answer, &wire.HelloAck{})
	}
	if err != nil {
		return err
	}
	if _, err := l.control.Write(answer); err != nil {
		return err
	}
	if s == e.base {
		return t.add(l.conn, acceptedBase)
	}
	return t.add(l.conn, acceptedBeside)
}

// add makes conn usable and accepts the peer's streams on it. Each end dials when
// it has no connection to use, so a new one replaces what that end dialled before.
func (t *tunnelConn) add(conn *quic.Conn, at way) error {
	t.mu.Lock()
	old, ended := t.conns[at], t.ended
	if !ended {
		t.conns[at] = conn
	}
	t.mu.Unlock()
	if ended || !t.e.spawn(func() { t.accept(conn) }) {
		closeConn(conn, wire.CodeLeave, "the link has ended")
		return actor.ErrUnreachable
	}
	if old != nil {
		closeConn(old, wire.CodeDuplicate, "replaced by a newer one")
	}
	if at == dialedBeside {
		t.e.detours.over(t.peer)
	}
	return nil
}

// roundTrip is the shortest that conn or the pair's link has seen. The link has had
// the time to see one between two tunnels.
func (t *tunnelConn) roundTrip(conn *quic.Conn) time.Duration {
	trip := conn.ConnectionStats().MinRTT
	if l := t.e.Link(t.peer); l != nil {
		if other := l.conn.ConnectionStats().MinRTT; other > 0 && (trip == 0 || other < trip) {
			trip = other
		}
	}
	return trip
}

func (t *tunnelConn) accept(conn *quic.Conn) {
	for {
		s, err := conn.AcceptStream(conn.Context())
		if err != nil {
			return // the connection has ended; its streams report it
		}
		t.e.spawn(func() {
			if t.e.onStream == nil {
				s.CancelRead(quic.StreamErrorCode(wire.CodeBusy))
				s.CancelWrite(quic.StreamErrorCode(wire.CodeBusy))
				return
			}
			t.e.onStream(t.peer, t.hold(conn, s))
		})
	}
}

// end closes the pair's tunnel connections; every tunnel on them ends.
func (t *tunnelConn) end(code wire.Code, reason string) {
	t.mu.Lock()
	t.ended = true
	conns := t.conns
	t.mu.Unlock()
	for _, c := range conns {
		if c != nil {
			closeConn(c, code, reason)
		}
	}
	t.e.mu.Lock()
	defer t.e.mu.Unlock()
	if t.e.tunnels[t.peer] == t {
		delete(t.e.tunnels, t.peer)
	}
}

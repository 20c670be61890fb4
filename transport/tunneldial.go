package transport

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// The head start of a peer's socket for tunnels, which a firewall may hide: as long as it
// takes to connect to one that is there, within bounds. Then its socket for links, which
// is known to answer, is dialled too.
const (
	minHeadStart = 100 * time.Millisecond
	maxHeadStart = time.Second
)

// dial makes a tunnel connection to the peer: at its socket for tunnels, or if that does not
// answer at that of its links. Only one caller at a time.
func (t *tunnelConn) dial(ctx context.Context) (*quic.Conn, way, error) {
	l := t.e.Link(t.peer)
	if l == nil {
		return nil, 0, actor.ErrUnreachable
	}
	if !t.besides(l) {
		conn, err := t.dialAt(ctx, t.e.base, l.RemoteAddr().String())
		return conn, dialedBase, err
	}
	race, stop := context.WithCancel(ctx)
	defer stop()
	beside := t.begin(race, t.e.outward(), l.tunnelAddr())
	head := time.NewTimer(headStart(ctx, l))
	defer head.Stop()
	select {
	case <-beside.done:
	case <-head.C:
	}
	if beside.made() {
		return beside.conn, dialedBeside, nil
	}
	base := t.begin(race, t.e.base, l.RemoteAddr().String())
	select {
	case <-beside.done:
		if !beside.made() {
			<-base.done
		}
	case <-base.done:
		if !base.made() {
			<-beside.done
		}
	}
	stop() // whichever is left
	<-beside.done
	<-base.done
	switch {
	case beside.made():
		if base.made() {
			closeConn(base.conn, wire.CodeOK, "the port for tunnels answers")
		}
		return beside.conn, dialedBeside, nil
	case base.made(): // so it is the port, not the peer
		t.goAround(l.tunnelAddr(), beside.err)
	}
	return base.conn, dialedBase, base.err
}

// besides reports whether the peer of l has a socket for tunnels that may be tried now.
func (t *tunnelConn) besides(l *Link) bool {
	return l.tunnelAddr() != "" && !t.e.detours.on(t.peer, time.Now())
}

// headStart is for how long the socket for tunnels is dialled alone: two round trips make
// a connection, three if the peer is under pressure.
func headStart(ctx context.Context, l *Link) time.Duration {
	head := min(max(4*l.Stats().RTT, minHeadStart), maxHeadStart)
	if end, ok := ctx.Deadline(); ok {
		head = min(head, time.Until(end)/2)
	}
	return head
}

// goAround notes that the peer's socket for tunnels, at addr, did not let us in.
func (t *tunnelConn) goAround(addr string, err error) {
	var closed *quic.ApplicationError
	var refused *quic.TransportError
	switch now := time.Now(); {
	case errors.As(err, &closed) && closed.Remote, errors.As(err, &refused) && refused.Remote && refused.ErrorCode == quic.ConnectionRefused:
		t.e.detours.refused(t.peer, now)
	default:
		t.e.detours.hidden(t.peer, now)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			err = ErrSilent
		}
		t.e.log.Warn("tunnels share the way of messages", "peer", t.peer.Short(), "port", addr, "error", err)
	}
}

// comeBack looks, in the background, whether a peer whose tunnels share the way of messages
// has a socket for them that answers by now. Streams that are open stay where they are.
func (t *tunnelConn) comeBack() {
	l := t.e.Link(t.peer)
	if l == nil || !t.besides(l) {
		return
	}
	select {
	case t.dialing <- struct{}{}:
	default:
		return // somebody dials
	}
	if !t.e.spawn(func() {
		defer func() { <-t.dialing }()
		conn, err := t.dialAt(t.e.ctx, t.e.outward(), l.tunnelAddr())
		switch {
		case err == nil:
			_ = t.add(conn, dialedBeside) // if it fails, the link has ended
		case l.Up():
			t.goAround(l.tunnelAddr(), err)
		}
	}) {
		<-t.dialing
	}
}

// attempt is a dial under way.
type attempt struct {
	done chan struct{} // closed at its end
	conn *quic.Conn    // valid then, as is err
	err  error
}

func (t *tunnelConn) begin(ctx context.Context, s *socket, addr string) *attempt {
	a := &attempt{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.conn, a.err = t.dialAt(ctx, s, addr)
	}()
	return a
}

// made reports whether it has ended with a connection.
func (a *attempt) made() bool {
	select {
	case <-a.done:
		return a.err == nil
	default:
		return false
	}
}

// outward is the socket from which those of peers for tunnels are dialled.
func (e *Endpoint) outward() *socket {
	if e.beside == nil {
		return e.base
	}
	return e.beside
}

// dialAt dials addr from the socket s, and introduces this node.
func (t *tunnelConn) dialAt(ctx context.Context, s *socket, addr string) (*quic.Conn, error) {
	conn, err := t.e.connect(ctx, s, addr, t.peer)
	if err != nil {
		return nil, err
	}
	if err := t.e.greet(ctx, conn, func(ctx context.Context) error { return t.introduce(ctx, conn) }); err != nil {
		closeConn(conn, codeOf(err), err.Error())
		return nil, err
	}
	return conn, nil
}

// tunnelAddr is where the peer takes tunnel connections alone, "" if nowhere.
func (l *Link) tunnelAddr() string {
	host, ok := hostOf(l.RemoteAddr().String())
	if !ok || l.hello.TunnelPort == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(int(l.hello.TunnelPort)))
}

// introduce exchanges HELLO on a stream of its own, which stays open and silent.
func (t *tunnelConn) introduce(ctx context.Context, conn *quic.Conn) error {
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	first, err := wire.NewWriter().Append(nil, t.e.hello(wire.RoleTunnels, 0))
	if err != nil {
		return err
	}
	if _, err := s.Write(first); err != nil {
		return err
	}
	r := wire.NewReader(s, wire.MaxControl)
	h, err := readHello[*wire.Hello](r)
	if err != nil {
		return err
	}
	if err := checkHello(h); err != nil {
		return err
	}
	return readAck(r)
}

// TunnelWay is how new tunnels of this node and a peer travel.
type TunnelWay struct {
	Addr  string // the peer's end
	Apart bool   // neither end's socket carries messages
}

// TunnelWay returns the way of new tunnels to and from n, and false if there is no
// connection for them at present.
func (e *Endpoint) TunnelWay(n id.ID) (TunnelWay, bool) {
	e.mu.Lock()
	t, l := e.tunnels[n], e.Link(n)
	e.mu.Unlock()
	if t == nil || l == nil {
		return TunnelWay{}, false
	}
	conn, at := t.current()
	if conn == nil {
		return TunnelWay{}, false
	}
	// An end that has a socket for tunnels dials from it.
	return TunnelWay{Addr: conn.RemoteAddr().String(), Apart: at.apart() && e.beside != nil && l.hello.TunnelPort != 0}, true
}

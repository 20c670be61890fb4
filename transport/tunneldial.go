package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"

	"iris/internal/id"
	"iris/transport/wire"
)

const (
	// tunnelPatience bounds the wait for a peer's socket for tunnels, which a firewall
	// may hide; then its socket for links, which is known to answer, is dialled.
	tunnelPatience = time.Second
	// detourFor is how long after that the other is not tried again.
	detourFor = time.Minute
)

// dial makes a tunnel connection to the peer of l: at its socket for tunnels if it has one
// that answers, else at that of its links. Only one caller at a time.
func (t *tunnelConn) dial(ctx context.Context, l *Link) (*quic.Conn, error) {
	addr := l.tunnelAddr()
	if addr == "" || t.detours() {
		return t.dialAt(ctx, t.e.base, l.RemoteAddr().String())
	}
	conn, hidden := t.dialBeside(ctx, addr)
	if hidden == nil || ctx.Err() != nil {
		return conn, hidden
	}
	conn, err := t.dialAt(ctx, t.e.base, l.RemoteAddr().String())
	if err == nil { // so it is the port, not the peer
		t.goAround(time.Now().Add(detourFor))
		t.e.log.Warn("tunnels share the way of messages", "peer", t.peer.Short(), "port", addr, "error", hidden)
	}
	return conn, err
}

// dialBeside dials the peer's socket for tunnels, and leaves half of the time of ctx
// for another attempt.
func (t *tunnelConn) dialBeside(ctx context.Context, addr string) (*quic.Conn, error) {
	patience := tunnelPatience
	if end, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	from := t.e.beside
	if from == nil {
		from = t.e.base
	}
	conn, err := t.dialAt(ctx, from, addr)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", patience.Round(time.Millisecond))
	}
	return conn, err
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

// detours reports whether the peer's socket for tunnels did not answer lately.
func (t *tunnelConn) detours() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.detour)
}

func (t *tunnelConn) goAround(detour time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detour = detour
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

// TunnelWay is how the tunnels of this node and a peer travel.
type TunnelWay struct {
	Addr  string // the peer's end
	Apart bool   // neither end's socket carries messages
}

// TunnelWay returns the way of the tunnels to and from n, and false if there is no
// connection for them at present.
func (e *Endpoint) TunnelWay(n id.ID) (TunnelWay, bool) {
	e.mu.Lock()
	t, l := e.tunnels[n], e.Link(n)
	e.mu.Unlock()
	if t == nil || l == nil {
		return TunnelWay{}, false
	}
	conn := t.current()
	if conn == nil {
		return TunnelWay{}, false
	}
	addr := conn.RemoteAddr().String()
	here := e.beside != nil && addrPort(conn.LocalAddr()).Port() == e.beside.port()
	return TunnelWay{Addr: addr, Apart: here && addr == l.tunnelAddr()}, true
}

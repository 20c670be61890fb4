package transport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/identity"
	"iris/transport/wire"
)

// featureInsist in HELLO says: I hold no link to you, drop what you hold.
const featureInsist = 1 << 0

var (
	errDuplicate = errors.New("another link to this peer stays")
	errSelf      = errors.New("that is this node itself")
	errVersion   = errors.New("incompatible protocol version")
	errFull      = errors.New("too many peers")
)

// hello describes this node to a peer.
func (e *Endpoint) hello(role uint8, features uint64) *wire.Hello {
	h := &wire.Hello{
		Version: wire.ProtocolVersion, Incarnation: e.cfg.Incarnation, Role: role, Features: features,
		Addrs: e.Addrs(), Zone: e.cfg.Zone, Name: e.cfg.Name, Labels: flatten(e.cfg.Labels),
	}
	if e.beside != nil {
		h.TunnelPort = e.beside.port()
	}
	return h
}

// flatten returns names and values in turn, in the order of the names.
func flatten(labels map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, name, labels[name])
	}
	return out
}

// Labels returns what the operator of the peer says of it.
func (l *Link) Labels() map[string]string {
	labels := make(map[string]string)
	for pair := range slices.Chunk(l.hello.Labels, 2) {
		if len(pair) == 2 {
			labels[pair[0]] = pair[1]
		}
	}
	return labels
}

// readHello reads one handshake frame of type F from a fresh control stream.
func readHello[F wire.Frame](r interface{ Next() (wire.Frame, error) }) (F, error) {
	var zero F
	f, err := r.Next()
	if err != nil {
		return zero, err
	}
	h, ok := f.(F)
	if !ok {
		return zero, &wire.ProtocolError{Kind: f.Kind(), Reason: "before HELLO"}
	}
	return h, nil
}

// copyHello returns a HELLO that outlives the reader's next frame.
func copyHello(h *wire.Hello) wire.Hello {
	c := *h
	c.Addrs = append([]string(nil), h.Addrs...)
	return c
}

func checkHello(h *wire.Hello) error {
	if h.Version != wire.ProtocolVersion {
		return fmt.Errorf("%w: ours %d, theirs %d", errVersion, wire.ProtocolVersion, h.Version)
	}
	return nil
}

// closeConn ends a connection that did not become a link.
func closeConn(conn *quic.Conn, code wire.Code, reason string) {
	_ = conn.CloseWithError(quic.ApplicationErrorCode(code), reason) // idempotent
}

// receive judges a connection accepted on s: it becomes a link, a tunnel
// connection, or is closed with a code.
func (e *Endpoint) receive(conn *quic.Conn, s *socket) {
	err := e.receiveGreeting(conn, s)
	if err == nil {
		return
	}
	closeConn(conn, codeOf(err), err.Error())
	if app, ok := errors.AsType[*quic.ApplicationError](err); ok && app.Remote {
		return // the dialler changed its mind, such as for a duplicate
	}
	if !errors.Is(err, errDuplicate) && e.ctx.Err() == nil {
		e.refuse(conn.RemoteAddr().String(), err)
	}
}

func (e *Endpoint) receiveGreeting(conn *quic.Conn, s *socket) error {
	peer, err := identity.PeerID(conn.ConnectionState().TLS)
	if err != nil {
		return err
	}
	if peer == e.self {
		return errSelf
	}
	e.mu.Lock()
	err = e.greetings.enter(peer)
	e.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() {
		e.mu.Lock()
		e.greetings.leave(peer)
		e.mu.Unlock()
	}()
	return e.greet(e.ctx, conn, func(ctx context.Context) error { return e.receiveHello(ctx, conn, s, peer) })
}

func (e *Endpoint) receiveHello(ctx context.Context, conn *quic.Conn, s *socket, peer id.ID) error {
	control, err := conn.AcceptStream(ctx)
	if err != nil {
		return err
	}
	l := newLink(e, peer, conn, control, false)
	h, err := readHello[*wire.Hello](l.in)
	if err != nil {
		return err
	}
	if err := checkHello(h); err != nil {
		return err
	}
	l.hello = copyHello(h)
	switch {
	case l.hello.Role == wire.RoleTunnels:
		return e.receiveTunnels(l, s)
	case l.hello.Role == wire.RoleLink && s == e.base:
		return e.receiveLink(ctx, l)
	case l.hello.Role == wire.RoleLink:
		return &wire.ProtocolError{Kind: wire.KindHello, Reason: "a link on the port for tunnels"}
	}
	return &wire.ProtocolError{Kind: wire.KindHello, Reason: "unknown role"}
}

// receiveLink installs an accepted link unless another one stays.
func (e *Endpoint) receiveLink(ctx context.Context, l *Link) error {
	insists := l.hello.Features&featureInsist != 0
	patience := time.NewTimer(helloTimeout / 2) // for our own dial to come to an end
	defer patience.Stop()
	waited := false
	hello := e.hello(wire.RoleLink, 0) // not under mu: it asks the system for its addresses
	for {
		e.mu.Lock()
		old := e.live(l.peer)
		claim := e.claims[l.peer]
		switch judge(e.self, l.peer, held{old != nil, old != nil && old.dialed}, claim != nil && !waited, insists) {
		case refuse:
			e.mu.Unlock()
			return errDuplicate
		case wait:
			e.mu.Unlock()
			select {
			case <-claim:
			case <-patience.C:
				waited = true
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			continue
		case accept, replace:
			if e.vacate(l.peer, "replaced by the peer") {
				e.mu.Unlock()
				waited = true // it was decided that l is wanted
				continue
			}
		}
		err := e.installLocked(l, hello, &wire.HelloAck{})
		e.mu.Unlock()
		if err != nil {
			l.stop(codeOf(err), err.Error())
			return err
		}
		return e.run(l)
	}
}

// installLocked queues the answer of the handshake as the first frames of
// control and makes l the link of its peer. The caller holds mu.
func (e *Endpoint) installLocked(l *Link, answer ...wire.Frame) error {
	if e.closed {
		return actor.ErrClosed
	}
	if links := *e.links.Load(); links[l.peer] == nil && len(links) >= e.cfg.Limits.Peers {
		return errFull
	}
	for _, f := range answer {
		if err := l.lanes[Control].put(f); err != nil {
			return err
		}
	}
	e.setLink(l, true)
	return nil
}

// run gives an installed link its actor.
func (e *Endpoint) run(l *Link) error {
	e.Expect(l.tunnelAddr()) // it may dial from there; "" announces nothing
	l.control.SetPriority(Control.urgency(), false)
	_, err := e.sys.SpawnUnder(e.service, fmt.Sprintf("link/%s-%d", l.peer.Short(), e.linkSeq.Add(1)), actor.Of(func() actor.Actor { return &linkActor{l: l} }))
	if err != nil {
		l.stop(wire.CodeInternal, err.Error())
		e.detach(l)
		return fmt.Errorf("start link: %w", err)
	}
	return nil
}

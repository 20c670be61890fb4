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
	return &wire.Hello{
		Version: wire.ProtocolVersion, Incarnation: e.cfg.Incarnation, Role: role, Features: features,
		Addrs: e.Addrs(), Zone: e.cfg.Zone, Name: e.cfg.Name, Labels: flatten(e.cfg.Labels),
	}
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

// receive judges an accepted connection: it becomes a link, a tunnel
// connection, or is closed with a code.
func (e *Endpoint) receive(conn *quic.Conn) {
	err := e.receiveGreeting(conn)
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

func (e *Endpoint) receiveGreeting(conn *quic.Conn) error {
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
	return e.greet(e.ctx, conn, func(ctx context.Context) error { return e.receiveHello(ctx, conn, peer) })
}

func (e *Endpoint) receiveHello(ctx context.Context, conn *quic.Conn, peer id.ID) error {
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
	switch l.hello.Role {
	case wire.RoleLink:
		return e.receiveLink(ctx, l)
	case wire.RoleTunnels:
		return e.receiveTunnels(l)
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
		old := e.Link(l.peer)
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
		}
		err := e.installLocked(l, old, hello, &wire.HelloAck{})
		e.mu.Unlock()
		if err != nil {
			return err
		}
		if old != nil {
			old.end(LinkDown{Link: old, Code: wire.CodeDuplicate, Reason: "replaced by the peer"})
		}
		return e.run(l)
	}
}

// installLocked queues the answer of the handshake as the first frames of
// control and makes l the link of its peer. The caller holds mu.
func (e *Endpoint) installLocked(l, old *Link, answer ...wire.Frame) error {
	if e.closed {
		return actor.ErrClosed
	}
	if old == nil && len(*e.links.Load()) >= e.cfg.Limits.Peers {
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
	l.control.SetPriority(Control.urgency(), false)
	_, err := e.sys.SpawnUnder(e.service, fmt.Sprintf("link/%s-%d", l.peer.Short(), e.linkSeq.Add(1)), actor.Of(func() actor.Actor { return &linkActor{l: l} }))
	if err != nil {
		l.end(LinkDown{Link: l, Code: wire.CodeInternal, Reason: err.Error()})
		e.mu.Lock()
		e.setLink(l, false)
		e.mu.Unlock()
		l.wg.Wait()
		return fmt.Errorf("start link: %w", err)
	}
	return nil
}

// Dial connects to addr in the background. When want is not zero, only that
// node may answer. A dial to an address or a peer that is being dialled, or a
// peer with a link, does nothing. The owner hears of the outcome: LinkUp, or
// DialFailed.
func (e *Endpoint) Dial(addr string, want id.ID) {
	e.mu.Lock()
	if e.dials[addr] != nil || e.closed || !want.IsZero() && e.Link(want) != nil {
		e.mu.Unlock()
		return
	}
	d := &dialing{addr: addr}
	e.dials[addr] = d
	e.mu.Unlock()
	e.Expect(addr)
	e.spawn(func() {
		peer, err := e.dial(d, want)
		e.mu.Lock()
		e.dialed(d)
		e.mu.Unlock()
		if err != nil {
			e.tell(&DialFailed{Addr: addr, Peer: peer, Err: err})
		}
	})
}

// dialing is a dial under way.
type dialing struct{ addr string }

// dialed notes that the outcome of d is known: the address may be dialled
// again. The caller holds mu.
func (e *Endpoint) dialed(d *dialing) {
	if e.dials[d.addr] == d {
		delete(e.dials, d.addr)
	}
}

// dial makes a link to addr. When the peer refuses it because it holds a link
// that we do not have, and none of ours comes up meanwhile, it insists once.
func (e *Endpoint) dial(d *dialing, want id.ID) (id.ID, error) {
	peer, err := e.dialOnce(d, want, 0)
	app, refused := errors.AsType[*quic.ApplicationError](err)
	if !refused || wire.Code(app.ErrorCode) != wire.CodeDuplicate {
		return peer, err
	}
	settled := time.NewTimer(250 * time.Millisecond)
	defer settled.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
			if e.Link(peer) != nil {
				return peer, nil
			}
		case <-settled.C:
			return e.dialOnce(d, peer, featureInsist)
		case <-e.ctx.Done():
			return peer, context.Cause(e.ctx)
		}
	}
}

func (e *Endpoint) dialOnce(d *dialing, want id.ID, features uint64) (id.ID, error) {
	conn, err := e.connect(e.ctx, d.addr, want)
	if err != nil {
		return want, err
	}
	peer, err := identity.PeerID(conn.ConnectionState().TLS)
	if err == nil {
		err = e.greet(e.ctx, conn, func(ctx context.Context) error { return e.dialLink(ctx, d, conn, peer, features) })
	}
	if errors.Is(err, errDuplicate) {
		closeConn(conn, wire.CodeDuplicate, "this end holds a link already")
		return peer, nil // there is a link, or another dial is about to make it
	}
	if err != nil {
		closeConn(conn, codeOf(err), err.Error())
	}
	return peer, err
}

// connect makes a connection, as far as the TLS handshake.
func (e *Endpoint) connect(ctx context.Context, addr string, want id.ID) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	to, err := resolve(ctx, e.conn, addr)
	if err != nil {
		return nil, err
	}
	c := e.quic.Clone()
	c.GetConfigForClient = nil
	return e.tr.Dial(ctx, to, e.cfg.Identity.ClientTLS(want), c)
}

// dialLink exchanges HELLO on a dialled connection and installs the link.
func (e *Endpoint) dialLink(ctx context.Context, d *dialing, conn *quic.Conn, peer id.ID, features uint64) error {
	claim := make(chan struct{})
	e.mu.Lock()
	if e.Link(peer) != nil && features&featureInsist == 0 || e.claims[peer] != nil {
		e.mu.Unlock()
		return errDuplicate
	}
	e.claims[peer] = claim
	e.mu.Unlock()
	l, err := e.offer(ctx, conn, peer, features)

	e.mu.Lock()
	delete(e.claims, peer)
	close(claim)
	old := e.Link(peer)
	if err == nil && old != nil && features&featureInsist == 0 {
		err = errDuplicate
	}
	if err == nil {
		err = e.installLocked(l, old)
		e.dialed(d)
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	if old != nil {
		old.end(LinkDown{Link: old, Code: wire.CodeDuplicate, Reason: "replaced by a newer link"})
	}
	return e.run(l)
}

// offer makes a link of a dialled connection, as far as the handshake.
func (e *Endpoint) offer(ctx context.Context, conn *quic.Conn, peer id.ID, features uint64) (*Link, error) {
	control, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	l := newLink(e, peer, conn, control, true)
	return l, l.introduce(e.hello(wire.RoleLink, features))
}

// introduce runs the dialler's half of the handshake: HELLO out, HELLO and
// HELLO-ACK in.
func (l *Link) introduce(hello *wire.Hello) error {
	first, err := l.lanes[Control].enc.Append(nil, hello)
	if err != nil {
		return err
	}
	if _, err := l.control.Write(first); err != nil {
		return err
	}
	h, err := readHello[*wire.Hello](l.in)
	if err != nil {
		return err
	}
	if err := checkHello(h); err != nil {
		return err
	}
	l.hello = copyHello(h)
	return readAck(l.in)
}

// readAck reads the acceptor's HELLO-ACK.
func readAck(r interface{ Next() (wire.Frame, error) }) error {
	a, err := readHello[*wire.HelloAck](r)
	if err == nil && a.Code != wire.CodeOK {
		err = fmt.Errorf("refused: %v %s", a.Code, a.Reason)
	}
	return err
}

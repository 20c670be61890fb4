package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"

	"iris/internal/id"
	"iris/transport/identity"
	"iris/transport/wire"
)

// Dial connects to addr in the background. When want is not zero, only that
// node may answer. A dial to an address or a peer that is being dialled, or a
// peer with a link, does nothing; nor does one before Start. The owner hears of
// the outcome, Dialed or DialFailed.
func (e *Endpoint) Dial(addr string, want id.ID) {
	e.mu.Lock()
	if e.dials[addr] != nil || e.closed || e.service == nil || !want.IsZero() && e.live(want) != nil {
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
			return
		}
		e.tell(&Dialed{Addr: addr, Peer: peer})
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
			if e.live(peer) != nil {
				return peer, nil
			}
		case <-settled.C:
			if e.live(peer) != nil {
				return peer, nil
			}
			return e.dialOnce(d, peer, featureInsist)
		case <-e.ctx.Done():
			return peer, context.Cause(e.ctx)
		}
	}
}

func (e *Endpoint) dialOnce(d *dialing, want id.ID, features uint64) (id.ID, error) {
	conn, err := e.connect(e.ctx, e.base, d.addr, want)
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

// connect makes a connection from s, as far as the TLS handshake.
func (e *Endpoint) connect(ctx context.Context, s *socket, addr string, want id.ID) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	to, err := resolve(ctx, s.conn, addr)
	if err != nil {
		return nil, err
	}
	return s.tr.Dial(ctx, to, e.cfg.Identity.ClientTLS(want), e.configFor(s, to))
}

// dialLink exchanges HELLO on a dialled connection and installs the link.
func (e *Endpoint) dialLink(ctx context.Context, d *dialing, conn *quic.Conn, peer id.ID, features uint64) error {
	claim := make(chan struct{})
	e.mu.Lock()
	if e.live(peer) != nil || e.claims[peer] != nil {
		e.mu.Unlock()
		return errDuplicate
	}
	e.claims[peer] = claim
	e.mu.Unlock()
	l, err := e.offer(ctx, conn, peer, features)

	e.mu.Lock()
	for err == nil {
		if e.live(peer) != nil && features&featureInsist == 0 {
			err = errDuplicate
		} else if !e.vacate(peer, "replaced by a newer link") {
			break
		}
	}
	delete(e.claims, peer)
	close(claim)
	if err == nil {
		err = e.installLocked(l)
		e.dialed(d)
	}
	e.mu.Unlock()
	if err != nil {
		return err
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

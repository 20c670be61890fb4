package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"

	"iris/internal/id"
	"iris/transport/identity"
	"iris/transport/wire"
)

// Why nobody opened. Errors of Knock wrap one of them, or say why the address
// cannot be asked at all.
var (
	// ErrForeign: a node answers, of another network or with another key.
	ErrForeign = errors.New("another network name or key, or another protocol version")
	// ErrSilent: nothing came back: nobody is there, or something on the way
	// keeps packets from passing.
	ErrSilent = errors.New("no answer")
	// ErrShut: the host says that nothing listens on the port.
	ErrShut = errors.New("nothing listens there")
)

// errTooLarge: no packet has left, as an interface of this host takes only smaller ones.
var errTooLarge = fmt.Errorf("%w: packets are too large for this host", ErrSilent)

// Answer says who opened.
type Answer struct {
	Node  id.ID
	RTT   time.Duration
	Small bool // only packets of 1200 bytes arrive there, not those of full size
	Here  bool // with Small: it is an interface of this host that takes no larger ones, and says so
}

// knockTimeout bounds the wait for the answer to packets of one size.
const knockTimeout = 2 * time.Second

// Knock finds out who answers at addr, host:port, and whether it takes the holder
// of ident's keys for one of its network. It goes no further than the handshake:
// no link comes of it, and nobody logs it but a node of another network. It
// blocks for at most 4 seconds.
func Knock(ctx context.Context, ident *identity.Identity, addr string) (Answer, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	return knock(ctx, conn, ident, addr)
}

func knock(ctx context.Context, conn net.PacketConn, ident *identity.Identity, addr string) (Answer, error) {
	to, err := resolve(ctx, conn, addr)
	if err != nil {
		return Answer{}, err
	}
	shut, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if udp, ok := conn.(*net.UDPConn); ok && udp != nil {
		said := make(chan struct{})
		go func() {
			defer close(said)
			if refusesPackets(shut, to) {
				stop(ErrShut)
			}
		}()
		defer func() { stop(nil); <-said }()
	}
	tr := &quic.Transport{Conn: conn}
	defer tr.Close()
	answer, err := knockWith(shut, tr, ident, to, fullPacket)
	if errors.Is(err, ErrSilent) {
		here := errors.Is(err, errTooLarge)
		answer, err = knockWith(shut, tr, ident, to, 0)
		answer.Small, answer.Here = err == nil, err == nil && here
	}
	if errors.Is(context.Cause(shut), ErrShut) && err != nil {
		err = ErrShut
	}
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", addr, err)
	}
	return answer, nil
}

// knockWith makes a connection that begins with packets of so many bytes, 0 for
// the least that there are, and closes it.
func knockWith(ctx context.Context, tr *quic.Transport, ident *identity.Identity, to net.Addr, size uint16) (Answer, error) {
	limited, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	conf := quicConfig(0)
	conf.InitialPacketSize, conf.DisablePathMTUDiscovery = size, true
	began := time.Now()
	conn, err := tr.Dial(limited, to, ident.ClientTLS(id.ID{}), conf)
	if err != nil {
		return Answer{}, whyShut(ctx, err)
	}
	defer closeConn(conn, wire.CodeOK, "only asking who is there")
	node, err := identity.PeerID(conn.ConnectionState().TLS)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Node: node, RTT: min(conn.ConnectionStats().MinRTT, time.Since(began))}, nil
}

// whyShut tells what the end of a handshake says about the other end.
func whyShut(ctx context.Context, err error) error {
	var t *quic.TransportError
	var bad *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &bad), errors.As(err, &t) && t.ErrorCode.IsCryptoError():
		return fmt.Errorf("%w (%w)", ErrForeign, err)
	case errors.As(err, &t) && tooLarge(t):
		return errTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, new(*quic.HandshakeTimeoutError)), errors.As(err, new(*quic.IdleTimeoutError)):
		return ErrSilent
	}
	return err
}

// tooLarge reports whether an interface of this host did not take a packet: of
// errors of its socket, quic-go passes on the text.
func tooLarge(e *quic.TransportError) bool {
	return !e.Remote && strings.Contains(e.ErrorMessage, syscall.EMSGSIZE.Error())
}

// refusesPackets reports whether the host of to answers a packet by saying that
// nothing listens there. It blocks until ctx ends if there is no such answer.
func refusesPackets(ctx context.Context, to net.Addr) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write([]byte{0}); err != nil { // no packet of QUIC: a node ignores it
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	_, err = conn.Read(make([]byte, 1))
	return errors.Is(err, syscall.ECONNREFUSED)
}

package transport

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/quic-go/quic-go"

	"iris/transport/udp"
	"iris/transport/wire"
)

// What a socket is for, in the log.
const (
	forLinks   = "links"
	forTunnels = "tunnels"
)

// socket is a UDP socket of the endpoint with the QUIC on it. There are two: one for
// links, and one for tunnels, so that what a tunnel fills, a buffer of the kernel and
// the goroutine that reads it, is not what a message passes through.
type socket struct {
	use  string
	conn net.PacketConn
	conf *quic.Config
	tr   *quic.Transport
	ln   *quic.Listener
}

// open makes QUIC on conn, which it closes when it fails. Connections end after idle
// without a packet; of the two ends the shorter time counts (RFC 9000, section 10.1).
func (e *Endpoint) open(use string, conn net.PacketConn, idle time.Duration) (*socket, error) {
	s := &socket{use: use, conn: conn, conf: quicConfig(e.cfg.Limits.Tunnels)}
	s.conf.MaxIdleTimeout = idle
	s.conf.GetConfigForClient = func(from *quic.ClientInfo) (*quic.Config, error) {
		c := e.configFor(s, from.RemoteAddr)
		if e.gate.pressed() {
			c.HandshakeIdleTimeout = pressedHandshakeTimeout
		}
		return c, nil
	}
	// The reset key belongs to the place, not to the process: a node restarted at
	// the same address can tell peers at once that the old process is gone. It
	// differs between places, or one node could be made to reset another's links.
	host, _ := os.Hostname() // without a name the address alone tells places apart
	place := host + " " + conn.LocalAddr().String()
	reset := quic.StatelessResetKey(sha256.Sum256(append(e.cfg.Identity.Derive("reset", 32), place...)))
	s.tr = &quic.Transport{
		Conn: conn, ConnectionIDLength: 8, StatelessResetKey: &reset,
		DisableVersionNegotiationPackets: true,
		VerifySourceAddress:              e.gate.mustProve,
		ConnContext:                      e.gate.admit,
	}
	var err error
	if s.ln, err = s.tr.Listen(e.cfg.Identity.ServerTLS(), s.conf); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", conn.LocalAddr(), err), s.close())
	}
	return s, nil
}

// openSockets makes QUIC on the sockets; tunnels may be nil. When it fails, they are closed.
func (e *Endpoint) openSockets(links, tunnels net.PacketConn) (err error) {
	if e.base, err = e.open(forLinks, links, idleTimeout); err != nil {
		return errors.Join(err, closeAll(tunnels))
	}
	if tunnels == nil {
		return nil
	}
	if e.beside, err = e.open(forTunnels, tunnels, besideTimeout); err != nil {
		return errors.Join(err, e.base.close())
	}
	return nil
}

// sockets returns the one or two that there are.
func (e *Endpoint) sockets() []*socket {
	if e.beside == nil {
		return []*socket{e.base}
	}
	return []*socket{e.base, e.beside}
}

func (e *Endpoint) closeSockets() (err error) {
	for _, s := range e.sockets() {
		err = errors.Join(err, s.close())
	}
	return err
}

// turnAway closes the connections that nobody has accepted before the listener closed.
func (s *socket) turnAway(code wire.Code, reason string) {
	for {
		conn, err := s.ln.Accept(context.Background())
		if err != nil {
			return
		}
		closeConn(conn, code, reason)
	}
}

// closeAll closes sockets on which there is no QUIC yet; some may be nil.
func closeAll(conns ...net.PacketConn) (err error) {
	for _, c := range conns {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// port is that which the socket is bound to.
func (s *socket) port() uint16 { return addrPort(s.conn.LocalAddr()).Port() }

// close ends what is left of the connections on s, and the socket.
func (s *socket) close() error {
	return errors.Join(ignoreClosed(s.tr.Close()), ignoreClosed(s.conn.Close()))
}

// bind returns the sockets to use; none for tunnels, if they share that of the links.
// When it fails, those that it has opened are closed.
func bind(cfg Config) (links, tunnels net.PacketConn, err error) {
	if cfg.Conn != nil {
		return cfg.Conn, cfg.TunnelConn, nil
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("listen address %q: %w", cfg.Listen, err)
	}
	if links, err = bindTo(addr, forLinks, cfg.BusyPoll, cfg.Logger); err != nil || cfg.TunnelPort < 0 {
		return links, nil, err
	}
	beside := *links.LocalAddr().(*net.UDPAddr) // one of our own is of UDP
	beside.Port = cfg.TunnelPort
	if tunnels, err = bindTo(&beside, forTunnels, 0, cfg.Logger); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("port for tunnels: %w", err), links.Close())
	}
	return links, tunnels, nil
}

// bindTo opens a socket, and logs what the kernel gave it, so that a node that is slow
// for it can be told from one that is slow for another reason.
func bindTo(addr *net.UDPAddr, use string, poll time.Duration, log *slog.Logger) (net.PacketConn, error) {
	conn, g, err := udp.Listen(addr, poll)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	log.Debug("socket opened", "for", use, "addr", conn.LocalAddr(), "read_buffer", g.ReadBuffer, "write_buffer", g.WriteBuffer, "offload", g.Offload)
	if g.Scarce() {
		log.Warn("socket buffers are small", "for", use, "read_buffer", g.ReadBuffer, "write_buffer", g.WriteBuffer, "wanted", udp.Buffer)
	}
	return conn, nil
}

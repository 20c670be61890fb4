package transport

import (
	"net"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// streamWindow is the receive window of a stream, of links while there are few. It is
	// fixed for a connection: automatic growth raises stream windows beyond the
	// connection's without asking.
	streamWindow = 2 << 20
	// lanes is the number of unidirectional streams a peer may hold open.
	uniLanes = 4
	// connectionWindow keeps control alive while every lane is blocked: the
	// window is shared by the streams, and priorities do not help once unread
	// lanes have used it up.
	connectionWindow = (1 + uniLanes) * streamWindow

	// fullPacket is the largest packet that quic-go sends, and what any path to this
	// machine itself takes. On other paths packets begin small and grow as far as the
	// path lets them: an initial size never falls back, so a larger one would keep
	// nodes behind a tunnel of the network apart.
	fullPacket = 1452

	handshakeTimeout = 5 * time.Second
	// pressedHandshakeTimeout applies while the gate is under pressure: silence for
	// so long ends a handshake, which any path of less round-trip time survives.
	pressedHandshakeTimeout = 300 * time.Millisecond
	// idleTimeout is the backstop behind the router's heartbeats: QUIC answers
	// for a process whose application is stuck, so it is not the detector.
	idleTimeout     = 10 * time.Second
	keepAlivePeriod = 3 * time.Second
	// besideTimeout is the idle timeout of tunnels on a socket of their own, whose way may
	// end without that of the link: nothing else finds it out, and new tunnels would be lost on it.
	besideTimeout = 6 * time.Second

	// controlQueue bounds what waits for the control stream of a link, in bytes.
	controlQueue = 512 << 10

	helloTimeout = 5 * time.Second
	frameTimeout = 30 * time.Second // from the first byte of a frame to its last
	writeTimeout = 30 * time.Second // one write on a data lane
	bulkWrite    = 5 * time.Minute  // the same on the bulk lane, where the peer may make us wait for room
	controlWrite = 5 * time.Second  // one write on the control stream
	drainTimeout = 2 * time.Second  // for GOODBYE-ACK

	actorsTimeout = 5 * time.Second // for the handlers of a link that ended to return
)

// quicConfig returns the settings shared by dialled and accepted connections.
// tunnels is the number of bidirectional streams beyond control that a peer
// may open; only tunnel connections use them, and their streams are always
// drained into credit-bounded buffers, so they cannot starve the window.
func quicConfig(tunnels int) *quic.Config {
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		HandshakeIdleTimeout:           handshakeTimeout,
		MaxIdleTimeout:                 idleTimeout,
		KeepAlivePeriod:                keepAlivePeriod,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: connectionWindow,
		MaxConnectionReceiveWindow:     connectionWindow,
		MaxIncomingStreams:             int64(1 + tunnels),
		MaxIncomingUniStreams:          uniLanes,
	}
}

// configFor returns the settings of the next connection on s, with the node at addr.
func (e *Endpoint) configFor(s *socket, addr net.Addr) *quic.Config {
	return configFor(s.conf, addr, window(e.cfg.Limits.Memory, len(*e.links.Load())))
}

// configFor returns conf for one connection with the node at addr, with window bytes for
// each stream.
func configFor(conf *quic.Config, addr net.Addr, window uint64) *quic.Config {
	c := conf.Clone()
	c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow = window, window
	c.InitialConnectionReceiveWindow, c.MaxConnectionReceiveWindow = (1+uniLanes)*window, (1+uniLanes)*window
	c.GetConfigForClient = nil
	if a, ok := addr.(*net.UDPAddr); ok && a.IP.IsLoopback() {
		c.InitialPacketSize = fullPacket
	}
	return c
}

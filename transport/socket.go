package transport

import (
	"fmt"
	"log/slog"
	"net"

	"iris/transport/udp"
)

// bind returns the socket to use, and what the kernel gave one of our own.
func bind(cfg Config) (net.PacketConn, udp.Granted, error) {
	if cfg.Conn != nil {
		return cfg.Conn, udp.Granted{}, nil
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, udp.Granted{}, fmt.Errorf("listen address %q: %w", cfg.Listen, err)
	}
	conn, granted, err := udp.Listen(addr)
	if err != nil {
		return nil, udp.Granted{}, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	return conn, granted, nil
}

// tellSocket logs what the kernel gave the socket, so that a node that is slow for it
// can be told from one that is slow for another reason.
func tellSocket(log *slog.Logger, conn net.PacketConn, g udp.Granted) {
	if g == (udp.Granted{}) {
		return // a socket that was passed in, or a system that does not tell
	}
	log.Debug("socket opened", "addr", conn.LocalAddr(), "read_buffer", g.ReadBuffer, "write_buffer", g.WriteBuffer, "offload", g.Offload)
	if g.Scarce() {
		log.Warn("socket buffers are small", "read_buffer", g.ReadBuffer, "write_buffer", g.WriteBuffer, "wanted", udp.Buffer)
	}
}

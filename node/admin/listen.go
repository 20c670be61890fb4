package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"iris/node/config"
)

// listenAll opens the sockets of cfg.Listen. A port alone, and the host localhost,
// mean both loopback interfaces.
func listenAll(cfg Config) ([]net.Listener, error) {
	if !config.LocalOnly(cfg.Listen) && (len(cfg.Token) == 0 || cfg.Certificate == nil) {
		return nil, fmt.Errorf("admin: %s can be reached from outside: a token and a certificate are required", cfg.Listen)
	}
	addr := cfg.Listen
	if !strings.Contains(addr, ":") {
		addr = "localhost:" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if host == "localhost" {
		return listenLoopback(port)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	return []net.Listener{l}, nil
}

// listenLoopback listens on the same port of both interfaces. A host without one
// of them is fine; a port that somebody else has on one is not: tools would ask
// now the one, now the other.
func listenLoopback(port string) ([]net.Listener, error) {
	var list []net.Listener
	picked := port == "0"
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if err == nil {
		list = append(list, four)
		_, port, _ = net.SplitHostPort(four.Addr().String()) // the same if port was not 0
	}
	six, err6 := net.Listen("tcp6", net.JoinHostPort("::1", port))
	switch {
	case err6 == nil:
		list = append(list, six)
	case errors.Is(err6, syscall.EADDRINUSE) && !picked, len(list) == 0:
		for _, l := range list {
			_ = l.Close()
		}
		return nil, fmt.Errorf("admin: %w", errors.Join(err, err6))
	}
	return list, nil
}

// crowd is a listener that counts the connections it has given out.
type crowd struct {
	net.Listener
	open   atomic.Int32
	turned atomic.Uint64 // closed because there were too many
}

// Accept returns the next connection that there is room for.
func (l *crowd) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		n := l.open.Add(1)
		if n <= maxCrowd {
			return &member{Conn: c, crowd: l, surplus: n > maxConns}, nil
		}
		l.open.Add(-1)
		l.turned.Add(1)
		_ = c.Close()
	}
}

// member is one connection of a crowd.
type member struct {
	net.Conn
	crowd   *crowd
	surplus bool // told that there are too many
	leave   sync.Once
}

// Close closes the connection and makes room for another.
func (c *member) Close() error {
	c.leave.Do(func() { c.crowd.open.Add(-1) })
	return c.Conn.Close()
}

type surplusKey struct{}

// mark notes in the context of a connection's requests that it is one too many.
func mark(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if m, ok := c.(*member); ok && m.surplus {
		return context.WithValue(ctx, surplusKey{}, true)
	}
	return ctx
}

func surplus(ctx context.Context) bool { return ctx.Value(surplusKey{}) != nil }

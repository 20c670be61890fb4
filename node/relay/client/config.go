package client

import (
	"cmp"
	"context"
	"fmt"

	"iris/node/relay/packet"
)

// DefaultAddr is where a relay listens unless its node is configured otherwise.
const DefaultAddr = "localhost:55555"

// Config says how to attach to a relay. The zero value attaches a pure client,
// that serves nothing, to the relay of this host.
type Config struct {
	Addr    string  // host:port; default DefaultAddr
	Token   string  // for relays that are not on this host, in hexadecimal; default none
	Cluster string  // to be a member of, at most 255 octets; default none: a pure client
	Handler Handler // what a member does; unused without Cluster

	Concurrency int // requests served at once; default 64
	Queue       int // octets that wait for one kind of handler; default 64 MiB
	Tunnels     int // that others opened, at once; default 1024
	Message     int // octets of a message, in or out; default 64 MiB, the most that relays take
}

// Handler is what a member of a cluster does. Each function may be nil. They
// may be called before Dial returns, and must not call Close of the connection,
// which waits for them.
type Handler struct {
	// Request answers a request, which it owns. The text of an error goes to
	// the asker as it is, unless its time is up. Several calls run at once. The
	// context ends when the asker stops waiting or the connection ends. If nil, requests are answered
	// with a fault.
	Request func(ctx context.Context, request []byte) ([]byte, error)
	// Broadcast takes a broadcast, which it owns. Broadcasts are handled one by
	// one in the order in which they came; those that find Config.Queue octets
	// waiting are dropped. If nil, all are.
	Broadcast func(message []byte)
	// Tunnel takes a tunnel that somebody opened to the cluster. When it
	// returns the tunnel is closed. Each call has its own goroutine; beyond
	// Config.Tunnels, and if nil, tunnels are closed at once.
	Tunnel func(*Tunnel)
}

func (c Config) orDefault() (Config, error) {
	c.Addr = cmp.Or(c.Addr, DefaultAddr)
	c.Concurrency = positive(c.Concurrency, 64)
	c.Queue = positive(c.Queue, 64<<20)
	c.Tunnels = positive(c.Tunnels, 1024)
	c.Message = positive(c.Message, packet.DefaultMessage)
	if len(c.Cluster) > packet.MaxName {
		return c, fmt.Errorf("%w: cluster of %d octets, at most %d", ErrInvalid, len(c.Cluster), packet.MaxName)
	}
	return c, nil
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

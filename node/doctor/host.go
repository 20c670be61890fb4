package doctor

import (
	"context"
	"io/fs"
	"net"
	"os"
	"time"

	"iris/node/discovery"
	"iris/transport"
	"iris/transport/identity"
	"iris/transport/udp"
)

// Host is what the checks look at. All fields are required.
type Host struct {
	// Files is the file system, for what the kernel tells below proc and sys.
	Files fs.FS
	// Now is the clock.
	Now func() time.Time
	// Interfaces lists the network interfaces.
	Interfaces func() ([]net.Interface, error)
	// Socket tells what the kernel grants a node's socket.
	Socket func() (udp.Granted, error)
	// Reach tells which ways of discovery work, for the beacons of a key.
	Reach func(ctx context.Context, key []byte) ([]discovery.Reach, error)
	// Knock asks an address as a node does.
	Knock func(ctx context.Context, ident *identity.Identity, addr string) (transport.Answer, error)
	// Owner tells whose a file is.
	Owner func(path string) (Owner, error)
	// Bind tries whether an address can be listened on; network is udp or tcp.
	Bind func(network, addr string) error
}

// ThisHost is the host that the program runs on.
func ThisHost() *Host {
	return &Host{
		Files: os.DirFS("/"), Now: time.Now, Interfaces: net.Interfaces, Socket: socket,
		Reach: discovery.TryReach, Knock: transport.Knock, Owner: owner, Bind: bind,
	}
}

func socket() (udp.Granted, error) {
	conn, granted, err := udp.Listen(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 0)
	if err != nil {
		return granted, err
	}
	return granted, conn.Close()
}

func bind(network, addr string) error {
	if network == "udp" {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		return err
	}
	return l.Close()
}

package discovery

import (
	"net/netip"
	"slices"
)

// air carries datagrams to other nodes: sockets, or in tests a thing in memory.
// refresh and send are called by the run goroutine only, close by any.
type air interface {
	// refresh opens what is not open yet and lists the ways out of the host as
	// they are now. fresh are the inlets it opened, each to be read by one
	// goroutine; listening says whether any inlet is open, be it fresh or not.
	// The errors say what could not be opened. After close it does nothing.
	refresh() (outs []outlet, fresh []inlet, listening bool, errs []error)
	// send sends one datagram; it does not block for longer than a system call.
	send(o outlet, datagram []byte) error
	// close ends all reads; it may be called once.
	close()
}

// inlet is where datagrams come in.
type inlet interface {
	// read blocks for a datagram; longer ones are cut. The error is net.ErrClosed
	// after close, others pass.
	read(buf []byte) (n int, from netip.AddrPort, err error)
}

// way is how an outlet reaches others.
type way uint8

const (
	loopbackBroadcast way = iota
	loopbackMulticast
	lanMulticast
)

// outlet is one way out.
type outlet struct {
	name  string // of the interface
	index int    // of the interface
	way   way
	ips   []netip.Addr // that a receiver can dial us at; nil on loopback
}

var loopbackIP = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// reachable returns those of addrs to name in a beacon by o: the nearest, that is
// IPv4 loopback on loopback and the interface's own on a LAN, or if the node
// listens at none of these, all that a receiver may be able to dial. The
// unspecified IP stands for the nearest, and loopback stays on the host. Texts
// that are no ip:port are left out.
//
// Other interfaces of a host are often not what they seem from outside, as the
// bridges of containers, whose address is the same on every host.
func (o outlet) reachable(addrs []string) []netip.AddrPort {
	near := o.ips
	if o.way != lanMulticast {
		near = []netip.Addr{loopbackIP}
	}
	var nearest, others []netip.AddrPort
	for _, s := range addrs {
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			continue
		}
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		switch {
		case a.Addr().IsUnspecified():
			for _, ip := range near {
				nearest = append(nearest, netip.AddrPortFrom(ip, a.Port()))
			}
		case slices.Contains(near, a.Addr()):
			nearest = append(nearest, a)
		case !a.Addr().IsLoopback() || o.way != lanMulticast:
			others = append(others, a)
		}
	}
	if len(nearest) > 0 {
		return nearest
	}
	return others
}

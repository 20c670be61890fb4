package discovery

import "net/netip"

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

// reachable returns those of addrs that a receiver at the other end of o can
// dial: the unspecified IP becomes that of the outlet, and loopback stays on the
// host. Texts that are no ip:port are left out.
func (o outlet) reachable(addrs []string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range addrs {
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			continue
		}
		ip := a.Addr().Unmap()
		switch {
		case ip.IsUnspecified() && o.way != lanMulticast:
			out = append(out, netip.AddrPortFrom(loopbackIP, a.Port()))
		case ip.IsUnspecified():
			for _, own := range o.ips {
				out = append(out, netip.AddrPortFrom(own, a.Port()))
			}
		case ip.IsLoopback() && o.way == lanMulticast:
		default:
			out = append(out, netip.AddrPortFrom(ip, a.Port()))
		}
	}
	return out
}

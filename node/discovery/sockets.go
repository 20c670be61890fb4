package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// maxInterfaces bounds the LAN interfaces used; hosts of many containers have
// hundreds, and Linux lets a socket join 20 groups.
const maxInterfaces = 16

const sendTimeout = time.Second

// channel is where the beacons of one key travel.
type channel struct {
	port  uint16
	group netip.Addr
}

// channels returns the channel of each key, primary first. A port given by the
// user serves all.
func (ks keyset) channels(port int) []channel {
	out := make([]channel, len(ks))
	for i, k := range ks {
		out[i] = channel{k.port(), k.group()}
		if port != 0 {
			out[i].port = uint16(port)
		}
	}
	return out
}

// sockets is the air of the real world: one socket to send, and one shared
// socket per port to listen.
type sockets struct {
	host, lan bool
	channels  []channel

	mu     sync.Mutex
	closed bool                 // guarded by mu
	out    *ipv4.PacketConn     // guarded by mu until set, then used by the run goroutine
	in     map[uint16]*inSocket // guarded by mu
}

type inSocket struct {
	conn *net.UDPConn
	pc   *ipv4.PacketConn
}

func (s *inSocket) read(buf []byte) (int, netip.AddrPort, error) {
	return s.conn.ReadFromUDPAddrPort(buf)
}

func (s *sockets) refresh() (outs []outlet, fresh []inlet, listening bool, errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, false, nil
	}
	if s.out == nil {
		if err := s.openOut(); err != nil {
			errs = append(errs, fmt.Errorf("open socket to send beacons: %w", err))
		}
	}
	for _, c := range s.channels {
		if s.in[c.port] != nil {
			continue
		}
		in, err := openIn(c.port)
		if err != nil {
			errs = append(errs, fmt.Errorf("listen for beacons on UDP port %d: %w", c.port, err))
			continue
		}
		if s.in == nil {
			s.in = map[uint16]*inSocket{}
		}
		s.in[c.port] = in
		fresh = append(fresh, in)
	}
	outs, err := s.list()
	if err != nil {
		errs = append(errs, fmt.Errorf("list network interfaces: %w", err))
	}
	if s.out == nil {
		outs = nil
	}
	return outs, fresh, len(s.in) > 0, errs
}

func (s *sockets) openOut() error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return err
	}
	_ = c.SetReadBuffer(0) // nobody reads it
	s.out = ipv4.NewPacketConn(c)
	_ = s.out.SetMulticastTTL(1)
	_ = s.out.SetMulticastLoopback(true) // for other nodes of this host
	return nil
}

func openIn(port uint16) (*inSocket, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = share(fd) }); cerr != nil {
			return cerr
		}
		return err
	}}
	c, err := lc.ListenPacket(context.Background(), "udp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UDPConn)
	return &inSocket{conn, ipv4.NewPacketConn(conn)}, nil
}

// list names the ways out and joins the groups on their interfaces.
func (s *sockets) list() (outs []outlet, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	lan := 0
	for _, ifi := range all {
		switch {
		case ifi.Flags&net.FlagUp == 0:
		case ifi.Flags&net.FlagLoopback != 0:
			// Linux does not flag lo for multicast, yet IPv4 multicast works on it if
			// the interface is named.
			if s.host {
				outs = append(outs, outlet{name: ifi.Name, index: ifi.Index, way: loopbackBroadcast})
				if s.join(&ifi) {
					outs = append(outs, outlet{name: ifi.Name, index: ifi.Index, way: loopbackMulticast})
				}
			}
		case s.lan && ifi.Flags&net.FlagMulticast != 0 && lan < maxInterfaces:
			if ips := ipv4Of(&ifi); len(ips) > 0 && s.join(&ifi) {
				outs = append(outs, outlet{name: ifi.Name, index: ifi.Index, way: lanMulticast, ips: ips})
				lan++
			}
		}
	}
	return outs, nil
}

// join joins the groups of all channels on ifi and reports whether others can
// be heard there. An interface that went and came needs it again.
func (s *sockets) join(ifi *net.Interface) (ok bool) {
	for _, c := range s.channels {
		in := s.in[c.port]
		if in == nil {
			continue
		}
		err := in.pc.JoinGroup(ifi, &net.UDPAddr{IP: c.group.AsSlice()})
		ok = ok || err == nil || errors.Is(err, syscall.EADDRINUSE) // joined before
	}
	return ok || len(s.in) == 0 // who cannot hear may still be heard
}

func ipv4Of(ifi *net.Interface) (out []netip.Addr) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			out = append(out, p.Addr())
		}
	}
	return out
}

func (s *sockets) send(o outlet, datagram []byte) error {
	to := s.channels[0]
	dst := &net.UDPAddr{IP: to.group.AsSlice(), Port: int(to.port)}
	if o.way == loopbackBroadcast {
		dst.IP = net.IPv4(127, 255, 255, 255)
	} else if err := s.out.SetMulticastInterface(&net.Interface{Index: o.index, Name: o.name}); err != nil {
		return err
	}
	if err := s.out.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err := s.out.WriteTo(datagram, nil, dst)
	return err
}

func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.out != nil {
		_ = s.out.Close()
	}
	for _, in := range s.in {
		_ = in.conn.Close()
	}
}

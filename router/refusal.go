package router

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"iris/internal/id"
)

// probeLimit is how long a host may take to refuse.
const probeLimit = 200 * time.Millisecond

// Prober asks a host whether anybody listens at a UDP address.
type Prober interface {
	// Refused reports whether the host says that nobody does. It blocks for at
	// most about 200 ms and returns false when there is no answer at all, which
	// means nothing: a stopped process and a lost packet look like this.
	Refused(ctx context.Context, addr string) bool
}

// NoProber never learns anything. It serves simulated networks.
type NoProber struct{}

// Refused returns false.
func (NoProber) Refused(context.Context, string) bool { return false }

// hostProber sends one byte from a connected socket: the kernel of the peer
// answers for a closed port (ICMP port unreachable), and only a connected socket
// is told. A node that is alive ignores the byte, which is not QUIC.
type hostProber struct{}

func (hostProber) Refused(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	if _, err = conn.Write([]byte{0}); err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// trusted reports whether a refusal by l's address means that the process is
// gone. A firewall on the way may refuse what it did not see begin, so only
// addresses that we have reached by dialling, or that are on this host, count;
// others have to show first that they do not refuse while all is well.
func trusted(l link) bool {
	if l.Dialed() {
		return true
	}
	return onThisHost(l.RemoteAddr().String())
}

// onThisHost reports whether "ip:port" is of this machine.
func onThisHost(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return false
	}
	if a.Addr().Unmap().IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, o := range own {
		if n, ok := o.(*net.IPNet); ok && n.IP.Equal(a.Addr().Unmap().AsSlice()) {
			return true
		}
	}
	return false
}

// baseline asks the port of a peer that is alive.
func (r *Router) baseline(n id.ID, l link) {
	addr := l.RemoteAddr().String()
	r.spawn(func() {
		if !r.prober.Refused(r.ctx, addr) && l.Up() {
			r.tell(&silent{n, l})
		}
	})
}

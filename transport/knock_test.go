package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"iris/actor"
	"iris/transport/identity"
)

// visitor returns an identity of a network.
func visitor(t *testing.T, network, key string) *identity.Identity {
	t.Helper()
	secret, err := identity.Parse([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := identity.NewKeyring(network, secret)
	if err != nil {
		t.Fatal(err)
	}
	ident, err := identity.New(ring, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ident
}

// TestKnock: the holder of the key is let in and leaves no trace, a stranger is
// told so, and who does not answer is not there.
func TestKnock(t *testing.T) {
	refused := make(chan string, 10)
	p := newPlace(t, "shop", func(c *Config) {
		c.Listen = "127.0.0.1:0"
		c.System.Events().Subscribe(func(ev any) {
			if r, ok := ev.(*actor.LinkRefused); ok {
				refused <- r.Reason
			}
		})
	})
	p.start(t)
	defer p.close(t)
	if a, err := Knock(t.Context(), visitor(t, "shop", testSecret), p.addr()); err != nil || a.Node != p.ID() || a.Small || a.RTT <= 0 {
		t.Errorf("%+v, %v, want %v", a, err, p.ID())
	}
	if len(refused) > 0 {
		t.Errorf("refused: %s", <-refused)
	}
	for _, stranger := range []*identity.Identity{visitor(t, "shop", testSecret+"x"), visitor(t, "mall", testSecret)} {
		if _, err := Knock(t.Context(), stranger, p.addr()); !errors.Is(err, ErrForeign) {
			t.Errorf("%v: %v, want %v", stranger, err, ErrForeign)
		}
	}
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // it heard somebody, and says nothing
		_, _, _ = deaf.ReadFrom(make([]byte, 2000))
		cancel()
	}()
	if _, err := Knock(ctx, visitor(t, "shop", testSecret), deaf.LocalAddr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody deaf: %v", err)
	}
	_ = deaf.Close()
	if _, err := Knock(t.Context(), visitor(t, "shop", testSecret), deaf.LocalAddr().String()); !errors.Is(err, ErrShut) && !errors.Is(err, ErrSilent) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := Knock(t.Context(), visitor(t, "shop", testSecret), "127.0.0.1"); err == nil {
		t.Error("an address without a port is fine")
	}
}

// narrow is a socket on an interface that takes packets of so many bytes at most.
type narrow struct {
	net.PacketConn
	most int
}

func (n narrow) WriteTo(data []byte, to net.Addr) (int, error) {
	if len(data) > n.most {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: os.NewSyscallError("sendmsg", syscall.EMSGSIZE)}
	}
	return n.PacketConn.WriteTo(data, to)
}

// TestKnockFromNarrowInterface: a host that cannot send packets of full size asks
// with small ones.
func TestKnockFromNarrowInterface(t *testing.T) {
	p := newPlace(t, "shop", func(c *Config) { c.Listen = "127.0.0.1:0" })
	p.start(t)
	defer p.close(t)
	for _, most := range []int{fullPacket, fullPacket - 1, 1280} {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a, err := knock(t.Context(), narrow{conn, most}, visitor(t, "shop", testSecret), p.addr())
		if small := most < fullPacket; err != nil || a.Small != small || a.Here != small || a.Node != p.ID() {
			t.Errorf("at most %d: %+v, %v", most, a, err)
		}
		_ = conn.Close()
	}
}

func TestKnockOnNarrowPath(t *testing.T) {
	for most, want := range map[int]error{1500: nil, 1300: nil, 100: ErrSilent} {
		synctest.Test(t, func(t *testing.T) {
			sim := &simnet.Simnet{Router: &simnet.PerfectRouter{}}
			way := simnet.LinkSettings{MTU: most}
			end := func(n byte) net.PacketConn {
				return sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, n).To4(), Port: 7000}, simnet.NodeBiDiLinkSettings{Downlink: way, Uplink: way, Latency: 5 * time.Millisecond})
			}
			conn := end(2)
			p := newPlace(t, "shop", func(c *Config) { c.Conn, c.Logger = end(1), slog.New(slog.DiscardHandler) })
			if err := sim.Start(); err != nil {
				t.Fatal(err)
			}
			defer sim.Close()
			p.start(t)
			defer p.close(t)
			a, err := knock(t.Context(), conn, visitor(t, "shop", testSecret), p.addr())
			if !errors.Is(err, want) || a.Small != (most == 1300) || a.Here || err == nil && a.RTT < 10*time.Millisecond {
				t.Errorf("at most %d: %+v, %v, want %v", most, a, err, want)
			}
		})
	}
}

package transport

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"
	"go.uber.org/goleak"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/identity"
	"iris/transport/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated network in a synctest bubble: real QUIC, virtual time.
type world struct {
	t   *testing.T
	net *simnet.Simnet
	cut *cutter
	n   byte

	delay time.Duration // one way
}

// cutter is a router that drops packets between hosts that were cut, and to ports that are shut.
type cutter struct {
	simnet.PerfectRouter
	mu   sync.Mutex
	gone map[[2]string]bool
	shut map[string]bool // by address and port
	lose int             // every how manyth packet is lost; 0 none
	sent int
}

func (c *cutter) SendPacket(p simnet.Packet) error {
	c.mu.Lock()
	gone := c.gone[[2]string{hostAt(p.From), hostAt(p.To)}] || c.shut[p.To.String()]
	c.sent++
	gone = gone || c.lose > 0 && c.sent%c.lose == 0
	c.mu.Unlock()
	if gone {
		return nil
	}
	return c.PerfectRouter.SendPacket(p)
}

// lossy makes the network lose every nth packet.
func (c *cutter) lossy(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose = n
}

// set cuts or heals the way from a to b.
func (c *cutter) set(a, b *place, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone[[2]string{hostAt(a.Addr()), hostAt(b.Addr())}] = gone
}

// bar keeps packets from one port, or lets them pass again.
func (c *cutter) bar(port net.Addr, shut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut[port.String()] = shut
}

func hostAt(a net.Addr) string {
	host, _ := hostOf(a.String())
	return host
}

func newWorld(t *testing.T) *world {
	c := &cutter{gone: make(map[[2]string]bool), shut: make(map[string]bool)}
	return &world{t: t, net: &simnet.Simnet{Router: c}, cut: c, delay: 5 * time.Millisecond}
}

// place is an endpoint with an owner that collects what it is told.
type place struct {
	*Endpoint
	mu   sync.Mutex
	ups  []*Link
	down []*LinkDown
	fail []*DialFailed
	done []*Dialed
	news chan struct{} // a token when there are messages to the owner not looked at
}

func (p *place) addr() string { return p.Addr().String() }

const testSecret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"

// place makes an endpoint of the network at an address of its own, with a port for tunnels.
func (w *world) place(network string, edit ...func(*Config)) *place {
	w.t.Helper()
	w.n++
	links, tunnels := w.socket(7000), w.socket(7001)
	return newPlace(w.t, network, append([]func(*Config){func(c *Config) { c.Conn, c.TunnelConn = links, tunnels }}, edit...)...)
}

// socket makes one at a port of the latest host.
func (w *world) socket(port int) net.PacketConn {
	return w.net.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, w.n).To4(), Port: port}, simnet.NodeBiDiLinkSettings{Latency: w.delay})
}

func newPlace(t testing.TB, network string, edit ...func(*Config)) *place {
	t.Helper()
	secret, err := identity.Parse([]byte(testSecret))
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
	log := slog.New(slog.DiscardHandler)
	cfg := Config{
		System:   actor.NewSystem(actor.Options{Node: ident.ID().String(), Incarnation: 1, Logger: log}),
		Identity: ident, Incarnation: 1, Logger: log,
	}
	for _, f := range edit {
		f(&cfg)
	}
	e, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &place{Endpoint: e, news: make(chan struct{}, 1)}
}

// start begins to accept, after the test has set its handlers.
func (p *place) start(t testing.TB) {
	t.Helper()
	owner, err := p.sys.Service("owner", actor.Func(p.hear))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(owner); err != nil {
		t.Fatal(err)
	}
}

func (p *place) hear(ctx actor.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := ctx.Message().(type) {
	case *LinkUp:
		p.ups = append(p.ups, m.Link)
	case *LinkDown:
		p.down = append(p.down, m)
	case *DialFailed:
		p.fail = append(p.fail, m)
	case *Dialed:
		p.done = append(p.done, m)
	default:
		return
	}
	select {
	case p.news <- struct{}{}:
	default: // whoever waits looks again anyway
	}
}

// until waits for news until cond holds; in a bubble the wait is virtual.
func (p *place) until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Minute)
	defer limit.Stop()
	for {
		p.mu.Lock()
		ok := cond()
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-p.news:
		case <-limit.C:
			for _, f := range p.fail {
				t.Logf("dial %s failed: %v", f.Addr, f.Err)
			}
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// linked dials from a to b and waits until both have the link.
func linked(t testing.TB, a, b *place) (*Link, *Link) {
	t.Helper()
	a.Dial(b.addr(), id.ID{})
	a.until(t, "link at the dialler", func() bool { return a.Link(b.ID()) != nil })
	b.until(t, "link at the listener", func() bool { return b.Link(a.ID()) != nil })
	return a.Link(b.ID()), b.Link(a.ID())
}

func (p *place) close(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Close(ctx, wire.CodeLeave, "test ends"); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := p.sys.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// bubble runs f in virtual time with a started network.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(t, w)
		if err := w.net.Close(); err != nil {
			t.Error(err)
		}
	})
}

package router

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/detector"
	"iris/transport"
	"iris/transport/wire"
)

// network is the transport in memory, for use in a synctest bubble: frames take
// a millisecond, lost ones are sent again like QUIC does, cuts are one-way.
type network struct {
	t     *testing.T
	mu    sync.Mutex // guards everything below, and the fakes' fields
	nodes map[string]*fakeEndpoint
	cut   map[[2]id.ID]bool
	mute  bool // hosts do not say that a port is closed
	tap   func(wire.Frame)
	full  bool // new links take nothing but control
}

const fakeDelay = time.Millisecond

func newNetwork(t *testing.T) *network {
	return &network{t: t, nodes: map[string]*fakeEndpoint{}, cut: map[[2]id.ID]bool{}}
}

type fakeEndpoint struct {
	net         *network
	id          id.ID
	incarnation uint64
	addr        string
	dead        bool
	closed      bool // nobody listens there any more
	dials       int
	links       map[id.ID]*fakeLink
	router      *Router
	taken       []wire.Frame // that came on other lanes than control
	givenUp     []wire.Frame
	tunnels     map[id.ID]bool
}

type fakeLink struct {
	e         *fakeEndpoint
	other     *fakeLink
	dialed    bool
	down      bool
	suspect   bool
	full      bool // all lanes but control
	traffic   uint64
	sent, got uint64
	closed    wire.Code
}

type fakeAddr string

func (a fakeAddr) Network() string { return "udp" }
func (a fakeAddr) String() string  { return string(a) }

func (e *fakeEndpoint) ID() id.ID           { return e.id }
func (e *fakeEndpoint) Incarnation() uint64 { return e.incarnation }

func (e *fakeEndpoint) Addrs() []string { return []string{e.addr} }

func (e *fakeEndpoint) Link(n id.ID) link {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	if l := e.links[n]; l != nil {
		return l
	}
	return nil
}

func (e *fakeEndpoint) Links() (out []link) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	for _, l := range e.links {
		out = append(out, l)
	}
	return out
}

func (e *fakeEndpoint) GiveUp(_ id.ID, f wire.Frame, _ error) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.givenUp = append(e.givenUp, f)
}

func (e *fakeEndpoint) Tunnels(n id.ID) bool {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	return e.tunnels[n]
}

func (e *fakeEndpoint) Dial(addr string, want id.ID) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.dials++
	if e.links[want] != nil {
		return
	}
	time.AfterFunc(2*fakeDelay, func() { e.connect(addr, want) })
}

func (e *fakeEndpoint) connect(addr string, want id.ID) {
	n := e.net
	n.mu.Lock()
	to := n.nodes[addr]
	switch {
	case e.dead || e.closed:
		n.mu.Unlock()
		return
	case to == nil || to.dead || to.closed || n.cut[[2]id.ID{e.id, to.id}] || n.cut[[2]id.ID{to.id, e.id}]:
		n.mu.Unlock()
		time.AfterFunc(5*time.Second, func() { e.router.tell(&dialFailed{addr: addr, peer: want}) })
		return
	case to.id == e.id || !want.IsZero() && to.id != want:
		n.mu.Unlock()
		e.router.tell(&dialFailed{addr: addr, peer: to.id})
		return
	case e.links[to.id] != nil && to.links[e.id] != nil:
		n.mu.Unlock()
		return
	}
	var old []*fakeLink // half of a pair that only one side still holds
	for _, l := range []*fakeLink{e.links[to.id], to.links[e.id]} {
		if l != nil {
			l.down = true
			old = append(old, l)
		}
	}
	a, b := &fakeLink{e: e, dialed: true, full: n.full}, &fakeLink{e: to, full: n.full}
	a.other, b.other = b, a
	e.links[to.id], to.links[e.id] = a, b
	n.mu.Unlock()
	e.router.tell(&linkUp{a})
	to.router.tell(&linkUp{b})
	for _, l := range old {
		l.e.router.tell(&linkDown{link: l, how: detector.Closed})
	}
}

func (l *fakeLink) Peer() id.ID          { return l.other.e.id }
func (l *fakeLink) RemoteAddr() net.Addr { return fakeAddr(l.other.e.addr) }
func (l *fakeLink) Dialed() bool         { return l.dialed }
func (l *fakeLink) Hello() wire.Hello {
	return wire.Hello{Incarnation: l.other.e.incarnation, Addrs: []string{l.other.e.addr}}
}

func (l *fakeLink) Up() bool {
	l.e.net.mu.Lock()
	defer l.e.net.mu.Unlock()
	return !l.down
}

func (l *fakeLink) SetSuspect(s bool) {
	l.e.net.mu.Lock()
	defer l.e.net.mu.Unlock()
	l.suspect = s
}

func (l *fakeLink) Stats() transport.Stats {
	l.e.net.mu.Lock()
	defer l.e.net.mu.Unlock()
	return transport.Stats{RTT: 2 * fakeDelay, PacketsSent: l.sent, PacketsReceived: l.got, Traffic: l.traffic}
}

func (l *fakeLink) TrySend(n transport.Lane, f wire.Frame) error {
	l.e.net.mu.Lock()
	defer l.e.net.mu.Unlock()
	if l.down || l.e.dead {
		return actor.ErrUnreachable
	}
	if n != transport.Control && l.full {
		return actor.ErrOverloaded
	}
	if l.e.net.tap != nil {
		l.e.net.tap(f)
	}
	l.sent++
	l.moved(f)
	if n == transport.Direct || n == transport.Fanout { // in order, and for the test alone
		l.other.moved(f)
		if !l.other.down && !l.other.e.dead {
			l.other.e.taken = append(l.other.e.taken, f)
		}
		return nil
	}
	time.AfterFunc(fakeDelay, func() { l.arrive(f, 50*time.Millisecond) })
	return nil
}

// moved counts traffic as the transport does.
func (l *fakeLink) moved(f wire.Frame) {
	switch f.(type) {
	case *wire.Heartbeat, *wire.HeartbeatAck, *wire.ProbeResult, *wire.Peers, *wire.Suspects, *wire.Overlay:
	default:
		l.traffic++
	}
}

func (l *fakeLink) arrive(f wire.Frame, pto time.Duration) {
	n, o := l.e.net, l.other
	n.mu.Lock()
	if l.down || l.e.dead {
		n.mu.Unlock()
		return
	}
	if o.down || o.e.dead || n.cut[[2]id.ID{l.e.id, o.e.id}] {
		if pto < 10*time.Second {
			time.AfterFunc(pto, func() {
				n.mu.Lock()
				l.sent++
				n.mu.Unlock()
				l.arrive(f, 2*pto)
			})
		}
		n.mu.Unlock()
		return
	}
	o.got++
	o.sent++
	if !n.cut[[2]id.ID{o.e.id, l.e.id}] {
		l.got++
	}
	o.moved(f)
	n.mu.Unlock()
	o.e.router.receive(o, f)
}

// Close ends the link at this side now, at the other when the packet arrives.
func (l *fakeLink) Close(code wire.Code, _ string) {
	l.lose(detector.Silent, code)
	how := detector.Closed
	if code == wire.CodeLeave {
		how = detector.Left
	}
	time.AfterFunc(fakeDelay, func() {
		n, o := l.e.net, l.other
		n.mu.Lock()
		lost := n.cut[[2]id.ID{l.e.id, o.e.id}]
		n.mu.Unlock()
		if !lost {
			o.lose(how, code)
		}
	})
}

// lose ends this side of the link.
func (l *fakeLink) lose(how detector.Loss, code wire.Code) {
	n := l.e.net
	n.mu.Lock()
	if l.down {
		n.mu.Unlock()
		return
	}
	l.down, l.closed = true, code
	if l.e.links[l.Peer()] == l {
		delete(l.e.links, l.Peer())
	}
	dead := l.e.dead
	n.mu.Unlock()
	if !dead {
		l.e.router.tell(&linkDown{link: l, how: how, idle: code == wire.CodeOK})
	}
}

// node is one node of the test: system, fake endpoint, router, its changes.
type node struct {
	*fakeEndpoint
	sys     *actor.System
	mu      sync.Mutex // guards the following fields
	changes []*Changed
	events  []any
	stopped bool
	cancel  func()
}

func (n *network) start(lo uint64, incarnation uint64, seeds ...string) *node {
	n.t.Helper()
	return n.startWith(id.ID{Hi: lo << 56, Lo: lo}, lo, incarnation, Config{Seeds: seeds})
}

// startWith starts a node with the address number lo.
func (n *network) startWith(self id.ID, lo, incarnation uint64, cfg Config) *node {
	n.t.Helper()
	e := &fakeEndpoint{net: n, id: self, incarnation: incarnation, addr: net.JoinHostPort("192.0.2."+string(rune('0'+lo%10)), portOf(lo)), links: map[id.ID]*fakeLink{}}
	x := &node{fakeEndpoint: e, sys: actor.NewSystem(actor.Options{Node: self.String(), Incarnation: incarnation, Logger: slog.New(slog.DiscardHandler)})}
	cfg.System, cfg.Prober = x.sys, fakeProber{n}
	e.router = newRouter(cfg, e)
	n.mu.Lock()
	n.nodes[e.addr] = e
	n.mu.Unlock()
	x.cancel = x.sys.Events().Subscribe(func(ev any) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.events = append(x.events, ev)
	})
	if err := e.router.start(); err != nil {
		n.t.Fatal(err)
	}
	e.router.Open()
	e.router.Subscribe(x.listener())
	n.t.Cleanup(func() { x.stop(true) }) // if the test has not
	return x
}

// listener is an actor that notes the changes it is told.
func (x *node) listener() *actor.PID {
	return x.sys.Spawn(actor.Func(func(ctx actor.Context) {
		if c, ok := ctx.Message().(*Changed); ok {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.changes = append(x.changes, c)
		}
	}))
}

func portOf(lo uint64) string {
	return string([]byte{'4', byte('0' + lo/100%10), byte('0' + lo/10%10), byte('0' + lo%10)})
}

// fakeProber knows that a host refuses the port of a killed node.
type fakeProber struct{ n *network }

func (p fakeProber) Refused(_ context.Context, addr string) bool {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	e := p.n.nodes[addr]
	return !p.n.mute && e != nil && e.dead
}

// stop ends the node; with kill nobody is told.
func (x *node) stop(kill bool) {
	x.net.t.Helper()
	x.mu.Lock()
	again := x.stopped
	x.stopped = true
	x.mu.Unlock()
	if again {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if kill {
		x.net.mu.Lock()
		x.dead = true
		x.net.mu.Unlock()
		x.router.stopProbes()
	} else if err := x.router.Leave(ctx); err != nil {
		x.net.t.Errorf("leave: %v", err)
	}
	x.cancel()
	if err := x.sys.Shutdown(ctx); err != nil {
		x.net.t.Errorf("shutdown: %v", err)
	}
	x.net.mu.Lock()
	x.closed = true
	x.net.mu.Unlock()
}

func (x *node) setCut(to *node, cut bool) {
	x.net.mu.Lock()
	defer x.net.mu.Unlock()
	x.net.cut[[2]id.ID{x.id, to.id}] = cut
}

// reasons returns why to was reported down, in order.
func (x *node) reasons(of *node) (out []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.events {
		if d, ok := e.(*actor.PeerDown); ok && d.Peer == of.id.String() {
			out = append(out, d.Reason)
		}
	}
	return out
}

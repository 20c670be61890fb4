package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/budget"
	"iris/internal/id"
	"iris/transport/identity"
	"iris/transport/wire"
)

// Limits bounds what an endpoint holds. A zero field means its default.
type Limits struct {
	Message  int // largest message in bytes; default 64 MiB
	Frame    int // largest frame on a lane in bytes, larger ones travel in chunks beside it; at most wire.MaxFrame, default wire.MaxInline
	Lane     int // bytes waiting in one lane of a link; default 4 MiB
	Peers    int // links; default 1024
	HalfOpen int // handshakes under way; default 256
	Memory   int // bytes that the node may hold, of which half is for lanes and large messages; default 512 MiB
	Tunnels  int // tunnel streams that one peer may hold open; default 1024
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Message, 64<<20)
	def(&l.Frame, wire.MaxInline)
	l.Frame = min(l.Frame, wire.MaxFrame)
	def(&l.Lane, 4<<20)
	def(&l.Peers, 1024)
	def(&l.HalfOpen, 256)
	def(&l.Memory, 512<<20)
	def(&l.Tunnels, 1024)
	return l
}

// Config says how an endpoint is made. System, Identity and Logger are
// required, and one of Listen and Conn.
type Config struct {
	System   *actor.System
	Identity *identity.Identity
	Listen   string // UDP address to bind, "host:port"; port 0 picks one
	// TunnelPort is the UDP port, at the host of Listen, of a socket for tunnels alone,
	// which keeps them out of the way of messages; 0 picks one, -1: they share the other.
	TunnelPort int
	// BusyPoll is how long the socket for links is asked for packets again and again
	// before its reader sleeps; see udp.Listen. 0: not at all.
	BusyPoll time.Duration
	// Conn is a socket to use instead of binding Listen, and TunnelConn one for tunnels,
	// nil: they share it. The endpoint closes them.
	Conn, TunnelConn net.PacketConn
	// Incarnation tells this start of the node from earlier ones; it grows with time.
	Incarnation uint64
	Zone        string
	Name        string            // for people, in logs of peers
	Labels      map[string]string // what the operator says of the node; told to peers
	Limits      Limits
	Logger      *slog.Logger
}

// Endpoint is the node's place in the network: its UDP sockets, the links and
// the tunnel connections on them.
type Endpoint struct {
	cfg      Config
	sys      *actor.System
	log      *slog.Logger
	self     id.ID
	base     *socket // of links, and of tunnels where an end has no other
	beside   *socket // of tunnels; nil: they share the base
	gate     *gate   // of both
	detours  *detours
	handlers [256]Handler
	intake   func(*Link, func(int) bool) Intake // of the kinds in gathers
	gathers  [256]bool
	onStream func(from id.ID, s Stream)
	post     func(n id.ID, f wire.Frame) (taken bool, err error)
	service  *actor.PID // iris/transport; set by Start under mu, as is owner
	owner    *actor.PID
	ctx      context.Context
	cancel   context.CancelFunc
	buffers  buffers                         // of the lanes of all links
	lanes    *budget.Share                   // what may wait in them together
	assembly *assembly                       // of large frames that arrive
	linkSeq  atomic.Uint64                   // names of link actors
	large    struct{ out, in atomic.Uint64 } // large frames of all links
	carried  carried                         // messages of all links
	wg       sync.WaitGroup                  // accept loop, handshakes, dials, drains

	links   atomic.Pointer[map[id.ID]*Link]  // copied on write under mu
	named   atomic.Pointer[map[string]*Link] // the same by name
	mu      sync.Mutex                       // guards the following fields
	dials   map[string]*dialing              // by address
	claims  map[id.ID]chan struct{}          // own dials in HELLO; closed when decided
	tunnels map[id.ID]*tunnelConn
	closed  bool
	refused refusals

	gone     chan struct{} // closed when Close is done
	closeErr error         // valid then

	greetings greetings // guarded by mu too
}

// Listen binds the sockets. No connection is accepted before Start. When Listen
// fails, those of cfg are closed.
func Listen(cfg Config) (*Endpoint, error) {
	if cfg.System == nil || cfg.Identity == nil || cfg.Logger == nil || cfg.Conn == nil && cfg.TunnelConn != nil {
		return nil, errors.Join(errors.New("transport: System, Identity and Logger are required, and Conn with TunnelConn"), closeAll(cfg.Conn, cfg.TunnelConn))
	}
	cfg.Limits = cfg.Limits.withDefaults()
	links, tunnels, err := bind(cfg)
	if err != nil {
		return nil, err
	}
	// quic-go tells the standard logger when the kernel grants it less buffer
	// than it wants; docs say what to set, and a library keeps to its own log.
	if err := os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true"); err != nil {
		return nil, errors.Join(err, closeAll(links, tunnels))
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Endpoint{
		cfg: cfg, sys: cfg.System, log: cfg.Logger, self: cfg.Identity.ID(),
		gate: newGate(cfg.Limits.HalfOpen, time.Now), detours: newDetours(cfg.Limits.Peers),
		ctx: ctx, cancel: cancel, gone: make(chan struct{}),
		assembly: newAssembly(largest(cfg.Limits.Message), cfg.Limits.Memory/assemblyPart), lanes: lanesShare(cfg.System, cfg.Limits.Memory),
		greetings: greetings{max: cfg.Limits.Peers, peers: make(map[id.ID]int)},
		dials:     make(map[string]*dialing), claims: make(map[id.ID]chan struct{}), tunnels: make(map[id.ID]*tunnelConn),
	}
	e.links.Store(&map[id.ID]*Link{})
	e.named.Store(&map[string]*Link{})
	e.gate.failed = e.handshakeFailed
	remote{e}.bind()
	if err := e.openSockets(links, tunnels); err != nil {
		cancel()
		return nil, err
	}
	if _, err := wire.NewWriter().Append(nil, e.hello(wire.RoleLink, 0)); err != nil {
		cancel() // else every handshake would fail, one by one
		return nil, errors.Join(fmt.Errorf("zone, name or labels of the node: %w", err), e.closeSockets())
	}
	return e, nil
}

// ID returns the id of this node.
func (e *Endpoint) ID() id.ID { return e.self }

// Addr returns the bound address of the socket for links.
func (e *Endpoint) Addr() net.Addr { return e.base.conn.LocalAddr() }

// TunnelAddr returns the bound address of the socket for tunnels alone, nil if they share
// the other.
func (e *Endpoint) TunnelAddr() net.Addr {
	if e.beside == nil {
		return nil
	}
	return e.beside.conn.LocalAddr()
}

// Incarnation returns the number that tells this start from earlier ones.
func (e *Endpoint) Incarnation() uint64 { return e.cfg.Incarnation }

// Limits returns the limits in force.
func (e *Endpoint) Limits() Limits { return e.cfg.Limits }

// Handle sets the handler for frames of kind k. Only before Start.
func (e *Endpoint) Handle(k wire.Kind, h func(l *Link, f wire.Frame)) { e.handlers[k] = h }

// HandleStream sets the handler for tunnel streams; each runs in its own
// goroutine. Only before Start.
func (e *Endpoint) HandleStream(h func(from id.ID, s Stream)) { e.onStream = h }

// SetPost sets the way of messages between actors to nodes that may have no link:
// f is offered every frame that the actor system sends, on any goroutine, and
// must not block. When it takes a frame it owns it, and err is the outcome;
// what it could not send after all it passes to GiveUp. Other frames go to the
// link, if there is one. Only before Start.
func (e *Endpoint) SetPost(f func(n id.ID, f wire.Frame) (taken bool, err error)) { e.post = f }

// Start begins to accept. owner receives LinkUp, LinkDown, Dialed and DialFailed.
// It fails with actor.ErrClosed after Close.
func (e *Endpoint) Start(owner *actor.PID) error {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return actor.ErrClosed
	}
	neverAgain := func(actor.Failure) actor.Directive { return actor.DirectiveStop } // a link is made by a handshake only
	service, err := e.sys.Service("transport", actor.Supervisor(actor.Strategy{Decide: neverAgain}).Silent())
	if err != nil {
		return fmt.Errorf("start transport: %w", err)
	}
	e.mu.Lock()
	closed = e.closed
	if !closed {
		e.service, e.owner = service, owner
		for _, s := range e.sockets() {
			e.wg.Go(func() { e.accept(s) })
		}
	}
	e.mu.Unlock()
	if closed {
		return errors.Join(actor.ErrClosed, e.sys.Stop(context.Background(), service))
	}
	return nil
}

// spawn runs f in a goroutine that Close waits for. It reports false, and does
// nothing, once Close began.
func (e *Endpoint) spawn(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.wg.Go(f)
	}
	return !e.closed
}

// Link returns the link to n, or nil when none is up. It is lock-free.
func (e *Endpoint) Link(n id.ID) *Link { return (*e.links.Load())[n] }

// live is Link without those that have ended and whose actor has not yet seen to
// it: they do not stand in the way of a new one.
func (e *Endpoint) live(n id.ID) *Link {
	if l := e.Link(n); l != nil && l.Up() {
		return l
	}
	return nil
}

// Links returns the links that are up, in no order.
func (e *Endpoint) Links() []*Link { return slices.Collect(maps.Values(*e.links.Load())) }

// setLink installs l, or removes it when up is false and it is still the one
// installed. The caller holds mu.
func (e *Endpoint) setLink(l *Link, up bool) {
	next, named := maps.Clone(*e.links.Load()), maps.Clone(*e.named.Load())
	if up {
		next[l.peer], named[l.name] = l, l
	} else if next[l.peer] == l {
		delete(next, l.peer)
		delete(named, l.name)
	}
	e.links.Store(&next)
	e.named.Store(&named)
}

// Expect announces an address that an authenticated source named, so that a
// flood of strangers cannot keep it out.
func (e *Endpoint) Expect(addr string) {
	if a, err := netip.ParseAddrPort(addr); err == nil {
		e.gate.expect(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
}

// tell sends msg to the owner.
func (e *Endpoint) tell(msg any) { e.sys.Send(e.owner, nil, msg) }

// accept takes connections on s until its listener closes. Each is judged in a
// goroutine of its own, because the queue behind Accept is short.
func (e *Endpoint) accept(s *socket) {
	for {
		conn, err := s.ln.Accept(e.ctx)
		if err != nil {
			if e.ctx.Err() == nil && !errors.Is(err, quic.ErrServerClosed) {
				e.log.Error("listener failed", "for", s.use, "error", err)
			}
			return
		}
		settle(conn.Context())
		if !e.spawn(func() { e.receive(conn, s) }) {
			closeConn(conn, wire.CodeLeave, actor.ErrClosed.Error())
		}
	}
}

// Close ends every link and tunnel connection with code and reason, then the
// sockets. Links are drained first, as far as ctx allows; the rest takes no
// longer when ctx has ended. It returns when every goroutine of the endpoint
// has ended; it is idempotent, also concurrently: all calls return the result
// of the first.
func (e *Endpoint) Close(ctx context.Context, code wire.Code, reason string) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		<-e.gone
		return e.closeErr
	}
	e.closed = true
	tunnels := slices.Collect(maps.Values(e.tunnels))
	e.mu.Unlock()
	defer close(e.gone)

	var drains sync.WaitGroup
	for _, l := range e.Links() {
		drains.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, drainTimeout)
			defer cancel()
			l.drain(ctx, code, reason)
		})
	}
	drains.Wait()
	for _, t := range tunnels {
		t.end(code, reason)
	}
	e.cancel()
	var err error
	for _, s := range e.sockets() {
		err = errors.Join(err, ignoreClosed(s.ln.Close()))
	}
	e.wg.Wait()
	for _, s := range e.sockets() {
		s.turnAway(code, reason)
	}
	if e.service != nil {
		// Every link has ended, so their actors only wait for handlers to return.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actorsTimeout)
		defer cancel()
		err = errors.Join(err, e.sys.Poison(ctx, e.service))
	}
	e.closeErr = errors.Join(err, e.closeSockets())
	return e.closeErr
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, quic.ErrServerClosed) || errors.Is(err, quic.ErrTransportClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

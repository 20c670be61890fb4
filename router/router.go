package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport"
)

const (
	maxPeers   = 1024 // of the mesh; further links are closed with BUSY
	mailbox    = 1 << 16
	peerQueue  = 1024                   // messages waiting for one peer actor
	tickEvery  = 100 * time.Millisecond // the router's heartbeat, which also measures our own health
	leaveLimit = 2 * time.Second        // for the announcement, if the caller set no limit
)

// Config says how a router is made. System and Endpoint are required.
type Config struct {
	System   *actor.System
	Endpoint *transport.Endpoint
	Logger   *slog.Logger // nil discards
	Seeds    []string     // host:port of nodes to try for ever; unresolvable ones are retried too
	MeshMax  int          // up to so many nodes everybody is linked to everybody, if it is more than Leaf; 0: 256
	Leaf     int          // size of the leaf set, even, 4 to 128; 0: 32
	Prober   Prober       // nil uses the host's UDP sockets; NoProber where packets are simulated
}

// Router owns the membership of this node. See the package documentation.
type Router struct {
	sys     *actor.System
	ep      endpoint
	log     *slog.Logger
	seeds   []string
	prober  Prober
	pid     *actor.PID // iris/router
	courier *actor.PID // iris/router/courier
	overlay *actor.PID // iris/router/overlay
	leaf    int        // size of the leaf set
	meshMax int        // nodes of a mesh
	begun   time.Time
	ran     bool      // iris/router has started before; its own
	seed    [2]uint64 // of the actors' random choices

	routes    atomic.Pointer[Routes]
	mail      mail   // frames for nodes without a link
	wishes    wishes // for links
	places    places // of nodes
	pulse     pulse
	kids      sync.Map // id.ID -> *actor.PID of peer/<id>; written by the router actor
	converged chan struct{}
	once      sync.Once   // closes converged
	open      atomic.Bool // the endpoint may dial
	quiet     atomic.Bool // discovery is
	leaving   atomic.Bool
	losses    losses
	dropped   atomic.Uint64 // candidates refused by the full table

	overlayDrops [dropReasons]atomic.Uint64 // frames of the overlay that were not sent

	probing sync.WaitGroup // port probes under way
	ctx     context.Context
	cancel  context.CancelFunc // ends port probes

	mu     sync.Mutex // guards subs and closed
	subs   []*actor.PID
	closed bool // no more port probes
}

// New spawns the router under the name iris/router and registers its frame
// handlers. The endpoint must not have been started; start it with PID as owner.
func New(cfg Config) (*Router, error) {
	if cfg.System == nil || cfg.Endpoint == nil {
		return nil, errors.New("router: System and Endpoint are required")
	}
	ep := seam{cfg.Endpoint}
	r := newRouter(cfg, ep)
	r.handle(ep)
	return r, r.start()
}

func newRouter(cfg Config, ep endpoint) *Router {
	r := &Router{
		sys: cfg.System, ep: ep, log: cfg.Logger, seeds: slices.Clone(cfg.Seeds), prober: cfg.Prober,
		converged: make(chan struct{}), begun: time.Now(), seed: [2]uint64{rand.Uint64(), rand.Uint64()},
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.prober == nil {
		r.prober = hostProber{}
	}
	r.pid = actor.NewPID(r.sys.Node(), "iris/router") // known before the actors run
	r.overlay = actor.NewPID(r.sys.Node(), "iris/router/overlay")
	ring := pastry.Config{Leaf: cfg.Leaf, MeshMax: cfg.MeshMax}.Defaults()
	r.leaf, r.meshMax = ring.Leaf, ring.MeshMax
	r.courier = actor.NewPID(r.sys.Node(), "iris/router/courier")
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.pulse.init(r.begun)
	r.routes.Store(compose(NewRoutes(ep.ID(), 0, nil), 0, &ringIs{structured: r.meshMax <= r.leaf}, nil))
	return r
}

func (r *Router) start() error {
	props := actor.Of(func() actor.Actor { return newMembership(r) }).Mailbox(mailbox).
		Strategy(actor.Strategy{MaxRestarts: -1, BackoffMax: time.Second})
	if _, err := r.sys.Service("router", props.Silent()); err != nil {
		r.cancel()
		return fmt.Errorf("start router: %w", err)
	}
	props = actor.Of(func() actor.Actor { return newOverlay(r) }).Mailbox(overlayQueue).
		Strategy(actor.Strategy{MaxRestarts: -1, BackoffMax: time.Second})
	if _, err := r.sys.Service("router/overlay", props.Silent()); err != nil {
		r.cancel()
		return fmt.Errorf("start overlay: %w", err)
	}
	props = actor.Of(func() actor.Actor { return newCourier(r) }).Mailbox(mailbox).
		Strategy(actor.Strategy{MaxRestarts: -1, BackoffMax: time.Second})
	if _, err := r.sys.Service("router/courier", props.Silent()); err != nil {
		r.cancel()
		return fmt.Errorf("start courier: %w", err)
	}
	return nil
}

// PID returns the router actor, the owner to start the endpoint with.
func (r *Router) PID() *actor.PID { return r.pid }

// Routes returns the present snapshot. It is lock-free and never nil.
func (r *Router) Routes() *Routes { return r.routes.Load() }

// Candidate is a fresh hint that a node may be reached at addr; peer is zero if
// its id is not known. Known peers are ignored, others dialled. Never blocks.
func (r *Router) Candidate(addr string, peer id.ID) {
	r.open.Store(true)
	r.tell(&candidate{addr: addr, peer: peer})
}

// Subscribe makes pid receive *Changed: at once with all peers as Up, then after
// each change, in order, until pid ends.
func (r *Router) Subscribe(pid *actor.PID) { r.tell(&subscribe{pid}) }

// Converged is closed once this node is part of the network as far as it can
// tell: every seed was tried, every candidate linked or tried, the peers have
// told whom they know, and discovery is quiet. No peers at all is a valid result.
func (r *Router) Converged() <-chan struct{} { return r.converged }

// Open says that the endpoint has been started: seeds may be dialled. A first
// Candidate or DiscoveryQuiet says so too.
func (r *Router) Open() { r.open.Store(true); r.tell(look{}) }

// DiscoveryQuiet says that discovery has found nothing new for a while, or that
// there is none. Until then the router does not converge. The context would bound
// the hand-over, which at present does not block.
func (r *Router) DiscoveryQuiet(context.Context) {
	r.open.Store(true)
	r.tell(quieted{}) // behind the candidates that were named before
}

// Leave tells every peer that this node leaves for good, and stops detection. It
// blocks until the announcements are queued on the links or ctx ends; close the
// endpoint afterwards, which delivers them. It is idempotent.
func (r *Router) Leave(ctx context.Context) error {
	if r.leaving.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	r.retire(ctx)
	_, err := r.sys.Root().Request(ctx, r.pid, &leave{})
	r.stopProbes()
	if err != nil {
		return fmt.Errorf("announce leave: %w", err)
	}
	return nil
}

// retire has the overlay actor say goodbye to the ring, if it is there to do so.
func (r *Router) retire(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveLimit/4)
	defer cancel()
	_, _ = r.sys.Root().Request(ctx, r.overlay, retire{}) // the announcements that follow say the same
}

// Health returns this node's opinion of itself: 0 well to 7 hardly running.
func (r *Router) Health() int { return r.pulse.factor() - 1 }

func (r *Router) tell(msg any) { r.sys.Send(r.pid, nil, msg) }

// spawn runs a port probe in a goroutine that stopProbes waits for.
func (r *Router) spawn(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.probing.Go(f)
	}
}

func (r *Router) stopProbes() {
	r.endProbes()
	r.probing.Wait()
}

// endProbes makes probes under way return and starts no more. It does not wait.
func (r *Router) endProbes() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
}

// kid returns the actor of a peer, or nil.
func (r *Router) kid(n id.ID) *actor.PID {
	if pid, ok := r.kids.Load(n); ok {
		return pid.(*actor.PID)
	}
	return nil
}

func (r *Router) subscribers() []*actor.PID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.subs)
}

func (r *Router) addSubscriber(pid *actor.PID) (added bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.subs, func(s *actor.PID) bool { return actor.Same(s, pid) }) {
		return false
	}
	r.subs = append(r.subs, pid)
	return true
}

func (r *Router) removeSubscriber(pid *actor.PID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subs = slices.DeleteFunc(r.subs, func(s *actor.PID) bool { return actor.Same(s, pid) })
}

package topics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
	"iris/transport/wire"
)

// Router is what topics need of *router.Router: the ring as it is, a
// *router.Changed for pid after each change, and in the structured form, where most
// nodes have no link, to find, keep and reach others.
type Router interface {
	Routes() *router.Routes
	Subscribe(pid *actor.PID)
	Locate(key id.ID, pid *actor.PID)
	Keep(pid *actor.PID, nodes []id.ID)
	Post(n id.ID, lane transport.Lane, f wire.Frame) error
}

// Config describes the topics of one node. All fields but Zone are required.
type Config struct {
	System   *actor.System
	Endpoint *transport.Endpoint
	Router   Router
	Zone     string                  // told to others with each registration; may be empty, at most 255 bytes
	Reliable func(topic string) bool // makes every Subscribe and Publish of a topic reliable; nil: none
	Memory   int                     // bytes that remembered replies and what waits before trees may take, half each; 0 = 128 MiB
	Logger   *slog.Logger
}

// Topics is one node's part in all clusters and topics. Its methods may be
// called from any goroutine.
type Topics struct {
	sys     *actor.System
	net     network
	router  Router
	zone    string
	certain func(topic string) bool // Config.Reliable
	log     *slog.Logger
	self    id.ID
	name    string // self in the form PIDs use
	pid     *actor.PID
	dedupe  *dedupe
	gathers sync.Pool // of *actor.Gather, used by intakes
	calls   sync.Pool // of *call, of the API; per node because of testing/synctest
	moments *moments
	recent  recent

	perPeer   int           // trees that frames of one peer may make
	queued    queued        // before the actors of trees
	lastIndex atomic.Uint32 // of machines, see tree.Config.Index; written by the supervisor

	mu      sync.RWMutex // guards the following fields
	groups  map[wire.Group]*group
	regs    map[*Registration]struct{}
	flows   map[id.ID]*flow
	trees   map[wire.Group]*trees
	planted map[id.ID]int // of them, made by frames of a peer
	closed  bool          // nothing new is registered
	ended   bool          // the actors are gone
}

// New starts the topics of a node: the actor iris/topics, the handlers of the
// frames and the resolver of names. Call it before the endpoint starts.
func New(cfg Config) (*Topics, error) {
	return start(cfg, seam{cfg.Endpoint})
}

func start(cfg Config, net network) (*Topics, error) {
	if cfg.Memory == 0 {
		cfg.Memory = 128 << 20
	}
	t := &Topics{
		sys: cfg.System, net: net, router: cfg.Router, zone: cfg.Zone, certain: cfg.Reliable, log: cfg.Logger,
		perPeer: maxGroupsPerPeer, self: net.ID(), name: net.ID().String(), dedupe: newDedupe(cfg.Memory / 2), queued: queued{limit: int64(cfg.Memory / 2)}, gathers: sync.Pool{New: func() any { return new(actor.Gather) }},
		calls: sync.Pool{New: newCall}, moments: newMoments(),
		groups: map[wire.Group]*group{}, regs: map[*Registration]struct{}{}, flows: map[id.ID]*flow{},
		trees: map[wire.Group]*trees{}, planted: map[id.ID]int{},
	}
	t.handle()
	t.handleTrees()
	pid, err := t.sys.Service("topics", actor.Of(func() actor.Actor { return &supervisor{t: t} }).
		Silent().Strategy(actor.Strategy{MaxRestarts: -1}).Mailbox(1<<18))
	if err != nil {
		return nil, fmt.Errorf("start topics: %w", err)
	}
	t.pid = pid
	t.sys.SetNames(names{t})
	return t, nil
}

// PID returns iris/topics.
func (t *Topics) PID() *actor.PID { return t.pid }

// Stop leaves every cluster and topic, all at the same time, and ends the
// actors. It waits for requests in flight as far as ctx allows and is idempotent.
func (t *Topics) Stop(ctx context.Context) error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	t.mu.Unlock()
	err := t.Drain(ctx)
	err = errors.Join(err, t.sys.Poison(ctx, t.pid))
	t.mu.Lock()
	t.ended = true
	felled := t.trees
	t.trees = nil // what still comes for them is answered as for trees that this node is not in
	t.mu.Unlock()
	for _, g := range t.all() {
		g.resolve(actor.ErrClosed)
	}
	for _, tr := range felled {
		tr.fell()
	}
	return err
}

// Drain leaves every cluster and topic, all at the same time, as
// Registration.Leave does; sending goes on.
func (t *Topics) Drain(ctx context.Context) error {
	t.mu.RLock()
	regs := make([]*Registration, 0, len(t.regs))
	for r := range t.regs {
		regs = append(regs, r)
	}
	t.mu.RUnlock()
	errs := make([]error, len(regs))
	var wg sync.WaitGroup
	for i, r := range regs {
		wg.Go(func() { errs[i] = r.Leave(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// over reports whether the actors are gone.
func (t *Topics) over() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ended
}

// tell sends msg to the supervisor.
func (t *Topics) tell(msg any) { t.sys.Send(t.pid, nil, msg) }

// tellBalancer sends msg to the balancer beside a tree.
func (t *Topics) tellBalancer(ctx actor.Context, ref *treeRef, msg any) {
	if ref.balancer != nil {
		ctx.Send(ref.balancer, msg)
	}
}

// find returns the group of that name if this node knows it, else nil.
func (t *Topics) find(kind uint8, name string) *group {
	t.mu.RLock()
	g := t.groups[wire.Group{Kind: kind, Name: name}]
	t.mu.RUnlock()
	return g
}

// group returns the group, making it. nil if there are too many.
func (t *Topics) group(key wire.Group) *group {
	t.mu.RLock()
	g := t.groups[key]
	t.mu.RUnlock()
	if g != nil {
		return g
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.groups[key]; g != nil {
		return g
	}
	if len(t.groups) >= maxGroups {
		return nil
	}
	g = newGroup(t, key)
	t.groups[key] = g
	return g
}

// named returns the group for a caller of the API.
func (t *Topics) named(kind uint8, name string) (*group, error) {
	g := t.find(kind, name)
	if g != nil {
		return g, nil
	}
	if err := wire.ValidName(name); err != nil {
		return nil, err
	}
	t.mu.RLock()
	closed := t.closed
	t.mu.RUnlock()
	if closed {
		return nil, actor.ErrClosed
	}
	if g = t.group(wire.Group{Kind: kind, Name: name}); g == nil {
		return nil, fmt.Errorf("%q: too many names in use: %w", name, actor.ErrOverloaded)
	}
	return g, nil
}

// all returns the groups this node knows.
func (t *Topics) all() []*group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*group, 0, len(t.groups))
	for _, g := range t.groups {
		all = append(all, g)
	}
	return all
}

// adopt returns the group to use for g: g itself, back in the table, or the one
// that took its place.
func (t *Topics) adopt(g *group) *group {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cur := t.groups[g.key]; cur != nil {
		return cur
	}
	t.groups[g.key] = g
	return g
}

// forget takes g out of the table unless somebody waits for its tree.
func (t *Topics) forget(g *group) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.pending) > 0 || len(g.joins) > 0 || g.wanted > 0 || g.flushes || len(*g.local.Load()) > 0 {
		return false
	}
	delete(t.groups, g.key)
	t.recent.drop(g)
	return true
}

// inherit takes over the senders and registrations of a group that had left
// the table when they came.
func (g *group) inherit(old *group) {
	old.mu.Lock()
	pending := old.pending
	old.pending, old.asked = nil, false
	old.busy.Store(false)
	old.mu.Unlock()
	g.mu.Lock()
	g.pending = append(g.pending, pending...)
	g.asked = true
	g.busy.Store(true)
	g.mu.Unlock()
}

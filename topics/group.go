package topics

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/balance"
	"iris/topics/tree"
	"iris/transport/wire"
)

// group is what this node holds of one cluster or topic beside the actor that
// maintains it: the snapshots that senders and lane readers use on their own
// goroutines, and the intent that survives a restart of the actor.
type group struct {
	t     *Topics
	key   wire.Group
	view  atomic.Pointer[tree.View]   // written by the tree actor
	kept  atomic.Pointer[tree.Listed] // as the root, for people; likewise. nil: this node is not
	way   atomic.Pointer[route]       // of events by that view; written by publishers
	doubt atomic.Int64                // until when an empty view is doubted, Unix nanoseconds
	held  atomic.Int64                // until when events are held back, Unix nanoseconds; 0: they are not
	used  atomic.Bool                 // the view was read; cleared by the tree actor
	busy  atomic.Bool                 // sends wait for a view: others of actors queue behind them

	title  string // for errors and logs
	surely bool   // the configuration makes every event of the topic reliable

	local   atomic.Pointer[[]*member] // members on this node that take messages; replaced under mu
	latency ewma                      // of requests served here
	takes   atomic.Bool               // reliable events come by the reliable trees, as all publishers know

	probes atomic.Uint64 // numbers the load probes

	serves    lazyTimes     // of requests served here, queueing included
	asks      lazyTimes     // of requests of this node
	failed    atomic.Uint64 // requests served here whose answer was an error
	published atomic.Uint64 // events of this node, but for those that way has counted
	forwarded atomic.Uint64 // to other nodes, likewise
	delivered atomic.Uint64 // to members here: events and broadcasts

	mu        sync.Mutex // guards the following fields
	requested uint64     // requests of this node that were sent to somebody
	named     id.ID      // root of the last list that named members; zero once doubted
	bal       *balance.Balancer
	denied    denied    // retries that the budget did not allow
	fresh     []*member // not yet watched by the tree actor
	wanted    uint32    // members the root is to know of
	change    uint64    // counts changes of wanted
	certain   uint32    // of those wanted, subscribers that asked for reliable events
	turned    uint64    // change since when there are such, or none
	joins     map[uint64]chan tree.Code
	pending   []func(error) // senders waiting for a live view, in order
	flushes   bool          // pending is being worked off
	asked     bool          // the tree actor was asked for a view
}

// maxPending bounds the senders that wait for the first view of a group.
// Beyond it actor sends fail with ErrOverloaded, and so do API calls.
const maxPending = 1 << 14

func newGroup(t *Topics, key wire.Group) *group {
	g := &group{t: t, key: key, joins: map[uint64]chan tree.Code{}, title: title(key), surely: key.Kind == wire.GroupTopic && t.reliably(key.Name)}
	g.local.Store(new([]*member))
	if key.Kind == wire.GroupCluster {
		g.bal = balance.New(balance.Config{Zone: t.zone}, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	}
	return g
}

// name is for errors and logs.
func (g *group) name() string { return g.title }

// title returns the name of a group for errors and logs.
func title(key wire.Group) string {
	if key.Kind == wire.GroupTopic {
		return "topic " + key.Name
	}
	return "cluster " + key.Name
}

func (g *group) wrap(err error) error { return fmt.Errorf("%s: %w", g.name(), err) }

// live returns the view if it may be used now, else nil.
func (g *group) live(now time.Time) *tree.View {
	v := g.view.Load()
	if !v.Live(now) {
		return nil
	}
	if until := g.held.Load(); until != 0 {
		if now.UnixNano() < until {
			return nil
		}
		g.held.CompareAndSwap(until, 0)
	}
	if !g.used.Load() { // a plain store by every sender would bounce the cache line
		g.used.Store(true)
	}
	return v
}

// await calls then once there is a live view, in order with others that wait,
// or with the reason why there will be none. It reports false, without calling,
// when too many wait.
func (g *group) await(then func(error)) bool {
	g.mu.Lock()
	if len(g.pending) >= maxPending {
		g.mu.Unlock()
		return false
	}
	g.pending = append(g.pending, then)
	g.busy.Store(true)
	ask := !g.asked && !g.flushes
	if ask {
		g.asked = true
	}
	g.mu.Unlock()
	if g.t.over() {
		g.resolve(actor.ErrClosed)
	} else if ask {
		g.t.tell(&viewWanted{g})
	}
	return true
}

// resolve works off those who wait. Senders that come meanwhile queue behind
// them, so the messages of one actor keep their order.
func (g *group) resolve(err error) {
	g.mu.Lock()
	g.asked = false
	if g.flushes {
		g.mu.Unlock()
		return
	}
	g.flushes = true
	for first := true; len(g.pending) > 0; first = false {
		if !first && err == nil && !g.view.Load().Live(time.Now()) { // the lease ended meanwhile: ask again
			g.asked, g.flushes = true, false
			g.mu.Unlock()
			g.t.tell(&viewWanted{g})
			return
		}
		batch := g.pending
		g.pending = nil
		g.mu.Unlock()
		for _, then := range batch {
			then(err)
		}
		g.mu.Lock()
	}
	g.flushes = false
	g.busy.Store(false)
	g.mu.Unlock()
}

// install publishes what the tree says. It runs before the tree's answers and
// acks go out, so that nobody chooses by an older list after them.
func (g *group) install(v *tree.View) {
	if g.bal != nil {
		var list []balance.Candidate
		if v != nil {
			list = make([]balance.Candidate, len(v.Entries))
			for i, e := range v.Entries {
				list[i] = balance.Candidate{Node: e.Node, Members: e.Members, Weight: e.Weight, Zone: e.Zone, Draining: e.Draining}
			}
		}
		g.mu.Lock()
		g.bal.Update(list)
		g.mu.Unlock()
	}
	g.question(v)
	g.view.Store(v)
}

// doubtFor is how long an empty list is doubted that a new root hands out right
// after another root's list named members: they register with the new root at
// once, but it may be a node that has just joined and does not know them yet.
const doubtFor = 500 * time.Millisecond

// question notes whether an empty list is to be doubted.
func (g *group) question(v *tree.View) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case v == nil:
	case len(v.Entries) > 0:
		g.named = v.Root
		g.doubt.Store(0)
	case !g.named.IsZero() && v.Root != g.named:
		g.named = id.ID{}
		g.doubt.Store(time.Now().Add(doubtFor).UnixNano())
	}
}

// doubted reports whether the list in force may be empty by mistake.
func (g *group) doubted(now time.Time) bool { return now.UnixNano() < g.doubt.Load() }

// choice is one request in flight at a node, for the balancer.
type choice struct {
	g     *group
	node  id.ID
	at    int // own requests in flight there, this one included
	begin time.Time
}

// choose picks a member node by the balancer, not among tried.
func (g *group) choose(now time.Time, tried []id.ID) (choice, bool) {
	g.mu.Lock()
	n, ok := g.bal.Pick(now, g.t.reach, tried)
	if !ok {
		g.mu.Unlock()
		return choice{}, false
	}
	g.requested++
	c := choice{g: g, node: n, at: g.bal.Sent(n), begin: now}
	stale := g.bal.Probes(now)
	g.mu.Unlock()
	g.probe(stale)
	return c, true
}

// done tells the balancer how it ended.
func (c choice) done(o balance.Outcome, load actor.Load) {
	now := time.Now()
	if o == balance.Served || o == balance.Unknown {
		c.g.asks.add(now.Sub(c.begin))
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if load == (actor.Load{}) {
		c.g.bal.Done(now, c.node, c.at, now.Sub(c.begin), o, nil)
		return
	}
	l := wireLoad(load)
	c.g.bal.Done(now, c.node, c.at, now.Sub(c.begin), o, new(balanceLoad(l)))
	c.g.bal.Capacity(now, c.node, capacity(l))
}

// reach tells the balancer how well a node can be reached.
func (t *Topics) reach(n id.ID) balance.Reach {
	if n == t.self {
		return balance.Up
	}
	if l := t.net.Link(n); l == nil || l.Suspect() {
		return balance.Doubtful
	}
	return balance.Up
}

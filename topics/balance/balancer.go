package balance

import (
	"math/rand/v2"
	"sort"
	"time"

	"iris/internal/id"
)

// Candidate is one member node as the member list describes it.
type Candidate struct {
	Node     id.ID
	Members  uint32 // handler actors at the node; 0 counts as 1
	Weight   uint32 // capacity of the node relative to others; 0 counts as Members
	Zone     string // where the node is; not used for the choice yet
	Draining bool   // never chosen
}

// Reach says how well a node can be reached right now.
type Reach uint8

// The values of Reach, best first.
const (
	Up       Reach = iota // linked and answering
	Doubtful              // suspect or not linked: chosen only when nothing else is left
)

// Config tunes a Balancer. The zero value means the documented defaults.
type Config struct {
	Fresh    time.Duration // age up to which a piggybacked load counts; 0 means 1 s
	Decay    time.Duration // time constant of the latency average's fall; 0 means 1 s
	Quantile float64       // rifs above this quantile are hot; 0 means 0.8
}

// Load is what a member node says about itself, on a reply or in a probe.
type Load struct {
	InFlight uint32
	Latency  time.Duration // the node's own estimate at that load; 0 means unknown
	Draining bool
}

// Balancer chooses among the members of one cluster.
//
// Invariants, checked by valid:
//
//  1. candidates are the keys of nodes, each with its own index
//  2. sums are the running sums of the weights of the candidates that do not drain
//  3. no node has a negative number of own requests in flight
//  4. a node that left keeps its state only while own requests are in flight there
type Balancer struct {
	cfg        Config
	rand       *rand.Rand
	candidates []Candidate
	sums       []float64 // sums[i] = weight of candidates[0..i]
	nodes      map[id.ID]*node
	recent     window
}

// node is what this balancer knows of one member node.
type node struct {
	index    int // in candidates, -1 once it left the list
	inFlight int // own requests not answered yet
	load     Load
	loadAt   time.Time
	latency  latencies
}

// New returns a Balancer without members that draws its samples from r.
func New(cfg Config, r *rand.Rand) *Balancer {
	if cfg.Fresh <= 0 {
		cfg.Fresh = time.Second
	}
	if cfg.Decay <= 0 {
		cfg.Decay = time.Second
	}
	if cfg.Quantile <= 0 || cfg.Quantile >= 1 {
		cfg.Quantile = 0.8
	}
	return &Balancer{cfg: cfg, rand: r, nodes: map[id.ID]*node{}}
}

// Update replaces the member list. What was learned about nodes that stay is
// kept. The balancer copies the list; of two entries for a node the first counts.
func (b *Balancer) Update(list []Candidate) {
	for _, n := range b.nodes {
		n.index = -1
	}
	b.candidates = b.candidates[:0]
	b.sums = b.sums[:0]
	total := 0.0
	for _, c := range list {
		n := b.nodes[c.Node]
		if n == nil {
			n = &node{}
			b.nodes[c.Node] = n
		} else if n.index >= 0 {
			continue
		}
		n.index = len(b.candidates)
		total += weigh(c)
		b.candidates = append(b.candidates, c)
		b.sums = append(b.sums, total)
	}
	for k, n := range b.nodes {
		if n.index < 0 && n.inFlight == 0 {
			delete(b.nodes, k)
		}
	}
}

// weigh returns the share of requests c is sampled for.
func weigh(c Candidate) float64 {
	if c.Draining {
		return 0
	}
	if c.Weight > 0 {
		return float64(c.Weight)
	}
	return float64(max(c.Members, 1))
}

// Pick chooses a node and counts one own request in flight there until Done.
// Nodes in excluded are not chosen; reach is asked about few nodes. It reports
// false when no eligible node is left.
func (b *Balancer) Pick(now time.Time, reach func(id.ID) Reach, excluded []id.ID) (id.ID, bool) {
	i := b.choose(now, reach, excluded)
	if i < 0 {
		return id.ID{}, false
	}
	c := &b.candidates[i]
	n := b.nodes[c.Node]
	b.recent.add(b.perMember(now, c, n))
	n.inFlight++
	return c.Node, true
}

// Sent returns own requests in flight at node, the one just picked included.
// Hand it back to Done: latency is learned for the load it was measured under.
func (b *Balancer) Sent(node id.ID) int {
	if n := b.nodes[node]; n != nil {
		return n.inFlight
	}
	return 0
}

// Outcome tells Done how a request ended.
type Outcome uint8

// The values of Outcome.
const (
	Served    Outcome = iota // answered; the latency is learned
	Refused                  // not executed: full, draining or not sent
	Unknown                  // timeout or loss; the time waited is learned as a latency
	Withdrawn                // given up by the asker: nothing is learned
)

// Done ends a request that Pick began: at is the number Sent gave, took the
// time since, load what came with the answer (nil if nothing).
func (b *Balancer) Done(now time.Time, nodeID id.ID, at int, took time.Duration, o Outcome, load *Load) {
	n := b.nodes[nodeID]
	if n == nil {
		return
	}
	if n.inFlight > 0 {
		n.inFlight--
	}
	if load != nil {
		n.load, n.loadAt = *load, now
		at = max(at, int(load.InFlight))
	}
	switch o {
	case Served, Unknown:
		n.latency.learn(now, at, took, b.cfg.Decay)
	case Refused:
		if load == nil { // whatever it was, the node takes no more for a while
			n.load, n.loadAt = Load{InFlight: uint32(n.inFlight) + 1000}, now
		}
	case Withdrawn:
	}
	if n.index < 0 && n.inFlight == 0 {
		delete(b.nodes, nodeID)
	}
}

// Report takes a fresh load of a node that did not come with a reply (a probe).
func (b *Balancer) Report(now time.Time, nodeID id.ID, load Load) {
	if n := b.nodes[nodeID]; n != nil {
		n.load, n.loadAt = load, now
	}
}

// Stale returns up to limit random member nodes whose load was not reported for
// half the time that a report counts. They are worth a probe.
func (b *Balancer) Stale(now time.Time, limit int) []id.ID {
	var stale []id.ID
	if len(b.candidates) == 0 {
		return nil
	}
	start := b.rand.IntN(len(b.candidates))
	for i := 0; i < len(b.candidates) && len(stale) < limit; i++ {
		c := &b.candidates[(start+i)%len(b.candidates)]
		if !c.Draining && now.Sub(b.nodes[c.Node].loadAt) > b.cfg.Fresh/2 {
			stale = append(stale, c.Node)
		}
	}
	return stale
}

// choose returns the index of the best of two samples, -1 if none is eligible.
func (b *Balancer) choose(now time.Time, reach func(id.ID) Reach, excluded []id.ID) int {
	for _, worst := range []Reach{Up, Doubtful} {
		ok := func(i int) bool {
			c := &b.candidates[i]
			if c.Draining || reach(c.Node) > worst || b.drains(now, c.Node) {
				return false
			}
			for _, x := range excluded {
				if x == c.Node {
					return false
				}
			}
			return true
		}
		first := b.sample(ok, -1)
		if first < 0 {
			continue
		}
		second := b.sample(ok, first)
		if second < 0 {
			return first
		}
		return b.better(now, first, second)
	}
	return -1
}

// drains reports whether the node said of itself, freshly, that it drains.
func (b *Balancer) drains(now time.Time, nodeID id.ID) bool {
	n := b.nodes[nodeID]
	return n.load.Draining && now.Sub(n.loadAt) <= b.cfg.Fresh
}

// sample draws an eligible candidate other than not by weight: a few cheap
// draws, then one walk over everybody so that an eligible one is always found.
func (b *Balancer) sample(ok func(int) bool, not int) int {
	if len(b.sums) == 0 {
		return -1
	}
	total := b.sums[len(b.sums)-1]
	if total <= 0 {
		return -1
	}
	for range 4 {
		x := b.rand.Float64() * total
		i := sort.Search(len(b.sums), func(i int) bool { return b.sums[i] > x })
		if i < len(b.sums) && i != not && ok(i) {
			return i
		}
	}
	chosen, seen := -1, 0.0 // weighted reservoir of one (Efraimidis and Spirakis 2006)
	for i := range b.candidates {
		if i == not || !ok(i) {
			continue
		}
		w := weigh(b.candidates[i])
		seen += w
		if b.rand.Float64()*seen < w {
			chosen = i
		}
	}
	return chosen
}

// better compares two candidates by the hot/cold rule.
func (b *Balancer) better(now time.Time, i, j int) int {
	x, y := &b.candidates[i], &b.candidates[j]
	nx, ny := b.nodes[x.Node], b.nodes[y.Node]
	rx, ry := b.perMember(now, x, nx), b.perMember(now, y, ny)
	hot := b.recent.quantile(b.cfg.Quantile)
	if rx <= hot && ry <= hot {
		lx := nx.estimate(now, b.rif(now, nx), b.cfg)
		ly := ny.estimate(now, b.rif(now, ny), b.cfg)
		if lx != ly {
			if lx < ly {
				return i
			}
			return j
		}
	}
	switch {
	case rx < ry:
		return i
	case ry < rx:
		return j
	case b.rand.Uint64()&1 == 0:
		return i
	}
	return j
}

// rif is the number of requests in flight at a node as far as known.
func (b *Balancer) rif(now time.Time, n *node) int {
	r := n.inFlight
	if now.Sub(n.loadAt) <= b.cfg.Fresh {
		r = max(r, int(n.load.InFlight))
	}
	return r
}

// perMember scales rif by the node's capacity.
func (b *Balancer) perMember(now time.Time, c *Candidate, n *node) float64 {
	return float64(b.rif(now, n)) / max(weigh(*c), 1)
}

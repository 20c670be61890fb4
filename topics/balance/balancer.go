package balance

import (
	"math/rand/v2"
	"time"

	"iris/internal/id"
)

// Candidate is one member node as the member list describes it.
type Candidate struct {
	Node     id.ID
	Members  uint32 // handler actors at the node; 0 counts as 1
	Weight   uint32 // capacity of the node relative to others; 0 counts as Members
	Zone     string // where the node is; Config.Zone is preferred
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
	Quantile float64       // rifs above this quantile are hot; 0 means 0.5

	Zone        string        // of the asker; empty: no preference
	Stale       time.Duration // age from which a load is worth a probe; 0 means 20 ms
	ProbeRate   float64       // most probes per second; 0 means 100
	RetryShare  float64       // retries per request, at most; 0 means 0.1
	SubsetAbove int           // longer lists are cut to a subset; 0 means 1000
	Subset      int           // its size; 0 means 128
}

// Load is what a member node says about itself, on a reply or in a probe.
type Load struct {
	InFlight uint32
	Latency  time.Duration // the node's own estimate at that load; 0 means unknown
	Draining bool
}

// Balancer chooses among the members of one cluster.
//
// Invariants, checked by Valid:
//
//  1. candidates are the keys of nodes, each with its own index; states are their
//     values, and latest is one of nodes
//  2. weights and sums belong to the candidates; sums are the running sums of
//     the weights, and those who drain weigh nothing
//  3. no node has a negative number of own requests in flight
//  4. a node that left keeps its state only while own requests are in flight there
//  5. the pool holds each node once, at most poolSize of them
type Balancer struct {
	cfg        Config
	rand       *rand.Rand
	candidates []Candidate
	states     []*node // of the candidates
	weights    []float64
	sums       []float64 // sums[i] = weights[0] + ... + weights[i]
	stale      bool      // capacities were reported since weights were made
	weighed    time.Time // when that was last looked at
	nodes      map[id.ID]*node
	latest     named   // that find returned, likely who is asked about next
	recent     window  // rifs per weight that members reported
	pool       []*node // that reported last, latest at the end
	probes     tokens
	retries    float64 // retries that the budget allows now
	salt       uint64  // chooses the subset
	zone       zone
}

// node is what this balancer knows of one member node.
type node struct {
	index    int // in candidates, -1 once it left the list
	inFlight int // own requests not answered yet
	load     Load
	loadAt   time.Time
	since    int  // own requests sent since loadAt
	answered bool // load came with an answer, and counts the request answered
	probedAt time.Time
	latency  latencies

	capacity   float64 // requests per second, averaged; 0 unknown
	capacityAt time.Time
}

type named struct {
	id id.ID
	*node
}

// find returns the state of a node, nil if there is none.
func (b *Balancer) find(k id.ID) *node {
	if b.latest.node != nil && b.latest.id == k {
		return b.latest.node
	}
	n := b.nodes[k]
	if n != nil {
		b.latest = named{k, n}
	}
	return n
}

// forget drops the state of a node that left the list.
func (b *Balancer) forget(k id.ID) {
	delete(b.nodes, k)
	b.latest = named{}
}

// New returns a Balancer without members that draws its samples from r.
func New(cfg Config, r *rand.Rand) *Balancer {
	if cfg.Fresh <= 0 {
		cfg.Fresh = time.Second
	}
	if cfg.Decay <= 0 {
		cfg.Decay = time.Second
	}
	if cfg.Stale <= 0 {
		cfg.Stale = 20 * time.Millisecond
	}
	if cfg.ProbeRate <= 0 {
		cfg.ProbeRate = 100
	}
	if cfg.Quantile <= 0 || cfg.Quantile >= 1 {
		cfg.Quantile = 0.5
	}
	if cfg.RetryShare <= 0 {
		cfg.RetryShare = 0.1
	}
	if cfg.SubsetAbove <= 0 {
		cfg.SubsetAbove = 1000
	}
	if cfg.Subset <= 0 {
		cfg.Subset = 128
	}
	return &Balancer{cfg: cfg, rand: r, nodes: map[id.ID]*node{}, salt: r.Uint64(), retries: retryBurst}
}

// Update replaces the member list. What was learned about nodes that stay is
// kept. The balancer copies the list, or a subset if it is long (Config.SubsetAbove);
// of two entries for a node the first counts.
func (b *Balancer) Update(list []Candidate) {
	for _, n := range b.nodes {
		n.index = -1
	}
	b.candidates, b.states = b.candidates[:0], b.states[:0]
	for _, c := range b.subset(list) {
		n := b.nodes[c.Node]
		if n == nil {
			n = &node{}
			b.nodes[c.Node] = n
		} else if n.index >= 0 {
			continue
		}
		n.index = len(b.candidates)
		b.candidates, b.states = append(b.candidates, c), append(b.states, n)
	}
	for k, n := range b.nodes {
		if n.index < 0 && n.inFlight == 0 {
			b.forget(k)
		}
	}
	b.weighAll()
}

// Nodes returns who may be chosen: the member list, or the subset of a long one.
func (b *Balancer) Nodes() []id.ID {
	nodes := make([]id.ID, len(b.candidates))
	for i := range b.candidates {
		nodes[i] = b.candidates[i].Node
	}
	return nodes
}

// Pick chooses a node and counts one own request in flight there until Done.
// Nodes in excluded are not chosen; reach is asked about few nodes. It reports
// false when no eligible node is left.
func (b *Balancer) Pick(now time.Time, reach func(id.ID) Reach, excluded []id.ID) (id.ID, bool) {
	i := b.choose(now, reach, excluded)
	if i < 0 {
		return id.ID{}, false
	}
	if len(excluded) == 0 {
		b.earn()
	}
	n := b.states[i]
	n.inFlight++
	n.since++
	b.latest = named{b.candidates[i].Node, n}
	return b.latest.id, true
}

// Sent returns own requests in flight at node, the one just picked included.
// Hand it back to Done: latency is learned for the load it was measured under.
func (b *Balancer) Sent(node id.ID) int {
	if n := b.find(node); n != nil {
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
	n := b.find(nodeID)
	if n == nil {
		return
	}
	if n.inFlight > 0 {
		n.inFlight--
	}
	if load != nil {
		b.observe(now, n, *load)
		n.answered = o == Served
		at = max(at, int(load.InFlight))
	}
	switch o {
	case Served, Unknown:
		n.latency.learn(now, at, took, b.cfg.Decay)
	case Refused:
		if load == nil { // whatever it was, the node takes no more for a while
			n.load, n.loadAt, n.since, n.answered = Load{InFlight: uint32(n.inFlight) + 1000}, now, 0, false
		}
	case Withdrawn:
	}
	if n.index < 0 && n.inFlight == 0 {
		b.forget(nodeID)
	}
}

// Report takes a fresh load of a node that did not come with a reply (a probe).
func (b *Balancer) Report(now time.Time, nodeID id.ID, load Load) {
	if n := b.find(nodeID); n != nil {
		b.observe(now, n, load)
	}
}

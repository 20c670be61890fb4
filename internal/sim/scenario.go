package sim

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"iris/router/pastry"
)

// Scenario holds what all runs have in common.
type Scenario struct {
	Nodes    int
	Leaf     int
	MeshMax  int     // 0: the default; negative: no mesh
	Lookups  int     // join: how many; else derived from Rate
	Rate     float64 // lookups per second and node
	Seed     uint64
	Session  time.Duration // mean life of a node
	Duration time.Duration // measured time
	Loss     float64
	Members  int           // of a topic whose trees stand on the overlay: partition and publish
	Stall    time.Duration // under churn: with each crash another node stands still for so long
	Skew     float64       // clocks run at rates wrong by at most this part
	Encode   bool          // every message crosses the wire format
	Check    bool          // hold all nodes to their invariants, slowly
	Progress func(what string, part float64)
}

// Result is what a run measured; what does not apply is left out.
type Result struct {
	Scenario     string    `json:"scenario"`
	Seed         uint64    `json:"seed"`
	Nodes        int       `json:"nodes"`
	Leaf         int       `json:"leaf"`
	Lookups      int       `json:"lookups"`
	MeanHops     float64   `json:"mean_hops"`
	MaxHops      int       `json:"max_hops"`
	Hops         []float64 `json:"hops"` // part of the lookups that took 0, 1, ... hops
	Lost         int       `json:"lost"`
	Orphaned     int       `json:"orphaned"` // undelivered, but their origin had crashed
	Misdelivered int       `json:"misdelivered"`
	Duplicates   int       `json:"duplicates"`
	Control      float64   `json:"control_msgs_per_node_s"`
	Acks         float64   `json:"acks_per_node_s"`
	Stretch      float64   `json:"stretch"`       // delay of all routes over that of all direct ways
	StretchMean  float64   `json:"stretch_mean"`  // mean of the ratios
	MsgsPerJoin  float64   `json:"msgs_per_join"` // all messages until everybody had joined
	TableEntries float64   `json:"table_entries"` // per node
	WholeAfter   float64   `json:"whole_after_s"` // until every node knew its true neighbours
	Members      int       `json:"members"`
	TreesAfter   float64   `json:"trees_whole_after_s"`
	Broken       int       `json:"broken"` // nodes that did not at the end
	Virtual      float64   `json:"virtual_seconds"`
	Seconds      float64   `json:"seconds"`
	JoinSeconds  float64   `json:"join_seconds"`
	HeapMiB      float64   `json:"heap_mib"` // live after the run
	Steps        uint64    `json:"steps"`
	Hash         string    `json:"hash"`
	sent         [pastry.Kinds]uint64
	measured     float64 // node seconds
}

// settleFor is the virtual time after the last join before anything is measured.
const settleFor = 2 * time.Minute

// run is one scenario under way.
type run struct {
	Scenario
	*World
	result  Result
	began   time.Time
	started time.Duration
	from    [pastry.Kinds]uint64
	seconds float64 // node seconds measured
	mark    time.Duration
}

func (s Scenario) begin(name string) (*run, error) {
	w, err := New(pastry.Config{Leaf: s.Leaf, MeshMax: s.MeshMax}, s.Seed)
	if err != nil {
		return nil, err
	}
	w.Check, w.Skew = s.Check, s.Skew
	if s.Encode {
		w.Encode()
	}
	r := &run{Scenario: s, World: w, began: clock()}
	r.result = Result{Scenario: name, Seed: s.Seed, Nodes: s.Nodes, Leaf: w.cfg.Leaf}
	return r, nil
}

func (r *run) report(what string, part float64) {
	if r.Progress != nil {
		r.Progress(what, part)
	}
}

// joinAll starts the nodes one after another: the next one comes when those that
// are still joining are few compared to those that are there.
func (r *run) joinAll() {
	for i := range r.Nodes {
		r.Spawn()
		gap := time.Duration(float64(40*time.Second) / float64(i+1))
		r.Run(r.now + min(max(gap, time.Millisecond), 2*time.Second))
		if i%512 == 0 {
			r.report("join", float64(i)/float64(r.Nodes))
		}
	}
	for range 600 {
		if len(r.ring) == len(r.alive) || r.err != nil {
			break
		}
		r.Run(r.now + 100*time.Millisecond)
	}
	var all uint64
	for _, n := range r.sent {
		all += n
	}
	r.result.MsgsPerJoin = float64(all) / float64(r.Nodes)
	r.result.JoinSeconds = clock().Sub(r.began).Seconds()
	if r.err == nil && len(r.ring) < len(r.alive) {
		r.fail("%d of %d nodes are not active", len(r.alive)-len(r.ring), len(r.alive))
	}
}

// measure starts to count lookups and messages.
func (r *run) measure() {
	r.ResetLookups()
	r.from, r.started, r.mark, r.seconds = r.sent, r.now, r.now, 0
}

// exposure adds up node seconds; called whenever the number of nodes changes.
func (r *run) exposure() {
	r.seconds += (r.now - r.mark).Seconds() * float64(len(r.alive))
	r.mark = r.now
}

// exponential returns a time until the next of events with a mean distance.
func (r *run) exponential(mean time.Duration) time.Duration {
	return time.Duration(r.rng.ExpFloat64() * float64(mean))
}

// traffic runs until end with random lookups and, if session is set, crashes and
// replacements.
func (r *run) traffic(what string, end time.Duration, session time.Duration) {
	begin := r.now
	nextLookup, nextCrash := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	look := func() {
		if r.Rate > 0 {
			nextLookup = r.now + r.exponential(time.Duration(float64(time.Second)/r.Rate/float64(len(r.alive))))
		}
	}
	churn := func() {
		if session > 0 {
			nextCrash = r.now + r.exponential(session/time.Duration(len(r.alive)))
		}
	}
	look()
	churn()
	for i := 0; r.err == nil; i++ {
		next := min(nextLookup, nextCrash, end)
		r.Run(next)
		if next == end {
			break
		}
		if next == nextLookup {
			r.Lookup()
			look()
		} else {
			r.exposure()
			r.Crash(r.alive[r.rng.IntN(len(r.alive))])
			r.Spawn()
			if r.Stall > 0 {
				r.Pause(r.random(), r.Stall)
			}
			churn()
		}
		if i%1024 == 0 {
			r.report(what, float64(r.now-begin)/float64(end-begin))
		}
	}
	r.exposure()
}

// untilWhole runs until every node knows its true neighbours.
func (r *run) untilWhole(limit time.Duration) {
	begin := r.now
	r.result.WholeAfter = -1
	for r.now-begin < limit && r.err == nil {
		if r.Broken() == 0 {
			r.result.WholeAfter = (r.now - begin).Seconds()
			return
		}
		r.traffic("repair", r.now+250*time.Millisecond, 0)
	}
}

// lookupGrace is how long a lookup may take before it counts as lost.
const lookupGrace = 40 * time.Second

// end lets the last lookups arrive and fills in the result.
func (r *run) end() (*Result, error) {
	stop := r.now
	r.exposure()
	sent := r.sent
	r.Run(stop + lookupGrace)
	res, l := &r.result, &r.lookups
	res.Lookups, res.Misdelivered, res.Duplicates = len(l.sent), l.misdelivered, l.duplicates
	res.Lost, res.Orphaned = r.lost(stop)
	for h, k := range l.hops {
		if k > 0 {
			res.MaxHops = h
		}
		res.MeanHops += float64(h*k) / float64(max(l.delivered, 1))
	}
	for _, k := range l.hops[:res.MaxHops+1] {
		res.Hops = append(res.Hops, float64(k)/float64(max(l.delivered, 1)))
	}
	if l.rated > 0 {
		res.Stretch, res.StretchMean = float64(l.route)/float64(l.direct), l.ratio/float64(l.rated)
	}
	for k := range sent {
		res.sent[k] = sent[k] - r.from[k]
		if pastry.Kind(k).Control() {
			res.Control += float64(res.sent[k])
		}
	}
	res.measured = max(r.seconds, 1)
	res.Control /= res.measured
	res.Acks = float64(res.sent[pastry.Ack]) / res.measured
	entries := 0
	for _, h := range r.alive {
		entries += r.members[h].node.Entries()
	}
	res.TableEntries = float64(entries) / float64(max(len(r.alive), 1))
	res.Broken = r.Broken()
	res.Virtual = r.now.Seconds()
	res.Steps, res.Hash = r.steps, fmt.Sprintf("%016x", r.hash)
	res.Seconds = clock().Sub(r.began).Seconds()
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	res.HeapMiB = float64(mem.HeapAlloc) / (1 << 20)
	runtime.KeepAlive(r.World)
	return res, r.err
}

// ByKind returns the control messages per node and second by what they were.
func (r *Result) ByKind() map[string]float64 {
	m := map[string]float64{}
	for k, n := range r.sent {
		if n > 0 {
			m[pastry.Kind(k).String()] = float64(n) / r.measured
		}
	}
	return m
}

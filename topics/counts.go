package topics

import (
	"time"

	"iris/transport/wire"
)

// Latencies is how long requests took since the node started, by powers of 4.
type Latencies struct {
	Counts [timeBuckets / 8]uint64 // less than LatencyBound(i), not less than the one before
	Sum    time.Duration           // right to an eighth
}

// LatencyBound is what the requests in Latencies.Counts[i] took less than: 8 µs,
// 32 µs, and so on to 8 s; the last ones have no bound.
func LatencyBound(i int) time.Duration { return 8 * time.Microsecond << (2 * i) }

// Add sums up.
func (l *Latencies) Add(m Latencies) {
	for i, n := range m.Counts {
		l.Counts[i] += n
	}
	l.Sum += m.Sum
}

func (t *times) latencies() (l Latencies) {
	for i, n := range t.counts() {
		l.Counts[i/8] += n
		l.Sum += time.Duration(n) * bucketTime(i)
	}
	return l
}

// ClusterCounts is what is counted of a cluster here.
type ClusterCounts struct {
	Local    int       // members here
	InFlight int64     // requests under way at them
	Served   Latencies // requests answered here, queueing included
	Failed   uint64    // of these, answered with an error
	Asked    uint64    // requests that this node sent
	Answered Latencies // answers that came, from the asker's side
}

// CountClusters calls f for each cluster that this node serves or asks, in no order. It
// is much cheaper than Clusters.
func (t *Topics) CountClusters(f func(name string, c ClusterCounts)) {
	for _, g := range t.all() {
		if g.key.Kind == wire.GroupCluster && g.inUse() {
			f(g.key.Name, g.counts())
		}
	}
}

func (g *group) counts() ClusterCounts {
	set := *g.local.Load()
	c := ClusterCounts{Local: len(set), Failed: g.failed.Load(), Served: g.serves.Load().latencies(), Answered: g.asks.Load().latencies()}
	for _, m := range set {
		c.InFlight += max(m.inFlight.Load(), 0)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.Asked = g.requested
	return c
}

// TopicCounts is what is counted of a topic here.
type TopicCounts struct {
	Published, Delivered, Forwarded uint64
	Gaps, Missed                    uint64 // events in those gaps
}

// CountTopics calls f for each topic that has a subscriber or publisher here or passes
// through, in no order; for one that has trees too, more than once. It is much cheaper
// than Topics.
func (t *Topics) CountTopics(f func(name string, c TopicCounts)) {
	for _, g := range t.all() {
		if g.key.Kind == wire.GroupTopic && g.busyTopic() {
			if r := g.way.Load(); r != nil {
				r.harvest(g)
			}
			f(g.key.Name, TopicCounts{Published: g.published.Load(), Delivered: g.delivered.Load(), Forwarded: g.forwarded.Load()})
		}
	}
	for _, tr := range t.allTrees() {
		f(tr.key.Name, TopicCounts{Forwarded: tr.forwarded.Load(), Gaps: tr.gaps.Load(), Missed: tr.missed.Load()})
	}
}

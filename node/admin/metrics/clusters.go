package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"iris/topics"
)

var (
	members  = gauge("iris_cluster_members", "Members of the cluster on this node.", "cluster")
	inFlight = gauge("iris_requests_in_flight", "Requests that members on this node work on.", "cluster")
	served   = histogram("iris_request_seconds", "Seconds from the arrival of a request at a member on this node to its answer, queueing included; right to an eighth.", "cluster")
	failed   = counter("iris_requests_failed_total", "Requests that members on this node answered with an error.", "cluster")
	asked    = counter("iris_requests_asked_total", "Requests that this node sent to the cluster, retries included.", "cluster")
	answered = histogram("iris_ask_seconds", "Seconds from the sending of a request by this node to its answer; right to an eighth. What was asked and is not here has no answer, or none yet.", "cluster")

	clusterFamilies = []*Family{members, inFlight, served, failed, asked, answered}
)

// clusterGrowth is what the metrics of clusters remember.
type clusterGrowth struct {
	names
	sums map[string]*clusterSums // by label
}

// clusterSums are of the clusters of one label, by name.
type clusterSums struct {
	members, inFlight int64
	failed, asked     growth[string]
	served, answered  latencyGrowth
	now               map[string]topics.ClusterCounts
}

// requests tells of clusters.
func (c *Collector) requests(s scrape) {
	g := &c.clusters
	now := map[string]topics.ClusterCounts{}
	c.cfg.Topics.CountClusters(func(name string, n topics.ClusterCounts) { now[name] = n })
	g.learn(slices.Collect(maps.Keys(now)))
	if g.sums == nil {
		g.sums = map[string]*clusterSums{}
	}
	for _, sums := range g.sums {
		sums.now = map[string]topics.ClusterCounts{}
	}
	for name, n := range now {
		label := g.label(name)
		if g.sums[label] == nil {
			g.sums[label] = &clusterSums{now: map[string]topics.ClusterCounts{}}
		}
		g.sums[label].now[name] = n
	}
	for label, sums := range g.sums {
		sums.tell(s, label)
	}
}

// tell sums up what there is now, and what there ever was.
func (x *clusterSums) tell(s scrape, label string) {
	x.members, x.inFlight = 0, 0
	failures, asks := map[string]uint64{}, map[string]uint64{}
	took, waited := map[string]topics.Latencies{}, map[string]topics.Latencies{}
	for name, n := range x.now {
		x.members += int64(n.Local)
		x.inFlight += n.InFlight
		failures[name], asks[name], took[name], waited[name] = n.Failed, n.Asked, n.Served, n.Answered
	}
	s.put(members, float64(x.members), label)
	s.put(inFlight, float64(x.inFlight), label)
	s.spread(served, x.served.look(took), label)
	s.put(failed, float64(x.failed.look(failures)), label)
	s.put(asked, float64(x.asked.look(asks)), label)
	s.spread(answered, x.answered.look(waited), label)
}

// latencyGrowth is growth of latencies.
type latencyGrowth struct {
	total topics.Latencies
	last  map[string]topics.Latencies
}

func (g *latencyGrowth) look(now map[string]topics.Latencies) topics.Latencies {
	for name, n := range now {
		before := g.last[name]
		for i, count := range n.Counts {
			if count >= before.Counts[i] {
				g.total.Counts[i] += count - before.Counts[i]
			}
		}
		g.total.Sum += max(n.Sum-before.Sum, 0)
	}
	g.last = now
	return g.total
}

// spread tells a histogram.
func (s scrape) spread(f *Family, l topics.Latencies, labels ...string) {
	buckets := map[float64]uint64{}
	var n uint64
	for i, count := range l.Counts {
		n += count
		if i < len(l.Counts)-1 {
			buckets[topics.LatencyBound(i).Seconds()] = n
		}
	}
	s.out <- prometheus.MustNewConstHistogram(f.desc, n, l.Sum.Seconds(), buckets, labels...)
}

package topics

import (
	"time"

	"iris/internal/id"
	"iris/topics/balance"
	"iris/transport"
	"iris/transport/wire"
)

// probe asks nodes for their load, on the goroutine of the sender whose choice
// found theirs not fresh: an asker with few requests of its own would otherwise know nothing
// (the "asynchronous probes" of Prequal, Wydrowski et al., NSDI 2024). How many is
// the matter of balance.Balancer.Probes.
func (g *group) probe(nodes []id.ID) {
	for _, n := range nodes {
		if n == g.t.self {
			g.report(n, wireLoad(g.load()))
		} else if l := g.t.net.Link(n); l != nil {
			_ = l.TrySend(transport.Control, &wire.LoadProbe{Seq: g.probes.Add(1), Cluster: g.key.Name}) // the next one will do
		}
	}
}

// report takes a load that came with a probe.
func (g *group) report(n id.ID, l wire.Load) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bal.Report(now, n, balanceLoad(l))
	g.bal.Capacity(now, n, capacity(l))
}

// balanceLoad is a load in the balancer's terms.
func balanceLoad(l wire.Load) balance.Load {
	return balance.Load{InFlight: l.InFlight, Latency: micros(l), Draining: l.Draining}
}

func micros(l wire.Load) time.Duration { return time.Duration(l.LatencyMicros) * time.Microsecond }

// leastLatency is what a request must take at least to say something of its node:
// differences between quicker ones are noise.
const leastLatency = time.Millisecond

// capacity estimates how many requests per second a node could serve, 0 if that
// cannot be said: what is in flight there (Little's law), and at least one request for each
// member, per time that a request takes.
func capacity(l wire.Load) float64 {
	if micros(l) < leastLatency {
		return 0
	}
	return float64(max(l.Members, l.InFlight)) / micros(l).Seconds()
}

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

// capacity is what a load says of how many requests per second the node could serve.
func capacity(l wire.Load) float64 { return balance.PerSecond(l.Members, l.InFlight, micros(l)) }

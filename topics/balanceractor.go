package topics

import (
	"time"

	"iris/actor"
	"iris/topics/balance"
	"iris/transport"
	"iris/transport/wire"
)

// Probing of member nodes whose load is not fresh, while requests are made: a
// requester with few requests of its own would otherwise know nothing (the
// "asynchronous probes" of Prequal, Wydrowski et al., NSDI 2024).
const (
	probeEvery      = 100 * time.Millisecond
	probesPerChoice = 2
	maxProbes       = 10 // per probeEvery: at most 100 a second and cluster
)

// balancerActor is iris/topics/balancer/<cluster>. The choice itself is made on
// the senders' goroutines under the group's lock; the actor does what need not
// be in time: events about members, probes.
type balancerActor struct {
	t     *Topics
	g     *group
	armed bool
	seq   uint64
}

func (b *balancerActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		b.g.balancer.Store(ctx.Self())
		b.g.probing.Store(false)
	case *membersChanged:
		for _, e := range msg.left {
			b.t.sys.Events().Publish(&actor.MemberLeft{Cluster: b.g.key.Name, Node: e.Node.String(), Members: int(e.Members)})
		}
		for _, e := range msg.joined {
			b.t.sys.Events().Publish(&actor.MemberJoined{Cluster: b.g.key.Name, Node: e.Node.String(), Members: int(e.Members)})
		}
	case *probe:
		if !b.armed {
			b.armed = true
			ctx.After(probeEvery, &probeDue{})
		}
	case *probeDue:
		b.armed = false
		b.probe(ctx)
	}
}

// probe asks stale members, as many as the requests since the last time allow,
// and goes on while there are requests.
func (b *balancerActor) probe(ctx actor.Context) {
	choices := b.g.choices.Swap(0)
	if choices == 0 {
		b.g.probing.Store(false) // the next choice starts it again
		return
	}
	b.armed = true
	ctx.After(probeEvery, &probeDue{})
	b.g.mu.Lock()
	stale := b.g.bal.Stale(time.Now(), int(min(choices*probesPerChoice, maxProbes)))
	b.g.mu.Unlock()
	for _, n := range stale {
		if n == b.t.self {
			l := b.g.load()
			b.g.report(n, wireLoad(l))
			continue
		}
		b.seq++
		if l := b.t.net.Link(n); l != nil {
			_ = l.TrySend(transport.Control, &wire.LoadProbe{Seq: b.seq, Cluster: b.g.key.Name}) // the next one will do
		}
	}
}

// chosen counts a choice and starts the probing if it rests.
func (g *group) chosen() {
	g.choices.Add(1)
	if g.probing.Load() || !g.probing.CompareAndSwap(false, true) {
		return
	}
	if pid := g.balancer.Load(); pid != nil {
		g.t.sys.Send(pid, nil, &probe{})
	} else {
		g.probing.Store(false)
	}
}

// wireBalance is a load in the balancer's terms.
func wireBalance(l wire.Load) balance.Load {
	return balance.Load{InFlight: l.InFlight, Latency: time.Duration(l.LatencyMicros) * time.Microsecond, Draining: l.Draining}
}

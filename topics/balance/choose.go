package balance

import (
	"slices"
	"sort"
	"time"

	"iris/internal/id"
)

// poolSize and poolAge bound the reports beside the sample that a choice looks
// at. Found with iris sim balance: older ones cost more by herding than they tell.
const (
	poolSize = 8
	poolAge  = 200 * time.Millisecond
)

// observe takes what a node said of itself.
func (b *Balancer) observe(now time.Time, n *node, l Load) {
	n.load, n.loadAt, n.since, n.answered = l, now, 0, false
	if n.index < 0 {
		return
	}
	b.recent.add(float64(l.InFlight) / b.scale(n.index))
	if i := slices.Index(b.pool, n); i >= 0 {
		b.pool = slices.Delete(b.pool, i, i+1)
	} else if len(b.pool) == poolSize {
		b.pool = slices.Delete(b.pool, 0, 1)
	}
	b.pool = append(b.pool, n)
}

// scale is what rifs of a candidate are divided by.
func (b *Balancer) scale(i int) float64 { return max(b.weights[i], 0.1) }

// choose returns the index of the best among two samples and the latest reports,
// -1 if none is eligible.
func (b *Balancer) choose(now time.Time, reach func(id.ID) Reach, excluded []id.ID) int {
	if b.stale && now.Sub(b.weighed) >= weighEvery {
		b.weighed = now
		b.weighAll()
	}
	if len(b.candidates) == 1 {
		if c := &b.candidates[0]; c.Draining || b.drains(now, 0) || slices.Contains(excluded, c.Node) {
			return -1
		}
		return 0
	}
	local := b.stayLocal(now, reach)
	for _, t := range []struct {
		worst Reach
		local bool
	}{{Up, true}, {Up, false}, {Doubtful, false}} {
		if t.local && !local {
			continue
		}
		ok := func(i int) bool {
			c := &b.candidates[i]
			return (!t.local || c.Zone == b.cfg.Zone) && !c.Draining && reach(c.Node) <= t.worst && !b.drains(now, i) && !slices.Contains(excluded, c.Node)
		}
		first := b.sample(ok, -1)
		if first < 0 {
			continue
		}
		best := b.signal(now, first)
		if i := b.sample(ok, first); i >= 0 {
			best = b.better(best, b.signal(now, i))
		}
		for _, n := range b.pool {
			if n.index >= 0 && now.Sub(n.loadAt) <= poolAge && n.index != best.index && ok(n.index) {
				best = b.better(best, b.signal(now, n.index))
			}
		}
		return best.index
	}
	return -1
}

// drains reports whether candidate i said of itself, freshly, that it drains.
func (b *Balancer) drains(now time.Time, i int) bool {
	n := b.states[i]
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
		seen += b.weights[i]
		if b.rand.Float64()*seen < b.weights[i] {
			chosen = i
		}
	}
	return chosen
}

// signal is what is known of a candidate at the moment of a choice.
type signal struct {
	index   int
	known   bool    // it said so itself within poolAge
	rif     float64 // per weight
	latency float64 // expected there, in seconds; 0 unknown
}

func (b *Balancer) signal(now time.Time, i int) signal {
	n := b.states[i]
	rif := n.inFlight
	if now.Sub(n.loadAt) <= b.cfg.Fresh {
		rif = max(rif, int(n.load.InFlight)+n.since)
	}
	return signal{
		index: i, known: now.Sub(n.loadAt) <= poolAge,
		rif: float64(rif) / b.scale(i), latency: n.estimate(now, rif, b.cfg),
	}
}

// better compares two candidates by the hot/cold rule: of two cold ones the
// lower latency, else the lower rif. A node that was not heard of lately is taken
// to be just hot: what is seen to be cold is preferred to it, and it to what is
// seen to be worse.
func (b *Balancer) better(x, y signal) signal {
	hot := b.recent.quantile(b.cfg.Quantile)
	if x.known != y.known {
		if !x.known {
			x.rif = max(x.rif, hot)
		} else {
			y.rif = max(y.rif, hot)
		}
	} else if x.rif <= hot && y.rif <= hot && x.latency != y.latency {
		if x.latency < y.latency {
			return x
		}
		return y
	}
	switch {
	case x.rif < y.rif:
		return x
	case y.rif < x.rif:
		return y
	case b.rand.Uint64()&1 == 0:
		return x
	}
	return y
}

package balance

import (
	"math"
	"slices"
	"time"

	"iris/internal/id"
)

// capacityTau is the time constant of the average over capacity reports.
const capacityTau = 10 * time.Second

// weighEvery is the least time between two looks at what was reported: it takes a walk
// over all members.
const weighEvery = 100 * time.Millisecond

// Capacity takes a node's report of how many requests per second it could serve.
// Reports are late and everybody gets the same, so they are averaged over 10 s,
// held to between a tenth and ten times of the median, and only weigh.
func (b *Balancer) Capacity(now time.Time, nodeID id.ID, perSecond float64) {
	n := b.find(nodeID)
	if n == nil || !(perSecond > 0) || math.IsInf(perSecond, 0) {
		return
	}
	if n.capacityAt.IsZero() {
		n.capacity = perSecond
	} else {
		w := math.Exp(-float64(now.Sub(n.capacityAt)) / float64(capacityTau))
		n.capacity = n.capacity*w + perSecond*(1-w)
	}
	n.capacityAt = now
	b.stale = true
}

// weigh returns the share of requests c is sampled for, by the list.
func weigh(c Candidate) float64 {
	if c.Draining {
		return 0
	}
	if c.Weight > 0 {
		return float64(c.Weight)
	}
	return float64(max(c.Members, 1))
}

// weighAll computes the weights: what the list says, times how the node's reported
// capacity for that weight compares to the median.
func (b *Balancer) weighAll() {
	b.stale = false
	b.weights, b.sums = b.weights[:0], b.sums[:0]
	var per []float64 // reported capacity for a weight of 1
	for i := range b.candidates {
		w := weigh(b.candidates[i])
		b.weights = append(b.weights, w)
		if c := b.states[i].capacity; c > 0 && w > 0 {
			per = append(per, c/w)
		}
	}
	median := 0.0
	if len(per) > 0 {
		slices.Sort(per)
		median = per[len(per)/2]
	}
	total := 0.0
	for i, w := range b.weights {
		if c := b.states[i].capacity; c > 0 && w > 0 {
			b.weights[i] = w * min(max(c/w/median, 0.1), 10)
		}
		total += b.weights[i]
		b.sums = append(b.sums, total)
	}
}

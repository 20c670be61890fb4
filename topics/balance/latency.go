package balance

import (
	"math"
	"math/bits"
	"time"
)

// loads is the number of buckets of latencies: rif 0, 1, 2-3, 4-7, ... >= 512.
const loads = 11

// latencies holds one peak EWMA per load (Finagle's "peak EWMA": a rise counts
// at once, a fall slowly), because the latency of an idle member says nothing
// about a busy one.
type latencies struct {
	value [loads]float64 // seconds
	at    [loads]time.Time
}

// bucket returns the bucket of a number of requests in flight.
func bucket(rif int) int { return min(bits.Len(uint(max(rif, 0))), loads-1) }

// learn takes a latency measured while rif requests were in flight.
func (l *latencies) learn(now time.Time, rif int, took, decay time.Duration) {
	i := bucket(rif)
	v := took.Seconds()
	if l.at[i].IsZero() {
		l.value[i], l.at[i] = v, now
		return
	}
	old := l.value[i]
	w := math.Exp(-float64(now.Sub(l.at[i])) / float64(decay))
	if v > old {
		w = min(w, 0.5) // a rise counts at least half at once
	} else {
		w = max(w, 0.9) // one quick answer after silence is no proof of health
	}
	l.value[i], l.at[i] = old*w+v*(1-w), now
}

// at returns the estimate for rif from its bucket or the nearest known one
// below, else above; false if nothing is known.
func (l *latencies) get(rif int) (float64, bool) {
	i := bucket(rif)
	for k := i; k >= 0; k-- {
		if !l.at[k].IsZero() {
			return l.value[k], true
		}
	}
	for k := i + 1; k < loads; k++ {
		if !l.at[k].IsZero() {
			return l.value[k], true
		}
	}
	return 0, false
}

// estimate is the latency expected of the node now, in seconds; an unknown
// node counts as 0, so that each is tried.
func (n *node) estimate(now time.Time, rif int, cfg Config) float64 {
	if n.load.Latency > 0 && now.Sub(n.loadAt) <= cfg.Fresh {
		if v, ok := n.latency.get(rif); ok {
			return max(v, n.load.Latency.Seconds())
		}
		return n.load.Latency.Seconds()
	}
	v, _ := n.latency.get(rif)
	return v
}

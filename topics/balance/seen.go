package balance

import (
	"time"

	"iris/internal/id"
)

// Seen is a member node as this balancer sees it.
type Seen struct {
	Node     id.ID
	InFlight int           // own requests
	Reported uint32        // requests in flight there, as it said within Config.Fresh; 0 unknown
	Latency  time.Duration // expected of the next request; 0 unknown
	Draining bool
}

// Seen returns what is known of those who may be chosen, in no order.
func (b *Balancer) Seen(now time.Time) []Seen {
	list := make([]Seen, len(b.candidates))
	for i, n := range b.states {
		list[i] = Seen{
			Node: b.candidates[i].Node, InFlight: n.inFlight, Reported: b.reported(now, n),
			Latency:  time.Duration(n.estimate(now, n.inFlight, b.cfg) * float64(time.Second)),
			Draining: b.candidates[i].Draining || b.drains(now, i),
		}
	}
	return list
}

// reported is what a node has to do by its own words, as long as they are fresh. An answer
// leaves while its own request still counts there: a node that it leaves idle says 1.
func (b *Balancer) reported(now time.Time, n *node) uint32 {
	switch {
	case now.Sub(n.loadAt) > b.cfg.Fresh:
		return 0
	case n.answered && n.load.InFlight > 0:
		return n.load.InFlight - 1
	}
	return n.load.InFlight
}

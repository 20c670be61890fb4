package balance

import (
	"time"

	"iris/internal/id"
)

// Seen is a member node as this balancer sees it.
type Seen struct {
	Node     id.ID
	InFlight int           // own requests
	Reported uint32        // requests in flight there, as it said last
	Latency  time.Duration // expected of the next request; 0 unknown
	Draining bool
}

// Seen returns what is known of those who may be chosen, in no order.
func (b *Balancer) Seen(now time.Time) []Seen {
	list := make([]Seen, len(b.candidates))
	for i, n := range b.states {
		list[i] = Seen{
			Node: b.candidates[i].Node, InFlight: n.inFlight, Reported: n.load.InFlight,
			Latency:  time.Duration(n.estimate(now, n.inFlight, b.cfg) * float64(time.Second)),
			Draining: b.candidates[i].Draining || n.load.Draining,
		}
	}
	return list
}

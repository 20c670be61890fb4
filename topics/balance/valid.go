package balance

import (
	"fmt"
	"slices"
)

// Valid reports the first broken invariant of b, numbered as in its comment. It is
// for tests and simulators.
func (b *Balancer) Valid() error {
	total := 0.0
	if len(b.sums) != len(b.candidates) || len(b.weights) != len(b.candidates) {
		return fmt.Errorf("(2) %d sums and %d weights for %d candidates", len(b.sums), len(b.weights), len(b.candidates))
	}
	for i, c := range b.candidates {
		n := b.nodes[c.Node]
		if n == nil || n.index != i || b.states[i] != n {
			return fmt.Errorf("(1) candidate %d (%v) has state %+v", i, c.Node, n)
		}
		total += b.weights[i]
		if b.sums[i] != total || c.Draining && b.weights[i] != 0 {
			return fmt.Errorf("(2) sum %d is %v, want %v; weight %v", i, b.sums[i], total, b.weights[i])
		}
	}
	for k, n := range b.nodes {
		if n.inFlight < 0 {
			return fmt.Errorf("(3) %v has %d in flight", k, n.inFlight)
		}
		if n.index < 0 && n.inFlight == 0 {
			return fmt.Errorf("(4) %v left and idles", k)
		}
	}
	if n := b.latest.node; n != nil && b.nodes[b.latest.id] != n {
		return fmt.Errorf("(1) %v is remembered with state %+v", b.latest.id, n)
	}
	for i, n := range b.pool {
		if slices.Index(b.pool, n) != i || i >= poolSize {
			return fmt.Errorf("(5) pool %v", b.pool)
		}
	}
	return nil
}

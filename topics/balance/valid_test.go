package balance

import "fmt"

// valid reports the first broken invariant of b, numbered as in its comment.
func (b *Balancer) valid() error {
	total := 0.0
	if len(b.sums) != len(b.candidates) {
		return fmt.Errorf("(2) %d sums for %d candidates", len(b.sums), len(b.candidates))
	}
	for i, c := range b.candidates {
		n := b.nodes[c.Node]
		if n == nil || n.index != i {
			return fmt.Errorf("(1) candidate %d (%v) has state %+v", i, c.Node, n)
		}
		total += weigh(c)
		if b.sums[i] != total {
			return fmt.Errorf("(2) sum %d is %v, want %v", i, b.sums[i], total)
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
	return nil
}

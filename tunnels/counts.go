package tunnels

import (
	"maps"
	"slices"
	"time"
)

// Counts sums up the tunnel ends of this node.
type Counts struct {
	Open           int
	Stalled        int    // open, whose sender waits for credit
	Ever           uint64 // that were ever open
	Sent, Received uint64 // payload bytes of all that were ever open
}

// Counts returns the sums of this moment.
func (ts *Tunnels) Counts() Counts {
	ts.mu.Lock()
	c, open := ts.past, slices.Collect(maps.Keys(ts.open))
	ts.mu.Unlock()
	c.Open = len(open)
	now := time.Now()
	for _, t := range open {
		i := t.describe(now)
		c.Sent += i.Sent
		c.Received += i.Received
		if i.Stalled > 0 {
			c.Stalled++
		}
	}
	return c
}

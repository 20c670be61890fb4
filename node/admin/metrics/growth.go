package metrics

// growth sums counters of things that come and go, such as links. The sum grows
// only: what a thing counted between the last look at it and its end is missing.
type growth[K comparable] struct {
	total uint64
	last  map[K]uint64 // by thing, at the last look
}

// look takes the counters of all things there are, and returns the sum of all
// there ever were.
func (g *growth[K]) look(now map[K]uint64) uint64 {
	for k, n := range now {
		if before := g.last[k]; n >= before {
			g.total += n - before
		} // else some of what it sums has ended
	}
	g.last = now
	return g.total
}

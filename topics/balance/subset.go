package balance

import (
	"cmp"
	"math"
	"slices"
)

// subset cuts a long list to the members that this balancer looks at: to know the
// load of a hundred well is worth more than to know a thousand badly. Members are
// ranked by a weighted hash (rendezvous hashing), so a change of the list
// changes few of the subset, every asker has another one, and members are used in
// proportion to their weight. Up to three quarters come from the own zone.
func (b *Balancer) subset(list []Candidate) []Candidate {
	if len(list) <= b.cfg.SubsetAbove {
		return list
	}
	type ranked struct {
		Candidate
		rank float64
	}
	var near, far []ranked
	for _, c := range list {
		w := weigh(c)
		if w == 0 {
			continue
		}
		u := (float64(mix(c.Node.Hi^mix(c.Node.Lo^b.salt))>>11) + 0.5) / (1 << 53)
		r := ranked{c, -math.Log(u) / w}
		if b.cfg.Zone != "" && c.Zone == b.cfg.Zone {
			near = append(near, r)
		} else {
			far = append(far, r)
		}
	}
	byRank := func(x, y ranked) int { return cmp.Or(cmp.Compare(x.rank, y.rank), x.Node.Compare(y.Node)) }
	slices.SortFunc(near, byRank)
	slices.SortFunc(far, byRank)
	own := min(len(near), b.cfg.Subset*3/4)
	others := min(len(far), b.cfg.Subset-own)
	own = min(len(near), b.cfg.Subset-others)
	out := make([]Candidate, 0, own+others)
	for _, r := range append(near[:own:own], far[:others]...) {
		out = append(out, r.Candidate)
	}
	return out
}

// mix spreads the bits of x (the finalizer of SplitMix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

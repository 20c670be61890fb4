package balance

import (
	"slices"
	"time"

	"iris/internal/id"
)

// zone is the cached decision whether to stay in the asker's own zone.
type zone struct {
	stay bool
	at   time.Time
}

const (
	zoneEvery  = 20 * time.Millisecond // how long the decision counts
	zoneSpare  = 0.7                   // share of the local capacity that must be free to stay anyhow
	zoneMargin = 1.25                  // how much busier the own zone may be than the others
)

// stayLocal reports whether members of the own zone are preferred now: while their
// typical rif is not a quarter above that of the others, or 70 % of their capacity is free. A
// member's capacity is free if it can be reached and a handler of it is idle, as far
// as known.
func (b *Balancer) stayLocal(now time.Time, reach func(id.ID) Reach) bool {
	if b.cfg.Zone == "" {
		return false
	}
	if d := now.Sub(b.zone.at); !b.zone.at.IsZero() && d >= 0 && d < zoneEvery {
		return b.zone.stay
	}
	b.zone.at = now
	var here, there []float64
	free, all := 0.0, 0.0
	for i := range b.candidates {
		c := &b.candidates[i]
		s := b.signal(now, i)
		usable := !c.Draining && reach(c.Node) == Up && !b.drains(now, i)
		if c.Zone != b.cfg.Zone {
			if usable && s.known {
				there = append(there, s.rif)
			}
			continue
		}
		w := b.weights[i]
		all += w
		if !usable {
			continue
		}
		if s.known {
			here = append(here, s.rif)
		}
		if s.rif*b.scale(i) < float64(max(c.Members, 1)) {
			free += w
		}
	}
	switch {
	case all == 0:
		b.zone.stay = false
	case free >= zoneSpare*all:
		b.zone.stay = true
	case len(here) == 0 || len(there) == 0:
		b.zone.stay = free > 0
	default:
		b.zone.stay = median(here) <= zoneMargin*median(there)
	}
	return b.zone.stay
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

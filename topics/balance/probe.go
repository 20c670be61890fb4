package balance

import (
	"time"

	"iris/internal/id"
)

// probesAtOnce bounds the probes per request.
const probesAtOnce = 2

// Probes returns up to two random member nodes that are worth a load probe now;
// it is called after each Pick, so an asker that rests sends none. Nodes of which
// something was heard, or that were probed, within Config.Stale are left out, and
// all together are at most Config.ProbeRate per second.
func (b *Balancer) Probes(now time.Time) []id.ID {
	if len(b.candidates) < 2 {
		return nil
	}
	b.probes.refill(now, b.cfg.ProbeRate, b.cfg.ProbeRate/10)
	var out []id.ID
	for tries := 0; tries < 2*probesAtOnce && len(out) < probesAtOnce; tries++ {
		i := b.rand.IntN(len(b.candidates))
		c, n := &b.candidates[i], b.states[i]
		if c.Draining || now.Sub(n.loadAt) <= b.cfg.Stale || now.Sub(n.probedAt) <= b.cfg.Stale {
			continue
		}
		if !b.probes.take() {
			break
		}
		n.probedAt = now
		out = append(out, c.Node)
	}
	return out
}

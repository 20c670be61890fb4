package router

import (
	"time"

	"iris/transport"
)

// complainEvery is how often one seed is said not to answer.
const complainEvery = time.Minute

// unreached notes a dial that failed. Most are of no interest to an operator:
// hearsay is often old. A seed that does not answer is, for he wrote it down.
func (m *membership) unreached(now time.Time, e *transport.DialFailed) {
	ofSeed := m.book.failed(e.Addr, e.Peer)
	m.r.toCourier(&dialFailed{e.Addr, e.Peer})
	m.r.log.Debug("dial failed", "addr", e.Addr, "reason", e.Err)
	last, before := m.unheard[e.Addr]
	if !ofSeed || before && now.Sub(last) < complainEvery {
		return
	}
	if m.unheard == nil {
		m.unheard = make(map[string]time.Time) // as many as there are seeds
	}
	m.unheard[e.Addr] = now
	m.r.log.Warn("seed not reached", "addr", e.Addr, "reason", e.Err)
}

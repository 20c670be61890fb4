package router

import (
	"testing"
	"testing/synctest"
	"time"

	"iris/internal/id"
)

// TestCandidatesWithoutAName holds addresses that somebody names without saying
// whose they are: a wrong one is tried a few times and forgotten, the right one
// makes a link, and no address of a peer or of the node itself is dialled again
// however often it is named.
func TestCandidatesWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a, b := n.start(1, 1), n.start(2, 1)
		dials := func() int { n.mu.Lock(); defer n.mu.Unlock(); return n.nodes[a.addr].dials }
		a.router.Candidate("192.0.2.99:1", id.ID{})
		a.router.Candidate(a.addr, id.ID{})
		a.router.DiscoveryQuiet(t.Context())
		b.router.DiscoveryQuiet(t.Context())
		within(t, 4*time.Second, "converged beside a wrong address", func() bool { return isClosed(a.router.Converged()) })
		a.router.Candidate(b.addr, id.ID{})
		within(t, time.Second, "mesh", meshed(a, b))
		pass(5 * time.Minute)
		before := dials()
		for range 10 {
			a.router.Candidate(b.addr, id.ID{})
			a.router.Candidate(a.addr, id.ID{})
			pass(time.Minute)
		}
		if got := dials() - before; got != 0 {
			t.Errorf("%d dials to where a peer or the node itself is known to live", got)
		}
		b.stop(false)
		a.stop(false)
	})
}

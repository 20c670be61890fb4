package router

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// within waits in the bubble until cond holds and returns how long it took.
func within(t *testing.T, limit time.Duration, what string, cond func() bool) time.Duration {
	t.Helper()
	from := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		synctest.Wait()
		if cond() {
			return time.Since(from)
		}
		if time.Since(from) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		<-tick.C
	}
}

// pass lets simulated time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func meshed(nodes ...*node) func() bool {
	return func() bool {
		for _, x := range nodes {
			r := x.router.Routes()
			for _, y := range nodes {
				if _, ok := r.Peer(y.id); x != y && !ok {
					return false
				}
			}
			if r.Len() != len(nodes) {
				return false
			}
		}
		return true
	}
}

func sees(x, y *node, want State) func() bool {
	return func() bool { p, ok := x.router.Routes().Peer(y.id); return ok && p.State == want }
}

func misses(x *node, ys ...*node) func() bool {
	return func() bool {
		for _, y := range ys {
			if _, ok := x.router.Routes().Peer(y.id); ok {
				return false
			}
		}
		return true
	}
}

func TestSeedBringsThemTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a := n.start(1, 1)
		b := n.start(2, 1, a.addr)
		c := n.start(3, 1, a.addr, "192.0.2.99:1") // the other seed answers never
		for _, x := range []*node{a, b, c} {
			x.router.DiscoveryQuiet(t.Context())
		}
		within(t, time.Second, "mesh", meshed(a, b, c))
		within(t, 3*time.Second, "converged", func() bool { return isClosed(c.router.Converged()) && isClosed(a.router.Converged()) })
		for _, x := range []*node{a, b, c} {
			x.checkChanges(t)
		}
		key := id.Hash("some", "key")
		if a.router.Routes().Root(key) != c.router.Routes().Root(key) {
			t.Error("two nodes name different roots")
		}
		c.stop(false)
		b.stop(false)
		a.stop(false)
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestAloneConvergesAsSoonAsDiscoveryIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNetwork(t).start(1, 1)
		pass(5 * time.Second)
		if isClosed(a.router.Converged()) {
			t.Error("converged while discovery was looking")
		}
		a.router.DiscoveryQuiet(t.Context())
		took := within(t, time.Second, "converged", func() bool { return isClosed(a.router.Converged()) })
		if took > 0 {
			t.Errorf("took %v, want no time", took)
		}
		a.stop(false)
	})
}

func TestDiscoveryHintsMakeAMeshOfTwenty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var nodes []*node
		for i := range uint64(20) {
			nodes = append(nodes, n.start(i+1, 1))
		}
		for i, x := range nodes[1:] { // a chain: each knows only the one before
			x.router.Candidate(nodes[i].addr, nodes[i].id)
		}
		for _, x := range nodes {
			x.router.DiscoveryQuiet(t.Context())
		}
		within(t, 4*time.Second, "mesh", meshed(nodes...))
		within(t, 4*time.Second, "converged", func() bool {
			return !slices.ContainsFunc(nodes, func(x *node) bool { return !isClosed(x.router.Converged()) })
		})
		pass(30 * time.Second)
		if !meshed(nodes...)() {
			t.Error("the mesh did not last")
		}
		for _, x := range nodes {
			x.checkChanges(t)
			x.stop(false)
		}
	})
}

func trio(t *testing.T) (*network, *node, *node, *node) {
	t.Helper()
	n := newNetwork(t)
	a := n.start(1, 1)
	b := n.start(2, 1, a.addr)
	c := n.start(3, 1, a.addr)
	within(t, time.Second, "mesh", meshed(a, b, c))
	pass(3 * time.Second)
	return n, a, b, c
}

func finish(nodes ...*node) {
	for _, x := range nodes {
		x.checkChanges(x.net.t)
		x.stop(false)
	}
}

func TestLeaveIsHeardAtOnceAndFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		c.stop(false)
		took := within(t, time.Second, "left", func() bool { return misses(a, c)() && misses(b, c)() })
		if took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		for l := range c.linksOf() {
			l.Close(wire.CodeLeave, "bye")
		}
		pass(30 * time.Second)
		for _, x := range []*node{a, b} {
			if got := x.reasons(c); !slices.Equal(got, []string{"left"}) {
				t.Errorf("down for %q, want left, once", got)
			}
		}
		finish(a, b)
	})
}

// linksOf ranges over the present links of x.
func (x *node) linksOf() func(func(link) bool) {
	return slices.Values(x.Links())
}

func TestKilledNodeIsGoneSoonWhenItsPortRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		c.stop(true)
		took := within(t, 4*time.Second, "down", func() bool { return misses(a, c)() && misses(b, c)() })
		if took > 2500*time.Millisecond {
			t.Errorf("took %v, want a second's silence and a refusal", took)
		}
		if got := a.reasons(c); !slices.Equal(got, []string{"port refused"}) {
			t.Errorf("down for %q", got)
		}
		pass(2 * time.Minute)
		if got := a.reasons(c); len(got) != 1 {
			t.Errorf("down for %q, want once", got)
		}
		finish(a, b)
	})
}

func TestKilledNodeIsGoneWithoutRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, c := trio(t)
		n.mute = true
		c.stop(true)
		within(t, 5*time.Second, "down", func() bool { return misses(a, c)() && misses(b, c)() })
		if !sees(a, b, Alive)() || !sees(b, a, Alive)() {
			t.Error("a healthy node was accused")
		}
		finish(a, b)
	})
}

func TestLostLinkIsRedialledWithoutADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		for range 5 {
			a.Link(b.id).Close(wire.CodeInternal, "test")
			within(t, time.Second, "new link", func() bool { return a.Link(b.id) != nil && sees(a, b, Alive)() && sees(b, a, Alive)() })
			pass(5 * time.Second)
		}
		if len(a.reasons(b)) > 0 || len(b.reasons(a)) > 0 {
			t.Error("a link that was made again is not a death")
		}
		finish(a, b, c)
	})
}

func TestOneWayCutIsSeenByBothAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		a.setCut(b, true)
		within(t, 5*time.Second, "both suspect", func() bool { return sees(a, b, Suspect)() && sees(b, a, Suspect)() })
		pass(30 * time.Second)
		if len(a.reasons(b)) > 0 || len(b.reasons(a)) > 0 {
			t.Error("c reaches both: nobody is dead")
		}
		a.setCut(b, false)
		within(t, 10*time.Second, "healed", func() bool { return sees(a, b, Alive)() && sees(b, a, Alive)() })
		finish(a, b, c)
	})
}

func TestPartitionHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		for _, cut := range []bool{true, false} {
			for _, x := range []*node{a, b} {
				x.setCut(c, cut)
				c.setCut(x, cut)
			}
			if cut {
				within(t, 5*time.Second, "apart", func() bool { return misses(a, c)() && misses(b, c)() && misses(c, a, b)() })
				if !sees(a, b, Alive)() {
					t.Error("a and b are together")
				}
				pass(30 * time.Second)
			}
		}
		within(t, 10*time.Second, "whole", meshed(a, b, c))
		pass(5 * time.Second)
		if !meshed(a, b, c)() {
			t.Error("it did not last")
		}
		finish(a, b, c)
	})
}

func TestNewIncarnationReplacesTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, c := trio(t)
		n.mute = true
		c.stop(true)
		c2 := n.start(3, 2, a.addr)
		within(t, 2*time.Second, "rejoined", func() bool {
			p, ok := a.router.Routes().Peer(c.id)
			q, ok2 := b.router.Routes().Peer(c.id)
			return ok && ok2 && p.Incarnation == 2 && q.Incarnation == 2
		})
		if got := a.reasons(c); !slices.Equal(got, []string{"restarted"}) {
			t.Errorf("down for %q", got)
		}
		a.router.tell(&leaveIn{from: c.id, incarnation: 1}) // late news of the old one
		a.router.tell(&opinion{peer: c.id, incarnation: 1, change: 3})
		pass(10 * time.Second)
		if !meshed(a, b, c2)() {
			t.Error("old news hurt the new incarnation")
		}
		finish(a, b, c2)
	})
}

func TestRouterLearnsAnewAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		before := a.router.Routes().Version()
		a.router.tell(&refusedCrash)
		within(t, time.Second, "back", func() bool { return a.router.kid(b.id) != nil && a.router.kid(c.id) != nil })
		pass(10 * time.Second)
		if !meshed(a, b, c)() || len(a.reasons(b)) > 0 || len(b.reasons(a)) > 0 {
			t.Error("a crash of the router cost peers")
		}
		if got := a.router.Routes().Version(); got < before {
			t.Errorf("version went back from %d to %d", before, got)
		}
		c.stop(false)
		within(t, time.Second, "left", misses(a, c))
		finish(a, b)
	})
}

// refusedCrash makes the router panic: a link that is nil.
var refusedCrash = linkUp{}

func TestPeerActorStartsAfreshAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		a.sys.Send(a.router.kid(b.id), nil, &relinked{link: nil})
		a.sys.Send(a.router.kid(b.id), nil, &resultIn{})
		a.sys.Events().Publish(&actor.Restart{PID: a.router.kid(b.id)})
		pass(10 * time.Second)
		if !meshed(a, b, c)() || !sees(a, b, Alive)() || len(a.reasons(b)) > 0 {
			t.Error("a crash of a peer actor cost the peer")
		}
		c.stop(true)
		b.stop(true)
		within(t, 4*time.Second, "both down", misses(a, b, c))
		finish(a)
	})
}

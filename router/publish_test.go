package router

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"iris/internal/id"
)

// checkChanges replays what the subscriber got and compares it with the routes.
func (x *node) checkChanges(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.changes) == 0 {
		t.Error("the subscriber was told nothing")
		return
	}
	have := map[id.ID]State{}
	version := uint64(0)
	for i, c := range x.changes {
		if i > 0 && c.Routes.Version() != version+1 {
			t.Errorf("version %d after %d", c.Routes.Version(), version)
		}
		version = c.Routes.Version()
		for _, n := range c.Down {
			if _, ok := have[n]; !ok {
				t.Errorf("%v down before up", n)
			}
			delete(have, n)
		}
		for _, n := range c.Idle {
			if _, ok := have[n]; !ok {
				t.Errorf("%v idle before up", n)
			}
			delete(have, n)
		}
		for _, n := range c.Up {
			if _, ok := have[n]; ok {
				t.Errorf("%v up twice", n)
			}
			have[n] = Alive
		}
		for _, n := range c.Suspected {
			have[n] = Suspect
		}
		for _, n := range c.Recovered {
			have[n] = Alive
		}
		if !c.Routes.valid() {
			t.Errorf("invalid routes %v", c.Routes.ring)
		}
	}
	want := map[id.ID]State{}
	for _, p := range x.changes[len(x.changes)-1].Routes.Peers() {
		want[p.ID] = p.State
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("changes do not add up (-routes +replayed):\n%s", d)
	}
}

// A subscriber that comes while a change is pending is told everything once.
func TestSubscriberOfAPendingChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, c := trio(t)
		late := &node{fakeEndpoint: a.fakeEndpoint, sys: a.sys}
		pid, l := late.listener(), a.Link(b.id)
		n.mu.Lock() // the router stops at the first message until the others are there
		a.router.tell(&linkUp{l})
		a.router.tell(&missed{})
		a.router.Subscribe(pid)
		n.mu.Unlock()
		pass(time.Second)
		late.checkChanges(t)
		finish(a, b, c)
	})
}

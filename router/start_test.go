package router

import (
	"context"
	"testing"
	"testing/synctest"

	"iris/actor"
	"iris/internal/id"
)

// The actor iris/router starts before those that it works with, and says nothing to them
// until they are there: a start leaves no dead letters.
func TestAStartLeavesNoDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self := id.ID{Hi: 1, Lo: 1}
		e := &fakeEndpoint{net: newNetwork(t), id: self, incarnation: 1, addr: "192.0.2.1:4001", links: map[id.ID]*fakeLink{}}
		sys := actor.NewSystem(actor.Options{Node: self.String(), Incarnation: 1})
		r := newRouter(Config{System: sys, Prober: fakeProber{e.net}}, e)
		if _, err := sys.Service("router", actor.Of(func() actor.Actor { return newMembership(r) })); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // as if the others took their time
		if d := sys.Counters().Dropped; len(d) > 0 {
			t.Errorf("dropped %v", d)
		}
		if err := sys.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

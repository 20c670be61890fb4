package topics

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// Members come in many registrations and end on their own, all at about the same time. What that costs must not grow
// with the square of their number: this would take minutes.
func TestManyMembersEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members = 20_000
		f := newFabric(t, 2)
		props := actor.Func(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case string:
				ctx.Stop(ctx.Self())
			case actor.Bytes:
				ctx.Respond(actor.Bytes("y"))
			}
		})
		var all []*Registration
		for range members / 50 {
			all = append(all, f.nodes[0].serve(t, "many", props, 50))
		}
		g := f.nodes[0].find(wire.GroupCluster, "many")
		if n := len(*g.local.Load()); n != members {
			t.Fatalf("%d members, want %d", n, members)
		}
		f.nodes[1].ask(t, "many", "x")
		for _, r := range all {
			for _, m := range r.members {
				f.nodes[0].sys.Send(m.pid, nil, "end")
			}
		}
		<-time.After(time.Second)
		if n := len(*g.local.Load()); n != 0 {
			t.Errorf("%d members left", n)
		}
		if _, err := f.nodes[1].Request(t.Context(), "many", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrNoMembers) {
			t.Errorf("a request when all have ended: %v, want ErrNoMembers", err)
		}
	})
}

package topics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/topics/tree"
	"iris/transport/wire"
)

func TestLeavingUnderLoadFailsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		var regs []*Registration
		slow := func(n *node) *actor.Props {
			return actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					<-time.After(5 * time.Millisecond)
					ctx.Respond(actor.Bytes(n.id.Short()))
				}
			})
		}
		for _, n := range f.nodes[:3] {
			regs = append(regs, n.serve(t, "c", slow(n), 2))
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var failed, served atomic.Int64
		for _, n := range f.nodes {
			for range 3 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if _, err := n.Request(t.Context(), "c", actor.Bytes("x"), Options{}); err != nil {
							failed.Add(1)
							t.Errorf("request: %v", err)
							return
						}
						served.Add(1)
					}
				})
			}
		}
		for _, r := range regs[:2] {
			<-time.After(300 * time.Millisecond)
			if err := r.Leave(t.Context()); err != nil {
				t.Errorf("leave: %v", err)
			}
			for _, m := range r.members {
				if n := m.inFlight.Load(); n != 0 {
					t.Errorf("%d requests in flight after Leave", n)
				}
			}
			for _, n := range f.nodes {
				for _, e := range n.find(wire.GroupCluster, "c").view.Load().Entries {
					if e.Node == r.t.self {
						t.Errorf("node %v still lists the node that left", n.id.Short())
					}
				}
			}
		}
		<-time.After(300 * time.Millisecond)
		close(stop)
		wg.Wait()
		if failed.Load() > 0 || served.Load() < 500 {
			t.Errorf("%d failed of %d", failed.Load(), served.Load())
		}
	})
}

// Of two members on a node the one that leaves gets no requests any more, however long it takes
// until everybody knows: the other one is there to serve.
func TestWhoStaysServesForWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		root, server := f.root(tree.Key(wire.Group{Kind: wire.GroupCluster, Name: "c"})), f.nodes[0]
		if server == root {
			server = f.nodes[1]
		}
		var leaving atomic.Bool
		member := func(leaves bool) *actor.Props {
			return actor.Func(func(ctx actor.Context) {
				switch m, ok := ctx.Message().(actor.Bytes); {
				case !ok:
				case leaves && leaving.Load():
					actor.Defer(ctx).Refuse(actor.ErrDraining)
				default:
					ctx.Respond(m)
				}
			})
		}
		reg := server.serve(t, "c", member(true), 1)
		server.serve(t, "c", member(false), 1)
		server.warm(t, "c")
		joins := func(fr wire.Frame) bool { _, is := fr.(*wire.GroupJoin); return is }
		server.Link(root.id).(*pipe).drop.Store(&joins)
		leaving.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left := make(chan error, 1)
		go func() { left <- reg.Leave(ctx) }()
		synctest.Wait()
		for range 50 {
			if _, err := server.Request(t.Context(), "c", actor.Bytes("x"), Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-left; err == nil {
			t.Error("the root knows already")
		}
	})
}

// An asker that does not hear of a departure in time, because its machine is busy, finds
// out by refusals. It may have sent many requests by then; all of them are taken elsewhere,
// and nothing is taken for an overload.
func TestLateNewsOfADepartureFailsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		root := f.root(tree.Key(wire.Group{Kind: wire.GroupCluster, Name: "c"}))
		slow := actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				<-time.After(time.Millisecond)
				ctx.Respond(m)
			}
		})
		var asker *node
		var regs []*Registration
		for _, n := range f.nodes {
			if asker == nil && n != root {
				asker = n
				continue
			}
			regs = append(regs, n.serve(t, "c", slow, 1))
		}
		asker.warm(t, "c")
		news := func(fr wire.Frame) bool { _, is := fr.(*wire.GroupView); return is }
		root.Link(asker.id).(*pipe).drop.Store(&news)
		if err := regs[0].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		resume := make(chan struct{})
		refusals := func(wire.Frame) bool { <-resume; return false }
		regs[0].t.net.Link(asker.id).(*pipe).drop.Store(&refusals)
		var wg sync.WaitGroup
		for range 150 { // a third of them to the node that left, more than the budget has
			wg.Go(func() {
				if _, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{}); err != nil {
					t.Errorf("request: %v", err)
				}
			})
		}
		synctest.Wait()
		close(resume)
		wg.Wait()
		if o := seen[*actor.Overloaded](asker); len(o) > 0 {
			t.Errorf("overloaded events: %+v", o)
		}
	})
}

func TestKilledNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		hang := actor.Func(func(actor.Context) {})
		for _, n := range f.nodes[:3] {
			n.serve(t, "c", hang, 1)
		}
		victim := f.nodes[1]
		errs := make(chan error, 90)
		for range 90 {
			go func() {
				_, err := f.nodes[3].Request(t.Context(), "c", actor.Bytes("x"), Options{})
				errs <- err
			}()
		}
		synctest.Wait()
		f.kill(victim)
		lost, timeout := 0, 0
		for range 90 {
			switch err := <-errs; {
			case errors.Is(err, actor.ErrLost):
				lost++
			case errors.Is(err, actor.ErrTimeout):
				timeout++
			default:
				t.Errorf("error %v", err)
			}
		}
		if lost == 0 || timeout == 0 {
			t.Errorf("%d lost, %d timed out", lost, timeout)
		}
		for _, e := range f.nodes[3].find(wire.GroupCluster, "c").view.Load().Entries {
			if e.Node == victim.id {
				t.Error("the dead node is still listed")
			}
		}
		if l := seen[*actor.MemberLeft](f.nodes[3]); len(l) != 1 {
			t.Errorf("member events: %+v", l)
		}
	})
}

func TestNamesOfActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		var handled atomic.Int64
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, &handled), 2)
		}
		n := f.nodes[2]
		var failures, replies atomic.Int64
		a := n.sys.Spawn(actor.Func(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.Request(actor.Cluster(m), actor.Bytes("x"))
			case int:
				ctx.Send(actor.Cluster("c"), actor.Bytes("tell"))
			case bool:
				ctx.Send(actor.Members("c"), actor.Bytes("all"))
			case actor.Bytes:
				replies.Add(1)
			case *actor.RequestFailed:
				if errors.Is(m.Err, actor.ErrNoMembers) {
					failures.Add(1)
				}
			}
		}))
		for range 20 {
			n.sys.Send(a, nil, "c")
			n.sys.Send(a, nil, "nobody")
		}
		synctest.Wait()
		<-time.After(time.Second)
		synctest.Wait()
		if replies.Load() != 20 || failures.Load() != 20 {
			t.Errorf("%d replies, %d failures", replies.Load(), failures.Load())
		}
		handled.Store(0)
		for range 10 {
			n.sys.Send(a, nil, 1)
		}
		n.sys.Send(a, nil, true)
		synctest.Wait()
		if got := handled.Load(); got != 14 {
			t.Errorf("%d deliveries of 10 sends to one and one to four", got)
		}
	})
}

func TestRestartedTreeLearnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		f.nodes[2].ask(t, "c", "x")
		for _, n := range f.nodes {
			n.sys.Events().Publish(&actor.Restart{PID: actor.NewPID(n.id.String(), "iris/topics/tree/cluster/c")})
		}
		<-time.After(time.Minute)
		for _, n := range f.nodes {
			got := map[string]bool{}
			for range 40 {
				got[n.ask(t, "c", "x")] = true
			}
			if len(got) != 2 {
				t.Errorf("node %v reaches %v", n.id.Short(), got)
			}
		}
	})
}

func TestRestartedSupervisorLearnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		f.nodes[2].ask(t, "c", "x")
		for _, n := range f.nodes {
			n.sys.Events().Publish(&actor.Restart{PID: n.PID()})
		}
		<-time.After(time.Minute)
		for _, n := range f.nodes {
			got := map[string]bool{}
			for range 40 {
				got[n.ask(t, "c", "x")] = true
			}
			if len(got) != 2 {
				t.Errorf("node %v reaches %v", n.id.Short(), got)
			}
		}
	})
}

func TestStopLeavesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		n := f.nodes[0]
		for i := range 20 {
			n.serve(t, fmt.Sprintf("c%d", i), echo(n, nil), 1)
			if got := f.nodes[1].ask(t, fmt.Sprintf("c%d", i), "x"); got == "" {
				t.Fatal("no answer")
			}
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Errorf("second stop: %v", err)
		}
		for i := range 20 {
			if _, err := f.nodes[1].Request(t.Context(), fmt.Sprintf("c%d", i), actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("cluster c%d after stop: %v", i, err)
			}
		}
		if _, err := n.Request(t.Context(), "other", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrClosed) {
			t.Errorf("request after stop: %v", err)
		}
	})
}

func TestIdleGroupsVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for i := range 50 {
			_, _ = f.nodes[i%3].Request(t.Context(), fmt.Sprintf("nobody%d", i), actor.Bytes("x"), Options{})
		}
		<-time.After(3 * time.Minute)
		synctest.Wait()
		for _, n := range f.nodes {
			if g := n.all(); len(g) > 0 {
				t.Errorf("node %v still knows %d groups, for example %s", n.id.Short(), len(g), g[0].name())
			}
			if kids := n.sys.Stats().Actors; kids > 10 {
				t.Errorf("%d actors left", kids)
			}
		}
	})
}

func TestPeerCannotMakeGroupsWithoutBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		n, peer := f.nodes[0], f.nodes[1]
		n.perPeer = 10
		for i := range 100 {
			g := wire.Group{Kind: wire.GroupTopic, Name: fmt.Sprint("t", i)}
			n.handlers[wire.KindGroupLookup](peer.id, &wire.GroupLookup{Seq: 1, Group: g})
			n.handlers[wire.KindGroupPull](peer.id, &wire.GroupPull{Seq: 1, Group: wire.Group{Kind: wire.GroupTopic, Name: fmt.Sprint("p", i)}})
			n.handlers[wire.KindGroupView](peer.id, &wire.GroupView{PushSeq: 1, Group: wire.Group{Kind: wire.GroupTopic, Name: fmt.Sprint("v", i)}})
			n.handlers[wire.KindGroupAck](peer.id, &wire.GroupAck{Seq: uint64(i) << 32})
		}
		synctest.Wait()
		if got := len(n.all()); got != 10 {
			t.Errorf("a peer made %d groups, the bound is 10", got)
		}
		<-time.After(time.Minute)
		n.handlers[wire.KindGroupLookup](peer.id, &wire.GroupLookup{Seq: 1, Group: wire.Group{Kind: wire.GroupTopic, Name: "later"}})
		synctest.Wait()
		if got := len(n.all()); got != 1 {
			t.Errorf("%d groups after the others expired, want 1", got)
		}
	})
}

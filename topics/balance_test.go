package topics

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/balance"
	"iris/topics/tree"
	"iris/transport/wire"
)

// entries makes a member list of n nodes that are not in the fabric.
func entries(n int, each func(i int, e *wire.Entry)) *tree.View {
	v := &tree.View{Settled: true, Until: time.Now().Add(time.Hour)}
	for i := range n {
		e := wire.Entry{Node: id.Hash("member", fmt.Sprint(i)), Epoch: 1, Members: 1}
		if each != nil {
			each(i, &e)
		}
		v.Entries = append(v.Entries, e)
	}
	return v
}

// chosenOf makes n choices by the list and counts them per node.
func chosenOf(g *group, n int) map[id.ID]int {
	got := map[id.ID]int{}
	for range n {
		c, ok := g.choose(time.Now(), nil)
		if !ok {
			return got
		}
		got[c.node]++
		c.done(balance.Withdrawn, actor.Load{})
	}
	return got
}

func TestWhatTheListSaysReachesTheBalancer(t *testing.T) {
	for _, c := range []struct {
		name string
		zone string
		list *tree.View
		load func(g *group, v *tree.View)
		want func(v *tree.View, got map[id.ID]int) bool
	}{
		{
			name: "own zone first", zone: "here",
			list: entries(10, func(i int, e *wire.Entry) { e.Zone = []string{"there", "here"}[i%2] }),
			want: func(v *tree.View, got map[id.ID]int) bool {
				for i, e := range v.Entries {
					if i%2 == 0 && got[e.Node] > 0 {
						return false
					}
				}
				return len(got) == 5
			},
		},
		{
			name: "not those who drain",
			list: entries(10, func(i int, e *wire.Entry) { e.Draining = i > 0 }),
			want: func(v *tree.View, got map[id.ID]int) bool { return len(got) == 1 && got[v.Entries[0].Node] > 0 },
		},
		{
			name: "not those who say that they drain",
			list: entries(4, nil),
			load: func(g *group, v *tree.View) { g.report(v.Entries[2].Node, wire.Load{Draining: true}) },
			want: func(v *tree.View, got map[id.ID]int) bool { return len(got) == 3 && got[v.Entries[2].Node] == 0 },
		},
		{
			name: "nobody if all drain",
			list: entries(3, func(_ int, e *wire.Entry) { e.Draining = true }),
			want: func(_ *tree.View, got map[id.ID]int) bool { return len(got) == 0 },
		},
		{
			name: "everybody of 1000",
			list: entries(1000, nil),
			want: func(_ *tree.View, got map[id.ID]int) bool { return len(got) > 500 },
		},
		{
			name: "a subset of more",
			list: entries(1001, nil),
			want: func(_ *tree.View, got map[id.ID]int) bool { return len(got) >= 64 && len(got) <= 128 },
		},
		{
			name: "by weight",
			list: entries(3, func(i int, e *wire.Entry) { e.Weight = uint32(1 + 7*(i/2)) }),
			want: func(v *tree.View, got map[id.ID]int) bool { return 2*got[v.Entries[2].Node] > 3*got[v.Entries[0].Node] },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFabric(t, 1).nodes[0]
				n.zone = c.zone
				g := newGroup(n.Topics, wire.Group{Kind: wire.GroupCluster, Name: "c"})
				g.install(c.list)
				if len(c.list.Entries) <= 10 { // members without a link are all doubtful, and treated alike
					for _, e := range c.list.Entries {
						n.mu.Lock()
						n.links[e.Node] = newPipe(n, n)
						n.mu.Unlock()
					}
				}
				if c.load != nil {
					c.load(g, c.list)
				}
				if got := chosenOf(g, 3000); !c.want(c.list, got) {
					t.Errorf("chosen: %v", got)
				}
			})
		})
	}
}

func TestCapacityOfALoad(t *testing.T) {
	for _, c := range []struct {
		load wire.Load
		want float64
	}{
		{wire.Load{}, 0},
		{wire.Load{Members: 4, LatencyMicros: 900}, 0}, // quicker than what says something
		{wire.Load{Members: 4, LatencyMicros: 10_000}, 400},
		{wire.Load{Members: 4, InFlight: 3, LatencyMicros: 10_000}, 400},
		{wire.Load{Members: 4, InFlight: 40, LatencyMicros: 100_000}, 400}, // queued: the same node
	} {
		if got := capacity(c.load); got != c.want {
			t.Errorf("%+v: %v a second, want %v", c.load, got, c.want)
		}
	}
}

// When everything fails, retries add at most a tenth and a burst to the load.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		release := make(chan struct{})
		var sent atomic.Int64
		count := func(fr wire.Frame) bool {
			if _, ok := fr.(*wire.Request); ok {
				sent.Add(1)
			}
			return false
		}
		asker := f.nodes[3]
		for _, n := range f.nodes[:3] {
			n.serve(t, "c", stuck(release), 1)
		}
		full := make(chan error, 12)
		for range cap(full) { // fills handlers and mailboxes
			go func() {
				_, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{})
				full <- err
			}()
			synctest.Wait()
		}
		for _, n := range f.nodes[:3] {
			asker.Link(n.id).(*pipe).drop.Store(&count)
		}
		const requests = 300
		for range requests {
			if _, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrOverloaded) {
				t.Fatalf("full members: %v", err)
			}
		}
		if n := sent.Load(); n < requests || n > requests+requests/10+12 {
			t.Errorf("%d frames for %d requests", n, requests)
		}
		if o := seen[*actor.Overloaded](asker); len(o) != 1 {
			t.Errorf("overloaded events: %+v", o)
		}
		close(release)
		for range cap(full) {
			<-full
		}
		<-time.After(2 * time.Second)
		for range 20 { // earns a retry
			asker.ask(t, "c", "x")
		}
		if !asker.find(wire.GroupCluster, "c").retry() {
			t.Error("the budget does not recover")
		}
		if r := seen[*actor.Relieved](asker); len(r) != 1 || r[0].Dropped < requests/2 {
			t.Errorf("relieved events: %+v", r)
		}
	})
}

// An idempotent request goes on without budget, but slower and slower.
func TestIdempotentRequestsPauseWithoutBudget(t *testing.T) {
	for _, why := range []error{actor.ErrOverloaded, actor.ErrNoActor} {
		t.Run(why.Error(), func(t *testing.T) { pausesWithoutBudget(t, why) })
	}
}

// pausesWithoutBudget sends to a member that refuses with why.
func pausesWithoutBudget(t *testing.T, why error) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		f.nodes[0].serve(t, "c", actor.Func(func(actor.Context) {}), 1)
		asker := f.nodes[1]
		asker.warm(t, "c")
		var sent atomic.Int64
		refuse := func(fr wire.Frame) bool {
			if r, ok := fr.(*wire.Request); ok {
				sent.Add(1)
				f.nodes[0].refuse(asker.id, r.ID, why, nil)
				return true
			}
			return false
		}
		asker.Link(f.nodes[0].id).(*pipe).drop.Store(&refuse)
		if _, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{Idempotent: true}); err == nil {
			t.Error("a member that refuses answered")
		}
		if n := sent.Load(); n < 12 || n > 30 {
			t.Errorf("sent %d times in 5 s", n)
		}
	})
}

// warm makes the node know the members.
func (n *node) warm(t testing.TB, cluster string) {
	t.Helper()
	if _, err := n.named(wire.GroupCluster, cluster); err != nil {
		t.Fatal(err)
	}
	if _, err := n.find(wire.GroupCluster, cluster).awaitView(t.Context()); err != nil {
		t.Fatal(err)
	}
}

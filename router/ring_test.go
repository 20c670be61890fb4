package router

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

var large = flag.Bool("large", false, "rings of 150 nodes, which take a minute")

// The form of the rings in these tests: small, so that few nodes are many.
const (
	testMesh = 4
	testLeaf = 8
)

// ring starts n nodes of a structured network, all at once, each of which knows
// the first ones as seeds.
func (n *network) ring(count int, cfg Config) (nodes []*node) {
	n.t.Helper()
	for i := range count {
		var seeds []string
		for _, x := range nodes[:min(len(nodes), 3)] {
			seeds = append(seeds, x.addr)
		}
		nodes = append(nodes, n.join(i, cfg, seeds...))
	}
	return nodes
}

// join starts one more node.
func (n *network) join(i int, cfg Config, seeds ...string) *node {
	n.t.Helper()
	cfg.Seeds = seeds
	x := n.startWith(id.Hash("node", string(rune('a'+i))), uint64(i+1), 1, cfg)
	x.router.DiscoveryQuiet(n.t.Context())
	return x
}

// oracle returns the closest of nodes.
func oracle(nodes []*node, key id.ID) id.ID {
	return slices.MinFunc(nodes, func(a, b *node) int {
		if id.Closer(key, a.id, b.id) {
			return -1
		}
		return 1
	}).id
}

// whole reports whether every node is active and has the right neighbours, and
// links to them.
func whole(nodes []*node, leaf int) func() bool {
	return func() bool { return fault(nodes, leaf) == "" }
}

// ringWithin waits until the ring is whole.
func ringWithin(t *testing.T, limit time.Duration, nodes []*node, leaf int) time.Duration {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(fault(nodes, leaf))
		}
	}()
	return within(t, limit, "ring", whole(nodes, leaf))
}

// fault says what is wrong with the ring, if anything.
func fault(nodes []*node, leaf int) string {
	ids := make([]id.ID, 0, len(nodes))
	for _, x := range nodes {
		ids = append(ids, x.id)
	}
	ids = sorted(ids)
	for _, x := range nodes {
		r := x.router.Routes()
		if !r.Active() || !r.valid() {
			return fmt.Sprintf("%v is not active, or invalid", x.id.Short())
		}
		at, _ := slices.BinarySearchFunc(ids, x.id, id.ID.Compare)
		want := perfect(ids, at, leaf).ring
		if len(ids) <= leaf {
			want = ids
		}
		if r.Structured() && !slices.Equal(want, r.ring) {
			return fmt.Sprintf("%v has the leaves\n%v, want\n%v", x.id.Short(), r.ring, want)
		}
		for _, n := range r.ring {
			if p, ok := r.Peer(n); n != x.id && (!ok || p.State != Alive) {
				return fmt.Sprintf("%v has the leaf %v without a link, or as a suspect", x.id.Short(), n.Short())
			}
		}
	}
	return ""
}

// checkRoots follows next hops from every node for some keys.
func checkRoots(t *testing.T, nodes []*node, keys int) {
	t.Helper()
	byID := map[id.ID]*node{}
	for _, x := range nodes {
		byID[x.id] = x
	}
	for k := range keys {
		key := id.Hash("key", string(rune('0'+k)))
		want := oracle(nodes, key)
		for _, x := range nodes {
			at := x
			for hops := 0; at != nil; hops++ {
				r := at.router.Routes()
				if root := r.Root(key); !root.IsZero() && root != want {
					t.Errorf("%v says that %v is the root of %v, want %v", at.id.Short(), root.Short(), key.Short(), want.Short())
				}
				next, self := r.NextHop(key)
				if self {
					if at.id != want {
						t.Errorf("the way of %v from %v ends at %v, want %v", key.Short(), x.id.Short(), at.id.Short(), want.Short())
					}
					break
				}
				if hops > 6 {
					t.Fatalf("%d hops", hops)
				}
				at = byID[next]
			}
			if at == nil {
				t.Errorf("a hop to a node that is not there")
			}
		}
	}
}

// located asks x for the root of key and waits for the answer.
func (x *node) located(t *testing.T, key id.ID) *Located {
	t.Helper()
	got := make(chan *Located, 1)
	x.sys.Spawn(actor.Func(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			x.router.Locate(key, ctx.Self())
		case *Located:
			got <- m
			ctx.Stop(ctx.Self())
		}
	}))
	return <-got
}

func TestRingOfThirtyStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(30, Config{MeshMax: testMesh, Leaf: testLeaf})
		took := ringWithin(t, 10*time.Second, nodes, testLeaf)
		t.Logf("whole after %v", took)
		within(t, 5*time.Second, "converged", func() bool {
			return !slices.ContainsFunc(nodes, func(x *node) bool { return !isClosed(x.router.Converged()) })
		})
		checkRoots(t, nodes, 40)
		for k := range 20 {
			key := id.Hash("place", string(rune('0'+k)))
			got := nodes[k].located(t, key)
			if want := oracle(nodes, key); got.Err != nil || got.Node != want {
				t.Errorf("Locate(%v) = %v, %v, want %v", key.Short(), got.Node.Short(), got.Err, want.Short())
			}
		}
		if got := nodes[3].located(t, nodes[17].id); got.Node != nodes[17].id {
			t.Errorf("a node is the root of its own id, got %v, %v", got.Node.Short(), got.Err)
		}
		pass(20 * time.Second)
		if !whole(nodes, testLeaf)() {
			t.Error("the ring did not last")
		}
		finish(nodes...)
	})
}

func TestRingGrowsNodeByNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var nodes []*node
		var slowest time.Duration
		for i := range 28 {
			var seeds []string
			if i > 0 {
				seeds = []string{nodes[i/2].addr}
			}
			nodes = append(nodes, n.join(i, Config{MeshMax: testMesh, Leaf: testLeaf}, seeds...))
			slowest = max(slowest, within(t, 3*time.Second, "converged", func() bool { return isClosed(nodes[i].router.Converged()) }))
			if !nodes[i].router.Routes().Active() {
				t.Fatal("converged without a place in the ring")
			}
		}
		t.Logf("the slowest converged after %v", slowest)
		ringWithin(t, 5*time.Second, nodes, testLeaf)
		checkRoots(t, nodes, 40)
		finish(nodes...)
	})
}

// A dead node gets a heartbeat within 1 s, has 1 s to answer and 3 s to be
// defended by others, unless its port refuses and did not do so before. Where all
// have to be waited for, who is taken into a leaf set in the place of a dead node
// may be dead too, and has its 3 s from then on.
func TestRingIsWholeSoonAfterSixOfTwentyFourDie(t *testing.T) {
	for _, c := range []struct {
		name string
		mute bool
		want time.Duration
	}{{"ports refuse", false, 5 * time.Second}, {"no word of hosts", true, 8 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				nodes := n.ring(24, Config{MeshMax: testMesh, Leaf: testLeaf})
				ringWithin(t, 10*time.Second, nodes, testLeaf)
				pass(10 * time.Second)
				n.mute = c.mute
				for _, x := range nodes[5:11] {
					x.stop(true)
				}
				left := slices.Concat(nodes[:5], nodes[11:])
				took := ringWithin(t, c.want, left, testLeaf)
				t.Logf("whole again after %v", took)
				pass(15 * time.Second) // others than neighbours are watched less closely
				checkRoots(t, left, 40)
				for _, x := range left {
					for _, y := range left {
						if r := x.reasons(y); len(r) > 0 {
							t.Errorf("%v buried %v: %q", x.id.Short(), y.id.Short(), r)
						}
					}
				}
				finish(left...)
			})
		})
	}
}

func TestRingHealsAfterAPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(24, Config{MeshMax: testMesh, Leaf: testLeaf})
		ringWithin(t, 10*time.Second, nodes, testLeaf)
		a, b := nodes[:12], nodes[12:]
		part := func(cut bool) {
			for _, x := range a {
				for _, y := range b {
					x.setCut(y, cut)
					y.setCut(x, cut)
				}
			}
		}
		part(true)
		took := within(t, 20*time.Second, "two rings", func() bool { return whole(a, testLeaf)() && whole(b, testLeaf)() })
		t.Logf("two rings after %v", took)
		pass(2 * time.Minute)
		part(false)
		took = ringWithin(t, 30*time.Second, nodes, testLeaf)
		t.Logf("one ring after %v", took)
		checkRoots(t, nodes, 20)
		finish(nodes...)
	})
}

func TestMeshBecomesStructuredAndAMeshAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		cfg := Config{MeshMax: 16, Leaf: testLeaf}
		nodes := n.ring(12, cfg)
		within(t, 5*time.Second, "mesh", meshed(nodes...))
		ringWithin(t, 5*time.Second, nodes, testLeaf)
		if nodes[0].router.Routes().Structured() {
			t.Error("twelve nodes are a mesh")
		}
		for i := 12; i < 24; i++ {
			nodes = append(nodes, n.join(i, cfg, nodes[0].addr))
		}
		structured := func(want bool) func() bool {
			return func() bool {
				return !slices.ContainsFunc(nodes, func(x *node) bool { return x.router.Routes().Structured() != want })
			}
		}
		took := within(t, 10*time.Second, "structured", structured(true))
		t.Logf("structured after %v", took)
		ringWithin(t, 5*time.Second, nodes, testLeaf)
		checkRoots(t, nodes, 20)
		for _, x := range nodes[10:] {
			x.stop(false)
		}
		nodes = nodes[:10]
		ringWithin(t, 5*time.Second, nodes, testLeaf)
		took = within(t, 30*time.Minute, "mesh again", structured(false))
		t.Logf("a mesh again after %v", took)
		within(t, 10*time.Second, "mesh", meshed(nodes...))
		finish(nodes...)
	})
}

func TestOverlayJoinsAnewAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(14, Config{MeshMax: testMesh, Leaf: testLeaf})
		ringWithin(t, 10*time.Second, nodes, testLeaf)
		x := nodes[4]
		x.router.toOverlay(&met{}) // a link that is nil
		restarted := func() bool {
			x.mu.Lock()
			defer x.mu.Unlock()
			return slices.ContainsFunc(x.events, func(e any) bool {
				f, ok := e.(*actor.HandlerFailed)
				return ok && f.PID.GetId() == x.router.overlay.GetId()
			})
		}
		within(t, time.Second, "crash", restarted)
		pass(10 * time.Second)
		if !whole(nodes, testLeaf)() {
			t.Error("a crash of the overlay actor cost the ring")
		}
		checkRoots(t, nodes, 20)
		finish(nodes...)
	})
}

func TestNodeThatStoodStillNamesNoRootsUntilItsLeavesAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(14, Config{MeshMax: testMesh, Leaf: testLeaf})
		ringWithin(t, 10*time.Second, nodes, testLeaf)
		x := nodes[6]
		synctest.Wait()
		x.mu.Lock()
		seen := len(x.changes)
		x.mu.Unlock()
		x.router.toOverlay(stood{})
		ringWithin(t, time.Second, nodes, testLeaf)
		x.mu.Lock()
		defer x.mu.Unlock()
		if !slices.ContainsFunc(x.changes[seen:], func(c *Changed) bool { return !c.Routes.Active() && c.Routes.Root(x.id).IsZero() }) {
			t.Error("it went on naming roots")
		}
	})
}

// More nodes than may be linked while there is no ring: several begin one.
func TestRingsOfManyThatBootTogetherMerge(t *testing.T) {
	count := 60
	if *large {
		count = 150
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var nodes []*node
		for i := range count {
			nodes = append(nodes, n.startWith(id.Hash("node", string(rune('a'+i))), uint64(i+1), 1, Config{MeshMax: testMesh, Leaf: testLeaf}))
		}
		for i, x := range nodes { // everybody has heard the beacons of some
			for d := 1; d <= 12; d++ {
				y := nodes[(i+d*d)%count]
				x.router.Candidate(y.addr, y.id)
			}
			x.router.DiscoveryQuiet(t.Context())
		}
		took := ringWithin(t, 60*time.Second, nodes, testLeaf)
		t.Logf("%d nodes are one ring after %v", count, took)
		checkRoots(t, nodes, 10)
		finish(nodes...)
	})
}

func TestAHelperWithoutALinkSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, c := trio(t)
		var said []*wire.ProbeResult
		n.tap = func(f wire.Frame) {
			if r, ok := f.(*wire.ProbeResult); ok {
				said = append(said, r)
			}
		}
		stranger := id.Hash("stranger")
		b.router.receive(b.Link(a.id).(*fakeLink), &wire.Probe{Seq: 1, Target: stranger})
		b.router.receive(b.Link(a.id).(*fakeLink), &wire.Probe{Seq: 2, Target: c.id})
		pass(time.Second)
		n.tap = nil
		if len(said) != 2 || said[0].Incarnation != 0 || said[0].Reached || said[1].Incarnation != 1 || !said[1].Reached {
			t.Errorf("answers %+v", said)
		}
		finish(a, b, c)
	})
}

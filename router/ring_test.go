package router

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
)

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
	return func() bool {
		ids := make([]id.ID, 0, len(nodes))
		for _, x := range nodes {
			ids = append(ids, x.id)
		}
		ids = sorted(ids)
		for _, x := range nodes {
			r := x.router.Routes()
			if !r.Active() || !r.valid() {
				return false
			}
			at, _ := slices.BinarySearchFunc(ids, x.id, id.ID.Compare)
			want := perfect(ids, at, leaf)
			if r.Structured() && (len(ids) > leaf && !slices.Equal(want.ring, r.ring) || len(ids) <= leaf && !slices.Equal(ids, r.ring)) {
				return false
			}
			for _, n := range r.ring {
				if p, ok := r.Peer(n); n != x.id && (!ok || p.State != Alive) {
					return false
				}
			}
		}
		return true
	}
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

func (x *node) linkCount() int {
	x.net.mu.Lock()
	defer x.net.mu.Unlock()
	return len(x.links)
}

func TestRingOfThirtyStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(30, Config{MeshMax: testMesh, Leaf: testLeaf})
		took := within(t, 10*time.Second, "ring", whole(nodes, testLeaf))
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

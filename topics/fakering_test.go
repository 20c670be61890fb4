package topics

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
	"iris/transport/wire"
)

// fakeRing is the fabric in the structured form: nodes are linked to their leaves
// and to whom they keep or post to, and know the root of keys near themselves only.
type fakeRing struct {
	leaf    int                // leaves on each side; 0: the mesh form
	wants   map[string][]id.ID // by node and owner
	ringMu  sync.Mutex         // guards the ring: who is alive, the wishes
	pending sync.WaitGroup
}

const (
	locating   = 3 * time.Millisecond // to ask the overlay
	connecting = 2 * time.Millisecond
	absent     = time.Second // until a node counts as unreached
)

// newRing makes n nodes in the structured form.
func newRing(t testing.TB, n, leaf int) *fabric {
	f := &fabric{t: t, fakeRing: fakeRing{leaf: leaf, wants: map[string][]id.ID{}}}
	for i := range n {
		f.add(i)
	}
	f.converge()
	t.Cleanup(f.close)
	return f
}

// live returns the ids of all live nodes, in order.
func (f *fabric) live() (ids []id.ID) {
	for _, n := range f.nodes {
		if !n.dead {
			ids = append(ids, n.id)
		}
	}
	slices.SortFunc(ids, id.ID.Compare)
	return ids
}

func (f *fabric) node(k id.ID) *node {
	for _, n := range f.nodes {
		if n.id == k && !n.dead {
			return n
		}
	}
	return nil
}

// root returns the live node nearest to the key of the group.
func (f *fabric) root(key id.ID) *node {
	var best id.ID
	for _, k := range f.live() {
		if best.IsZero() || id.Closer(key, k, best) {
			best = k
		}
	}
	return f.node(best)
}

// leaves returns the neighbours of n on the ring.
func (f *fabric) leaves(n *node) []id.ID {
	ids := f.live()
	at, size := slices.Index(ids, n.id), len(ids)
	var l []id.ID
	for i := 1; i <= f.leaf && i < size; i++ {
		l = append(l, ids[(at+i)%size], ids[(at+size-i)%size])
	}
	return l
}

// leafLinks links neighbours and tells every node how the ring is now.
func (f *fabric) leafLinks() {
	for _, n := range f.nodes {
		if n.dead {
			continue
		}
		for _, o := range f.leaves(n) {
			f.connect(n, f.node(o))
		}
	}
	for _, n := range f.nodes {
		if !n.dead {
			n.tellRing(nil, nil)
		}
	}
}

func (f *fabric) connect(a, b *node) {
	for _, p := range [][2]*node{{a, b}, {b, a}} {
		p[0].mu.Lock()
		if p[0].links[p[1].id] == nil {
			p[0].links[p[1].id] = newPipe(p[0], p[1])
		}
		p[0].mu.Unlock()
	}
}

// tellRing publishes the routes of a node in the structured form.
func (n *node) tellRing(down, unreached []id.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var peers []router.Peer
	for k := range n.links {
		peers = append(peers, router.Peer{ID: k})
	}
	ring := router.Ring{Leaves: n.f.leaves(n), Active: true, Size: len(n.f.live())}
	next := router.NewStructured(n.id, n.routes.Load().Version()+1, ring, peers)
	n.routes.Store(next)
	for _, s := range n.subs {
		n.sys.Send(s, nil, &router.Changed{Routes: next, Down: down, Unreached: unreached})
	}
}

// Locate, Keep and Post implement Router.
func (n *node) Locate(key id.ID, pid *actor.PID) {
	n.f.after(locating, func() {
		if n.dead {
			return
		}
		n.sys.Send(pid, nil, &router.Located{Key: key, Node: n.f.root(key).id})
	})
}

func (n *node) Keep(pid *actor.PID, nodes []id.ID) {
	if n.f.leaf == 0 {
		return // everybody has a link
	}
	n.f.after(connecting, func() {
		n.f.wants[n.id.String()+pid.GetId()] = nodes
		n.reachOut(nodes)
	})
}

// reachOut connects to nodes, or tells later that it cannot.
func (n *node) reachOut(nodes []id.ID) {
	if n.dead {
		return
	}
	fresh := false
	for _, k := range nodes {
		switch o := n.f.node(k); {
		case k == n.id || n.Link(k) != nil:
		case o != nil:
			n.f.connect(n, o)
			o.tellRing(nil, nil)
			fresh = true
		default:
			n.f.after(absent, func() {
				if !n.dead {
					n.tellRing(nil, []id.ID{k})
				}
			})
		}
	}
	if fresh {
		n.tellRing(nil, nil)
	}
}

func (n *node) Post(k id.ID, lane transport.Lane, f wire.Frame) error {
	if k == n.id || k.IsZero() || n.f.leaf == 0 && n.Link(k) == nil {
		return actor.ErrUnreachable
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.links[k]; l != nil && len(n.posts[k]) == 0 {
		return l.TrySend(lane, f)
	}
	if n.posts == nil {
		n.posts = map[id.ID][]posting{}
	}
	if n.posts[k] = append(n.posts[k], posting{lane, f}); len(n.posts[k]) == 1 {
		n.f.after(connecting, func() { n.mail(k) })
	}
	return nil
}

// posting is a frame for a node without a link.
type posting struct {
	lane  transport.Lane
	frame wire.Frame
}

// mail connects to k and sends what waits for it.
func (n *node) mail(k id.ID) {
	n.reachOut([]id.ID{k})
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.links[k]; l != nil {
		for _, p := range n.posts[k] {
			_ = l.TrySend(p.lane, p.frame)
		}
	}
	delete(n.posts, k)
}

// after does something on the goroutine that owns the ring: one thing at a time.
func (f *fabric) after(d time.Duration, do func()) {
	f.pending.Add(1)
	time.AfterFunc(d, func() {
		defer f.pending.Done()
		f.ringMu.Lock()
		defer f.ringMu.Unlock()
		do()
	})
}

// start adds a node to a ring that runs.
func (f *fabric) start(i int) *node {
	f.ringMu.Lock()
	n := f.add(i)
	f.leafLinks()
	f.ringMu.Unlock()
	synctest.Wait()
	return n
}

// end kills a node; those with a link to it notice after a while, as a death is
// confirmed first.
func (f *fabric) end(victims ...*node) {
	f.ringMu.Lock()
	var mourners [][2]*node
	for _, n := range victims {
		n.dead = true
	}
	for _, n := range victims {
		for _, o := range f.nodes {
			o.mu.Lock()
			if l := o.links[n.id]; l != nil && !o.dead {
				l.close()
				delete(o.links, n.id)
				mourners = append(mourners, [2]*node{o, n})
			}
			o.mu.Unlock()
		}
	}
	f.ringMu.Unlock()
	for _, n := range victims {
		n.shutdown()
	}
	f.after(300*time.Millisecond, func() {
		for _, m := range mourners {
			if !m[0].dead {
				m[0].sys.NodeLost(m[1].id.String())
				m[0].tellRing([]id.ID{m[1].id}, nil)
			}
		}
		f.leafLinks()
		for _, n := range f.nodes {
			for k, nodes := range f.wants {
				if !n.dead && len(k) > 32 && k[:32] == n.id.String() {
					n.reachOut(nodes)
				}
			}
		}
	})
}

func nodeID(i int) id.ID { return id.Hash("node", fmt.Sprint(i)) }

// askers request from the cluster "c" all the time.
type askers struct {
	stop   chan struct{}
	wg     sync.WaitGroup
	served atomic.Int64
}

// load lets nodes ask, each in two goroutines. Every error fails the test.
func (f *fabric) load(t *testing.T, nodes ...*node) *askers {
	a := &askers{stop: make(chan struct{})}
	for _, n := range nodes {
		for range 2 {
			a.wg.Go(func() {
				for {
					select {
					case <-a.stop:
						return
					case <-time.After(5 * time.Millisecond):
					}
					if _, err := n.Request(t.Context(), "c", actor.Bytes("x"), Options{}); err != nil {
						t.Errorf("request of %v: %v", n.id.Short(), err)
						return
					}
					a.served.Add(1)
				}
			})
		}
	}
	return a
}

// end stops them; they must have been served so often.
func (a *askers) end(t *testing.T, least int64) {
	close(a.stop)
	a.wg.Wait()
	if n := a.served.Load(); n < least {
		t.Errorf("%d requests served", n)
	}
}

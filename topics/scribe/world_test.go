package scribe

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
)

var start = time.Unix(1_000_000, 0)

// world drives the machines of one stripe through a deterministic network:
// 1-40 ms one way, order kept per pair, crashes noticed 100-600 ms later, routes
// up to 300 ms later.
type world struct {
	t      failer
	rnd    *rand.Rand
	now    time.Duration
	seq    int
	events worldEvents
	key    id.ID
	nodes  []*worldNode // sorted by id; dead ones stay
	hash   uint64
	joins  int
	split  bool // nodes of different sides do not reach each other
}

// failer is what the tests of testing and rapid share.
type failer interface{ Fatalf(string, ...any) }

type worldNode struct {
	id      id.ID
	m       *Machine
	alive   bool
	side    bool
	want    bool
	wake    time.Duration
	arrives map[id.ID]time.Duration // last arrival per receiver
	route   Route
}

type worldEvent struct {
	at  time.Duration
	seq int
	do  func()
}

type worldEvents []worldEvent

func (e worldEvents) Len() int { return len(e) }
func (e worldEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e worldEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *worldEvents) Push(x any)   { *e = append(*e, x.(worldEvent)) }
func (e *worldEvents) Pop() any     { o := *e; x := o[len(o)-1]; *e = o[:len(o)-1]; return x }

func newWorld(t failer, seed uint64, n int) *world {
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 2)), key: id.Hash("topic", fmt.Sprint(seed))}
	for range n {
		w.nodes = append(w.nodes, &worldNode{id: id.ID{Hi: w.rnd.Uint64(), Lo: w.rnd.Uint64()}, alive: true})
	}
	slices.SortFunc(w.nodes, func(a, b *worldNode) int { return a.id.Compare(b.id) })
	for _, v := range w.nodes {
		w.boot(v)
	}
	return w
}

// boot starts a machine without memory at a node.
func (w *world) boot(v *worldNode) {
	v.alive, v.wake, v.arrives = true, -1, map[id.ID]time.Duration{}
	v.m = New(Config{Self: v.id, Key: w.key, Rand: w.rnd, Cap: 4, RTT: func(n id.ID) time.Duration { return w.rtt(v.id, n) }})
	v.route = w.routeOf(v)
	w.step(v, v.route)
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, worldEvent{w.now + d, w.seq, do})
}

// rtt is 2-80 ms, the same both ways.
func (w *world) rtt(a, b id.ID) time.Duration {
	return 2*time.Millisecond + time.Duration((a.Lo^b.Lo)%78)*time.Millisecond
}

func (w *world) find(n id.ID) *worldNode {
	i, ok := slices.BinarySearchFunc(w.nodes, n, func(v *worldNode, n id.ID) int { return v.id.Compare(n) })
	if !ok {
		return nil
	}
	return w.nodes[i]
}

// routeOf is what a converged overlay would say to v.
func (w *world) routeOf(v *worldNode) Route {
	var near []*worldNode
	for _, x := range w.nodes {
		if x.alive && w.reaches(v, x) {
			near = append(near, x)
		}
	}
	slices.SortFunc(near, func(a, b *worldNode) int {
		if id.Closer(w.key, a.id, b.id) {
			return -1
		}
		return 1
	})
	r := Route{Root: near[0] == v}
	for _, x := range near[1:min(4, len(near))] {
		r.Leaves = append(r.Leaves, x.id)
	}
	if !r.Root {
		r.Next = near[0].id
		digits := func(n id.ID) int {
			d := 0
			for d < 16 && (n.Hi^w.key.Hi)>>(60-4*d) == 0 {
				d++
			}
			return d
		}
		var better []id.ID
		if !slices.Contains(near[:min(6, len(near))], v) {
			for _, x := range near {
				if digits(x.id) > digits(v.id) {
					better = append(better, x.id)
				}
			}
		}
		if len(better) > 0 {
			r.Next = slices.MinFunc(better, func(a, b id.ID) int { return int(w.rtt(v.id, a) - w.rtt(v.id, b)) })
		}
	}
	return r
}

// reroute lets everybody see the ring as it is, each after a while.
func (w *world) reroute() {
	for _, v := range w.nodes {
		if !v.alive {
			continue
		}
		if r := w.routeOf(v); r.Root != v.route.Root || r.Next != v.route.Next || !slices.Equal(r.Leaves, v.route.Leaves) {
			w.after(time.Duration(w.rnd.IntN(300))*time.Millisecond, func() {
				if v.alive {
					v.route = w.routeOf(v)
					w.step(v, v.route)
				}
			})
		}
	}
}

func (w *world) reaches(a, b *worldNode) bool { return !w.split || a.side == b.side }

// partition cuts the world in two for a time.
func (w *world) partition(d time.Duration) {
	w.split = true
	for _, v := range w.nodes {
		for _, x := range w.nodes {
			if v.alive && x.alive && !w.reaches(v, x) {
				w.after(time.Duration(100+w.rnd.IntN(500))*time.Millisecond, func() { w.step(v, Down{x.id}) })
			}
		}
	}
	w.after(300*time.Millisecond, w.reroute)
	w.run(d)
	w.split = false
	w.reroute()
}

// crash kills a node; others notice one after another.
func (w *world) crash(v *worldNode) {
	v.alive, v.want = false, false
	for _, x := range w.nodes {
		if x != v && x.alive {
			w.after(time.Duration(100+w.rnd.IntN(500))*time.Millisecond, func() {
				if x.alive && !v.alive {
					w.step(x, Down{v.id})
				}
			})
		}
	}
	w.after(300*time.Millisecond, w.reroute)
}

func (w *world) subscribe(v *worldNode, want bool) {
	v.want = want
	w.step(v, Subscribe{want})
}

func (w *world) step(v *worldNode, e Event) {
	var out Out
	v.m.Step(start.Add(w.now), e, &out)
	if err := v.m.Valid(); err != nil {
		w.t.Fatalf("%v at %v after %#v: %v", v.id.Short(), w.now, e, err)
	}
	for _, x := range []uint64{uint64(w.now), v.id.Lo, uint64(len(out.Sends)), v.m.parent.Lo, uint64(out.Wake.UnixNano())} {
		w.hash = (w.hash ^ x) * 0x100000001b3 // FNV
	}
	for _, s := range out.Sends {
		if _, ok := s.Msg.(*Join); ok {
			w.joins++
		}
		to := w.find(s.To)
		if to == nil {
			continue
		}
		at := max(w.now+w.rtt(v.id, s.To)/2, v.arrives[s.To]+1)
		v.arrives[s.To] = at
		w.after(at-w.now, func() {
			if to.alive && w.reaches(v, to) {
				w.step(to, Recv{v.id, s.Msg})
			}
		})
	}
	if !out.Wake.IsZero() {
		at := max(out.Wake.Sub(start), w.now)
		if v.wake < 0 || at < v.wake {
			v.wake = at
			w.after(at-w.now, func() {
				if v.wake == at && v.alive {
					v.wake = -1
					w.step(v, Tick{})
				}
			})
		}
	}
}

func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(worldEvent)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// check holds the tree to what must be true when nothing moves.
func (w *world) check() error {
	var root *worldNode
	for _, v := range w.nodes {
		if v.alive && v.m.route.Root {
			if root != nil {
				return fmt.Errorf("two roots")
			}
			root = v
		}
	}
	var members uint32
	for _, v := range w.nodes {
		if !v.alive {
			continue
		}
		if v.want {
			members++
		}
		if !v.m.inTree() && !v.m.Idle() && v.m.copy.root != root.id {
			return fmt.Errorf("%v keeps the copy of an old root", v.id.Short())
		}
		for _, c := range v.m.children {
			if x := w.find(c.node); !x.alive || x.m.parent != v.id {
				return fmt.Errorf("%v has a child that is none", v.id.Short())
			}
		}
		if !v.m.inTree() || v == root {
			continue
		}
		if !v.m.local && len(v.m.children) == 0 {
			return fmt.Errorf("%v forwards for nobody", v.id.Short())
		}
		hops, at := 0, v
		for at != root {
			up := w.find(at.m.parent)
			if hops++; up == nil || !up.alive || hops > 50 || up.m.child(at.id) < 0 {
				return fmt.Errorf("%v does not reach the root: %d hops, at %v", v.id.Short(), hops, at.id.Short())
			}
			at = up
		}
		if !v.m.rooted || len(v.m.path) != hops || v.m.path[hops-1] != root.id {
			return fmt.Errorf("%v has path %d long, is %d deep", v.id.Short(), len(v.m.path), hops)
		}
	}
	if root.m.size() != members {
		return fmt.Errorf("the root counts %d of %d members", root.m.size(), members)
	}
	return nil
}

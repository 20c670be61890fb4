package tree

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

var group = wire.Group{Kind: wire.GroupCluster, Name: "echo"}

// world runs the machines of several nodes for one group in virtual time:
// links are FIFO with random delays, ring changes reach each node at its own
// time, every invariant is checked after every step.
type world struct {
	t      fataler
	rnd    *rand.Rand
	now    time.Time
	queue  []*timed
	seq    int
	nodes  []*simNode
	nextID uint64
	shaken time.Time // last ring change anybody may not know of yet
	waiter uint64
	waits  map[uint64]func(n *simNode, c Code)
	sent   int
	group  wire.Group
	grove  *grove // of a topic
	leaf   int    // > 0: the structured form, each node knows so many others on each side
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

type timed struct {
	at  time.Time
	seq int
	do  func()
}

type simNode struct {
	w     *world
	id    id.ID
	m     *Machine
	alive bool
	known map[id.ID]bool // the ring as this node sees it, without itself
	wake  *timed
	last  map[id.ID]time.Time // arrival of the last frame per receiver: links are FIFO
	used  bool
	want  uint32 // members wanted
	ok    bool   // acknowledged since want last changed
	view  *View
}

const (
	maxDelay = 30 * time.Millisecond
	maxNews  = 60 * time.Millisecond // a ring change is known everywhere after this
	calm     = 500 * time.Millisecond
)

func newWorld(t fataler, seed uint64) *world {
	return &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 2)), now: time.Unix(1000, 0), waits: map[uint64]func(*simNode, Code){}, group: group,
	}
}

func (w *world) after(d time.Duration, do func()) *timed {
	w.seq++
	e := &timed{w.now.Add(d), w.seq, do}
	w.queue = append(w.queue, e)
	return e
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		var next *timed
		for _, e := range w.queue {
			if next == nil || e.at.Before(next.at) || e.at.Equal(next.at) && e.seq < next.seq {
				next = e
			}
		}
		if next == nil || next.at.After(end) {
			w.now = end
			return
		}
		w.queue = slices.DeleteFunc(w.queue, func(e *timed) bool { return e == next })
		w.now = next.at
		next.do()
	}
}

func (w *world) live() (l []*simNode) {
	for _, n := range w.nodes {
		if n.alive {
			l = append(l, n)
		}
	}
	return l
}

// start adds a node; the others and it learn of each other within maxNews.
func (w *world) start() *simNode {
	w.nextID++
	n := &simNode{
		w: w, id: id.Hash("node", fmt.Sprint(w.nextID, w.rnd.Uint64())), alive: true,
		known: map[id.ID]bool{}, last: map[id.ID]time.Time{},
	}
	n.reset()
	w.shake(0)
	for _, o := range w.live() {
		w.after(w.delay(maxNews), func() { o.learn(n, true) })
		w.after(w.delay(maxNews), func() { n.learn(o, true) })
	}
	w.nodes = append(w.nodes, n)
	return n
}

// reset gives the node a machine without memory, as after a crash of its actor.
func (n *simNode) reset() {
	n.m = New(Config{Self: n.id, Group: n.w.group, Index: uint32(n.w.nextID), Epoch: uint64(n.w.now.UnixMicro())})
	n.wake = nil
	n.step(n.ring(nil, nil))
}

func (w *world) crash(n *simNode) {
	n.alive = false
	w.shake(0)
	for _, o := range w.live() {
		w.after(w.delay(maxNews), func() { o.learn(n, false) })
	}
}

func (w *world) delay(limit time.Duration) time.Duration {
	return time.Duration(w.rnd.Int64N(int64(limit)))
}

func (n *simNode) learn(o *simNode, up bool) {
	if n.known[o.id] == up || up && !o.alive {
		return
	}
	if up {
		n.known[o.id] = true
		n.step(n.ring([]id.ID{o.id}, nil))
	} else {
		delete(n.known, o.id)
		n.step(n.ring(nil, []id.ID{o.id}))
	}
}

func (n *simNode) ring(up, down []id.ID) Ring {
	key := Key(n.w.group)
	all := slices.Collect(maps.Keys(n.known))
	all = append(all, n.id)
	slices.SortFunc(all, func(a, b id.ID) int {
		if id.Closer(key, a, b) {
			return -1
		}
		return 1
	})
	if n.w.leaf > 0 {
		return n.section(all, down)
	}
	return Ring{
		Root: all[0], Nearest: all[:min(len(all), 5)], Up: up, Down: down,
		Alive: func(o id.ID) bool { return o == n.id || n.known[o] },
	}
}

func (n *simNode) step(e Event) {
	w := n.w
	if !n.alive {
		return
	}
	var out Out
	n.m.Step(w.now, e, &out)
	if err := n.m.valid(); err != nil {
		w.t.Fatalf("node %v after %#v: %v", n.id.Short(), e, err)
	}
	n.view = out.View
	if out.Locate {
		w.locate(n)
	}
	if w.grove != nil {
		w.grove.follow(n, &out)
	}
	for _, s := range out.Sends {
		w.send(n, s)
	}
	if n.wake != nil {
		n.wake.do = func() {}
		n.wake = nil
	}
	if !out.Wake.IsZero() {
		n.wake = w.after(max(out.Wake.Sub(w.now), 0), func() {
			n.wake = nil
			n.step(Tick{Used: n.used})
		})
		if !out.Wake.After(w.now) {
			w.t.Fatalf("node %v wants to be woken at once after %#v", n.id.Short(), e)
		}
	}
	for _, a := range out.Answers {
		if do := w.waits[a.Waiter]; do != nil {
			delete(w.waits, a.Waiter)
			do(n, a.Code)
		}
	}
}

func (w *world) send(from *simNode, s Send) {
	w.sent++
	at := w.now.Add(w.delay(maxDelay))
	if at.Before(from.last[s.To]) {
		at = from.last[s.To]
	}
	from.last[s.To] = at
	w.after(at.Sub(w.now), func() {
		for _, n := range w.nodes {
			if n.id == s.To && n.alive {
				n.step(Recv{From: from.id, Frame: s.Frame})
			} else if n.id == s.To && w.leaf > 0 {
				w.after(unreached, func() { from.step(from.ring(nil, []id.ID{s.To})) })
			}
		}
	})
}

// join sets the members of n and calls then when the root has acknowledged.
func (w *world) join(n *simNode, members uint32, then func(Code)) {
	w.waiter++
	n.want, n.ok = members, false
	w.waits[w.waiter] = func(_ *simNode, c Code) {
		if n.want == members {
			n.ok = true
		}
		then(c)
	}
	n.step(Join{Members: members, Waiter: w.waiter})
}

func (w *world) ask(n *simNode, then func(Code)) {
	w.waiter++
	w.waits[w.waiter] = func(_ *simNode, c Code) { then(c) }
	n.step(Ask{Waiter: w.waiter})
}

// calm is how long after a change of the ring nothing is promised. In the structured
// form a member that left just then does not hear of the new root, which may know it from
// an old copy for a lease.
func (w *world) calm(members uint32) time.Duration {
	if w.leaf > 0 && members == 0 {
		return calm + 10*time.Second
	}
	return calm
}

// shake notes that nothing is promised until d from now.
func (w *world) shake(d time.Duration) {
	if t := w.now.Add(d); t.After(w.shaken) {
		w.shaken = t
	}
}

func has(v *View, n id.ID) bool {
	_, ok := find(v.Entries, n)
	return ok
}

// converged checks that every asker's view is the set of live members.
func (w *world) converged() {
	w.t.Helper()
	var want []id.ID
	for _, n := range w.live() {
		if n.want > 0 {
			want = append(want, n.id)
		}
	}
	slices.SortFunc(want, id.ID.Compare)
	for _, n := range w.live() {
		answered := false
		w.ask(n, func(c Code) { answered = c == CodeOK })
		w.run(time.Second)
		if !answered || !n.view.Live(w.now) {
			w.t.Fatalf("asker %v got no live view: %+v", n.id.Short(), n.view)
		}
		var got []id.ID
		for _, e := range n.view.Entries {
			got = append(got, e.Node)
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("asker %v sees %v, live members are %v", n.id.Short(), got, want)
		}
	}
}

func TestRegistrationIsKnownWhenItReturns(t *testing.T) {
	w := newWorld(t, 1)
	for range 5 {
		w.start()
	}
	w.run(time.Second)
	a, b := w.nodes[0], w.nodes[1]
	for _, n := range w.nodes {
		w.ask(n, func(Code) {})
	}
	w.run(100 * time.Millisecond)
	for _, n := range w.nodes {
		if v := n.view; !v.Live(w.now) || len(v.Entries) != 0 {
			t.Fatalf("asker %v has %+v, want a live empty view", n.id.Short(), v)
		}
	}
	for _, members := range []uint32{4, 2, 0} {
		done := 0
		w.join(a, members, func(Code) { done++ })
		w.join(b, members, func(Code) {
			done++
			for _, n := range w.nodes {
				if has(n.view, b.id) != (members > 0) {
					t.Fatalf("asker %v has %+v when joining with %d returned", n.id.Short(), n.view, members)
				}
			}
		})
		w.run(300 * time.Millisecond)
		if done != 2 {
			t.Fatalf("%d of 2 registrations returned", done)
		}
	}
}

func TestGroupsWithoutUseVanish(t *testing.T) {
	w := newWorld(t, 2)
	for range 4 {
		w.start()
	}
	w.run(time.Second)
	w.join(w.nodes[2], 1, func(Code) {})
	w.ask(w.nodes[3], func(Code) {})
	w.run(5 * time.Second)
	w.join(w.nodes[2], 0, func(Code) {})
	w.run(2 * time.Minute)
	for _, n := range w.nodes {
		if !n.m.idle() {
			t.Errorf("node %v is not idle: %+v", n.id.Short(), n.m)
		}
	}
	before := w.sent
	w.run(time.Hour)
	if w.sent != before {
		t.Errorf("%d frames sent by idle groups", w.sent-before)
	}
}

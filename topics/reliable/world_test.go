package reliable

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

var start = time.Unix(1_000_000, 0)

const stripes = 2

// failer is what the tests of testing and rapid share.
type failer interface{ Fatalf(string, ...any) }

// world drives the machines of one topic, trees and data, through a
// deterministic network: 1-40 ms one way, order kept per pair, crashes noticed
// 100-600 ms later, routes up to 600 ms later.
type world struct {
	t         failer
	rnd       *rand.Rand
	cfg       Config
	now       time.Duration
	seq       int
	events    worldEvents
	keys      [stripes]id.ID
	near      [stripes][]*worldNode // living nodes, nearest to the key first
	nodes     []*worldNode          // sorted by id; dead ones stay
	published map[Stream]written
	hash      uint64
	sent      map[string]int // messages by type
	frozen    bool           // crashes are not noticed
	cuts      map[[2]id.ID]cutLink
}

// cutLink is when the link of a pair was cut last, and when it is back.
type cutLink struct{ at, back time.Duration }

type worldNode struct {
	id      id.ID
	data    *Machine
	trees   [stripes]*scribe.Machine
	alive   bool
	want    bool
	since   time.Duration // of the subscription
	dataAt  time.Duration // wake-ups; -1 none
	treeAt  [stripes]time.Duration
	arrives map[id.ID]time.Duration
	routes  [stripes]scribe.Route
	got     map[Stream]*record
	born    int // incarnations
}

// record is what a subscriber got of a stream.
type record struct {
	first, next       uint64 // first seq seen, next expected
	delivered, gapped uint64
}

// written is how much an incarnation of a node published in a stream.
type written struct {
	n    uint64
	born int
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

func newWorld(t failer, seed uint64, n int, cfg Config) *world {
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 3)), cfg: cfg, published: map[Stream]written{}, sent: map[string]int{}, cuts: map[[2]id.ID]cutLink{}}
	for i := range stripes {
		w.keys[i] = scribe.StripeKey(id.Hash("topic", fmt.Sprint(seed)), i, stripes)
	}
	for range n {
		w.nodes = append(w.nodes, &worldNode{id: id.ID{Hi: w.rnd.Uint64(), Lo: w.rnd.Uint64()}, alive: true})
	}
	slices.SortFunc(w.nodes, func(a, b *worldNode) int { return a.id.Compare(b.id) })
	w.look()
	for _, v := range w.nodes {
		w.boot(v)
	}
	return w
}

// look sorts the living by their distance to the keys.
func (w *world) look() {
	for i, key := range w.keys {
		w.near[i] = w.near[i][:0]
		for _, v := range w.nodes {
			if v.alive {
				w.near[i] = append(w.near[i], v)
			}
		}
		slices.SortFunc(w.near[i], func(a, b *worldNode) int {
			if id.Closer(key, a.id, b.id) {
				return -1
			}
			return 1
		})
	}
}

// boot starts a node without memory.
func (w *world) boot(v *worldNode) {
	v.born++
	v.alive, v.dataAt, v.arrives = true, -1, map[id.ID]time.Duration{}
	rtt := func(n id.ID) time.Duration { return w.rtt(v.id, n) }
	cfg := w.cfg
	cfg.Self, cfg.Stripes, cfg.Rand, cfg.RTT = v.id, stripes, w.rnd, rtt
	v.data = New(cfg)
	for i := range stripes {
		v.treeAt[i] = -1
		v.trees[i] = scribe.New(scribe.Config{Self: v.id, Key: w.keys[i], Rand: w.rnd, Cap: 6, RTT: rtt})
		v.routes[i] = w.routeOf(v, i)
		w.tree(v, i, v.routes[i])
	}
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
		w.t.Fatalf("a message to %v", n)
	}
	return w.nodes[i]
}

// routeOf is what a converged overlay would say to v.
func (w *world) routeOf(v *worldNode, stripe int) scribe.Route {
	near := w.near[stripe]
	r := scribe.Route{Root: near[0] == v}
	for _, x := range near[1:min(4, len(near))] {
		r.Leaves = append(r.Leaves, x.id)
	}
	if r.Root {
		return r
	}
	r.Next = near[0].id
	if slices.Contains(near[:min(6, len(near))], v) {
		return r
	}
	key := w.keys[stripe]
	digits := func(n id.ID) (d int) {
		for d < 16 && (n.Hi^key.Hi)>>(60-4*d) == 0 {
			d++
		}
		return d
	}
	for _, x := range near {
		if digits(x.id) > digits(v.id) && (r.Next == near[0].id || w.rtt(v.id, x.id) < w.rtt(v.id, r.Next)) {
			r.Next = x.id
		}
	}
	return r
}

// reroute lets everybody see the ring as it is, each after a while.
func (w *world) reroute() {
	w.look()
	for _, v := range w.nodes {
		if !v.alive {
			continue
		}
		for i := range stripes {
			if r := w.routeOf(v, i); r.Root == v.routes[i].Root && r.Next == v.routes[i].Next && slices.Equal(r.Leaves, v.routes[i].Leaves) {
				continue
			}
			w.after(time.Duration(w.rnd.IntN(300))*time.Millisecond, func() {
				if v.alive {
					v.routes[i] = w.routeOf(v, i)
					w.tree(v, i, v.routes[i])
				}
			})
		}
	}
}

// crash kills a node; others notice one after another.
func (w *world) crash(v *worldNode) {
	v.alive, v.want, v.got = false, false, nil
	if w.frozen {
		return
	}
	for _, x := range w.nodes {
		if x != v && x.alive {
			w.after(time.Duration(100+w.rnd.IntN(500))*time.Millisecond, func() { w.down(x, v) })
		}
	}
	w.after(300*time.Millisecond, w.reroute)
}

// down tells x that it lost v.
func (w *world) down(x, v *worldNode) {
	if x.alive && !v.alive {
		w.lost(x, v)
	}
}

func (w *world) lost(x, v *worldNode) {
	for i := range stripes {
		w.tree(x, i, scribe.Down{Node: v.id})
	}
	w.step(x, Down{v.id})
}

func (w *world) subscribe(v *worldNode, want bool) {
	v.want, v.since, v.got = want, w.now, map[Stream]*record{}
	w.step(v, Local{want})
	for i := range stripes {
		w.tree(v, i, scribe.Subscribe{Want: want})
	}
}

func (w *world) publish(v *worldNode) {
	w.step(v, Publish{Body: wire.Body{Data: []byte("hello")}})
	w.published[v.data.own.Stream] = written{v.data.own.high, v.born}
}

// send carries a message in order; do runs at the receiver.
func (w *world) send(v *worldNode, to id.ID, msg any, do func(*worldNode)) {
	x, born, sentAt := w.find(to), v.born, w.now
	w.sent[fmt.Sprintf("%T", msg)]++
	at := max(w.now+w.rtt(v.id, to)/2, v.arrives[to]+1)
	v.arrives[to] = at
	w.after(at-w.now, func() {
		c, cut := w.cuts[pair(v, x)]
		if lost := cut && (sentAt <= c.at || w.now < c.back); x.alive && v.born == born && !lost {
			do(x)
		}
	})
}

func pair(a, b *worldNode) [2]id.ID {
	if a.id.Compare(b.id) > 0 {
		a, b = b, a
	}
	return [2]id.ID{a.id, b.id}
}

// cut loses what is on its way between two nodes, and what they send until the
// link is back; both notice that it was lost before that.
func (w *world) cut(a, b *worldNode) {
	w.cuts[pair(a, b)] = cutLink{w.now, w.now + 700*time.Millisecond}
	for _, x := range [][2]*worldNode{{a, b}, {b, a}} {
		w.after(time.Duration(50+w.rnd.IntN(500))*time.Millisecond, func() {
			if x[0].alive {
				w.lost(x[0], x[1])
			}
		})
	}
}

// tree steps a tree machine and lets the data follow it.
func (w *world) tree(v *worldNode, i int, e scribe.Event) {
	var out scribe.Out
	m := v.trees[i]
	m.Step(start.Add(w.now), e, &out)
	for _, s := range out.Sends {
		w.send(v, s.To, s.Msg, func(x *worldNode) { w.tree(x, i, scribe.Recv{From: v.id, Msg: s.Msg}) })
	}
	if out.Changed {
		t := m.Tree()
		w.step(v, Place{
			Stripe: i, InTree: t.Entry == v.id, Root: t.Root, Parent: t.Parent, Children: t.Children,
			Entry: t.Entry, Copies: t.Copies, Sample: t.Sample,
		})
	}
	for _, n := range out.Attaches {
		w.step(v, Attach{i, n})
	}
	w.wake(v, &v.treeAt[i], out.Wake, func() { w.tree(v, i, scribe.Tick{}) })
}

func (w *world) step(v *worldNode, e Event) {
	var out Out
	v.data.Step(start.Add(w.now), e, &out)
	if err := v.data.Valid(); err != nil {
		w.t.Fatalf("%v at %v after %#v: %v", v.id.Short(), w.now, e, err)
	}
	for _, x := range []uint64{uint64(w.now), v.id.Lo, uint64(len(out.Sends)), uint64(len(out.Ups)), uint64(out.Wake.UnixNano())} {
		w.hash = (w.hash ^ x) * 0x100000001b3 // FNV
	}
	for _, s := range out.Sends {
		w.send(v, s.To, s.Msg, func(x *worldNode) { w.step(x, Recv{v.id, s.Msg}) })
	}
	for _, u := range out.Ups {
		w.up(v, u)
	}
	w.wake(v, &v.dataAt, out.Wake, func() { w.step(v, Tick{}) })
}

// up holds what a subscriber gets to the contract.
func (w *world) up(v *worldNode, u Up) {
	if !v.want {
		w.t.Fatalf("%v got something without a subscription", v.id.Short())
	}
	k, from, to := u.Gap.Stream, u.Gap.From, u.Gap.To
	if u.Data != nil {
		k, from, to = u.Stream, u.Seq, u.Seq
	}
	r := v.got[k]
	if r == nil {
		r = &record{first: from, next: from}
		v.got[k] = r
	}
	if from > to || from < r.next || w.cfg.Reliable && from != r.next {
		w.t.Fatalf("%v at %v: got %d..%d of %v when %d was next", v.id.Short(), w.now, from, to, k.Publisher.Short(), r.next)
	}
	r.next = to + 1
	if u.Data != nil {
		r.delivered++
	} else {
		r.gapped += to - from + 1
	}
}

func (w *world) wake(v *worldNode, at *time.Duration, when time.Time, do func()) {
	if when.IsZero() {
		return
	}
	t, born := max(when.Sub(start), w.now), v.born
	if *at >= 0 && t >= *at {
		return
	}
	*at = t
	w.after(t-w.now, func() {
		if *at == t && v.alive && v.born == born {
			*at = -1
			do()
		}
	})
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

// tally sums up what subscribers got of the streams of living publishers.
type tally struct{ published, delivered, gapped uint64 }

// tally counts for subscriptions that began before a time, and fails for what is
// neither delivered nor a gap.
func (w *world) tally(before time.Duration) (t tally, err error) {
	for _, v := range w.nodes {
		if !v.alive || !v.want || v.since > before {
			continue
		}
		for k, published := range w.published {
			n, p := published.n, w.find(k.Publisher)
			r := v.got[k]
			if r == nil {
				r = &record{}
			}
			if r.next > n+1 {
				return t, fmt.Errorf("%v got %d of %d messages of %v", v.id.Short(), r.next-1, n, p.id.Short())
			}
			if !p.alive || p.born != published.born { // what nobody alive had cannot be known to be missing
				continue
			}
			t.published += n
			t.delivered += r.delivered
			t.gapped += r.gapped
			if w.cfg.Reliable && (r.next != n+1 || r.first != 1) {
				err = fmt.Errorf("%v got %d..%d of 1..%d of %v", v.id.Short(), r.first, r.next-1, n, p.id.Short())
			}
		}
	}
	return t, err
}

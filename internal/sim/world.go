package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
)

// member is one incarnation of a node in the world.
type member struct {
	node   *pastry.Node // nil: crashed
	x, y   float32      // where it stands on the plane
	wake   pastry.Time  // the wake-up in the heap; 0: none
	paused pastry.Time  // stands still until then
	skew   skew
	active bool
}

// World is a network of nodes that runs in virtual time. The same seed gives the
// same run: Hash says so.
type World struct {
	Net   Net
	Check bool    // hold every node to its invariants after each step
	Skew  float64 // clocks run at rates wrong by at most this part

	cfg     pastry.Config
	book    *pastry.Book
	seed    uint64
	rng     *rand.Rand
	now     pastry.Time
	seq     uint64
	steps   uint64
	hash    uint64
	members []member // by handle
	alive   []pastry.Handle
	ring    []pastry.Handle // the active ones by id
	arrival heap
	wakes   heap
	slab    []pastry.Msg
	free    []int32
	out     pastry.Out
	lookups lookups
	joining map[pastry.Handle][]pastry.Handle // the seeds of those who were not active yet
	sent    [pastry.Kinds]uint64
	codec   *codec  // nil: messages are not encoded
	forest  *forest // the topics on top; nil: none
	err     error
}

// New returns an empty world.
func New(cfg pastry.Config, seed uint64) (*World, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w := &World{
		cfg: cfg.Defaults(), book: pastry.NewBook(), seed: seed, hash: 14695981039346656037,
		rng: rand.New(rand.NewPCG(seed, 0x1415926535)), members: make([]member, 1),
		joining: map[pastry.Handle][]pastry.Handle{},
	}
	w.Net = DefaultNet()
	return w, nil
}

// Now returns the virtual time.
func (w *World) Now() time.Duration { return w.now }

// Hash returns a digest of every step so far.
func (w *World) Hash() uint64 { return w.hash }

// Steps returns how often any node was stepped.
func (w *World) Steps() uint64 { return w.steps }

// Err returns the first violation of an invariant.
func (w *World) Err() error { return w.err }

// Alive returns the number of running nodes.
func (w *World) Alive() int { return len(w.alive) }

// add puts a node on the plane.
func (w *World) add(n id.ID, epoch uint64) pastry.Handle {
	h := w.book.Add(n, epoch)
	w.members = append(w.members, member{
		node: pastry.New(&w.cfg, w.book, h, w.rng.Uint64()), x: w.rng.Float32(), y: w.rng.Float32(),
	})
	w.alive = append(w.alive, h)
	if w.Skew > 0 {
		w.members[h].skew = w.newSkew(w.Skew)
	}
	if w.codec != nil {
		w.codec.added(h)
	}
	if w.forest != nil {
		w.forest.began(h)
	}
	return h
}

// Spawn starts a node with a random id that joins through a random active one.
func (w *World) Spawn() pastry.Handle {
	return w.start(w.add(id.ID{Hi: w.rng.Uint64(), Lo: w.rng.Uint64()}, 1))
}

// Crash ends a process without a word.
func (w *World) Crash(h pastry.Handle) { w.end(h, false) }

// end ends a process; said: its links say so.
func (w *World) end(h pastry.Handle, said bool) {
	if w.forest != nil {
		w.forest.crashed(h, said)
	}
	w.deactivate(h)
	w.members[h].node = nil
	i := slices.Index(w.alive, h)
	w.alive[i] = w.alive[len(w.alive)-1]
	w.alive = w.alive[:len(w.alive)-1]
	delete(w.joining, h)
	w.rescue()
}

// Restart starts a crashed node again, as a new incarnation in the same place.
func (w *World) Restart(old pastry.Handle) pastry.Handle {
	h := w.add(w.book.ID(old), w.book.Epoch(old)+1)
	w.members[h].x, w.members[h].y = w.members[old].x, w.members[old].y
	return w.start(h)
}

// Leave stops a node in good order.
func (w *World) Leave(h pastry.Handle) {
	w.step(h, &pastry.Event{Kind: pastry.Stop})
	w.end(h, true)
}

// Pause lets a process stand still: what arrives waits for it. During a long pause
// nobody is to count on the node.
func (w *World) Pause(h pastry.Handle, d time.Duration) {
	w.members[h].paused = w.now + d
	if d > w.cfg.Pause {
		w.deactivate(h)
	}
	if w.forest != nil {
		w.forest.paused(h)
	}
}

// random returns a running active node.
func (w *World) random() pastry.Handle { return w.ring[w.rng.IntN(len(w.ring))] }

// Run lets time pass until end.
func (w *World) Run(end time.Duration) {
	for w.err == nil {
		queue := &w.arrival
		if w.wakes.earlier(queue) {
			queue = &w.wakes
		}
		mail := w.forest != nil && w.forest.mail.earlier(queue)
		if mail {
			queue = &w.forest.mail
		}
		if len(*queue) == 0 || (*queue)[0].at > end {
			break
		}
		e := queue.pop()
		w.now = e.at
		if mail {
			w.forest.dispatch(&e)
		} else {
			w.dispatch(&e)
		}
	}
	w.now = max(w.now, end)
}

func (w *World) dispatch(e *event) {
	m := &w.members[e.node]
	if m.node != nil && m.paused > w.now {
		e.at, e.seq = m.paused, w.order()
		if e.msg >= 0 {
			w.arrival.push(*e)
		} else {
			m.wake = e.at
			w.wakes.push(*e)
		}
		return
	}
	w.react(m, e)
	if m.paused != 0 && m.node != nil { // it goes on
		m.paused = 0
		if m.node.Active() {
			w.activate(e.node)
		}
	}
}

// react has a node take a message or a wake-up.
func (w *World) react(m *member, e *event) {
	if e.msg < 0 {
		if m.wake == e.at { // not superseded
			m.wake = 0
			if m.node != nil {
				w.step(e.node, &pastry.Event{Kind: pastry.Tick})
			}
		}
		return
	}
	if m.node != nil {
		msg := w.slab[e.msg]
		w.step(e.node, &pastry.Event{Kind: pastry.Recv, From: e.from, Msg: &msg})
	}
	w.slab[e.msg] = pastry.Msg{}
	w.free = append(w.free, e.msg)
}

func (w *World) order() uint64 { w.seq++; return w.seq }

// step steps one node and performs the effects.
func (w *World) step(h pastry.Handle, e *pastry.Event) {
	m := &w.members[h]
	w.out.Reset()
	m.node.Step(m.skew.local(w.now), e, &w.out)
	w.steps++
	w.mix(uint64(w.now))
	w.mix(uint64(h)<<32 | uint64(e.From)<<8 | uint64(e.Kind))
	for i := range w.out.Sends {
		s := &w.out.Sends[i]
		w.mix(uint64(s.To)<<40 | uint64(s.Msg.Kind)<<32 | uint64(s.Msg.Seq))
		w.sent[s.Msg.Kind]++
		w.post(h, s.To, &s.Msg)
	}
	for i := range w.out.Up {
		w.upcall(h, &w.out.Up[i])
	}
	if t := w.out.Wake; t != 0 {
		if t = max(m.skew.world(t), w.now); m.wake == 0 || t < m.wake {
			m.wake = t
			w.wakes.push(event{at: t, seq: w.order(), node: h, msg: -1})
		}
	}
	if w.forest != nil {
		w.forest.rerouted(h)
	}
	if w.Check && w.err == nil {
		if err := m.node.Valid(); err != nil {
			w.fail("node %v at %v: %w", w.book.ID(h).Short(), w.now, err)
		}
	}
}

func (w *World) mix(x uint64) { w.hash = (w.hash ^ x) * 1099511628211 }

func (w *World) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// post puts a message on the wire.
func (w *World) post(from, to pastry.Handle, msg *pastry.Msg) {
	copies, delay := w.Net.carry(w, from, to)
	for range copies {
		var i int32
		if k := len(w.free); k > 0 {
			i, w.free = w.free[k-1], w.free[:k-1]
		} else {
			i = int32(len(w.slab))
			w.slab = append(w.slab, pastry.Msg{})
		}
		w.slab[i] = *msg
		if w.codec != nil {
			w.encode(from, &w.slab[i])
		}
		w.arrival.push(event{at: w.now + delay, seq: w.order(), node: to, from: from, msg: i})
		delay += delay / 2
	}
}

func (w *World) upcall(h pastry.Handle, u *pastry.Upcall) {
	switch u.Kind {
	case pastry.Ready:
		w.activate(h)
	case pastry.Unready:
		w.deactivate(h)
	case pastry.Deliver:
		w.delivered(h, &u.Msg)
		if w.forest != nil {
			w.forest.query(h, &u.Msg)
		}
	case pastry.Gone:
		if w.forest != nil {
			w.forest.gone(h, u.Peer)
		}
	case pastry.Undelivered, pastry.Changed:
	}
}

// position returns where x belongs in the ring of active nodes.
func (w *World) position(x id.ID) int {
	i, _ := slices.BinarySearchFunc(w.ring, x, func(h pastry.Handle, x id.ID) int { return w.book.ID(h).Compare(x) })
	return i
}

func (w *World) activate(h pastry.Handle) {
	if !w.members[h].active {
		w.members[h].active = true
		delete(w.joining, h)
		w.ring = slices.Insert(w.ring, w.position(w.book.ID(h)), h)
	}
}

func (w *World) deactivate(h pastry.Handle) {
	if w.members[h].active {
		w.members[h].active = false
		i := w.position(w.book.ID(h))
		w.ring = slices.Delete(w.ring, i, i+1)
	}
}

// root returns the active node that key belongs to.
func (w *World) root(key id.ID) pastry.Handle {
	i, k := w.position(key), len(w.ring)
	best := w.ring[i%k]
	if before := w.ring[(i+k-1)%k]; id.Closer(key, w.book.ID(before), w.book.ID(best)) {
		best = before
	}
	return best
}

// Broken returns how many active nodes do not know their true neighbours on the
// ring, or are not yet active.
func (w *World) Broken() int {
	broken, k := len(w.alive)-len(w.ring), len(w.ring)
	if k < 2 {
		return broken
	}
	for i, h := range w.ring {
		before, after := w.members[h].node.Neighbours()
		if before != w.ring[(i+k-1)%k] || after != w.ring[(i+1)%k] {
			broken++
		}
	}
	return broken
}

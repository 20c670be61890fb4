package detector

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

// world is a few nodes that watch each other over a lossy network in simulated
// time, at millisecond resolution. Links behave like QUIC: packets are counted,
// lost ones are sent again after a probe timeout that doubles.
type world struct {
	now     time.Time
	rng     *rand.Rand
	rtt     time.Duration
	loss    float64
	nodes   []*simNode
	cut     map[[2]int]bool
	queue   []simEvent
	history []simChange
}

type simNode struct {
	health Health
	paused bool
	dead   bool
	peers  map[int]*simPeer
	held   []func() // arrived while paused
}

type simPeer struct {
	p    *Peer
	link Sample
	wake time.Time
}

type simEvent struct {
	at time.Time
	do func()
}

type simChange struct {
	at       time.Time
	by, whom int
	what     Change
	reason   string
}

func newWorld(seed uint64, n int, rtt time.Duration, loss float64) *world {
	w := &world{now: epoch, rng: rand.New(rand.NewPCG(seed, 1)), rtt: rtt, loss: loss, cut: map[[2]int]bool{}}
	for i := range n {
		node := &simNode{peers: map[int]*simPeer{}}
		for j := range n {
			if i != j {
				node.peers[j] = &simPeer{p: NewPeer(epoch), link: Sample{RTT: rtt}}
			}
		}
		w.nodes = append(w.nodes, node)
	}
	return w
}

func (w *world) at(d time.Duration, do func()) {
	e := simEvent{w.now.Add(d), do}
	i, _ := slices.BinarySearchFunc(w.queue, e, func(a, b simEvent) int { return cmp.Or(a.at.Compare(b.at), -1) })
	w.queue = slices.Insert(w.queue, i, e)
}

// deliver runs do at node j, or when it runs again.
func (w *world) deliver(j int, do func()) {
	n := w.nodes[j]
	switch {
	case n.dead:
	case n.paused:
		n.held = append(n.held, do)
	default:
		do()
	}
}

// send carries one message from i to j, retransmitting until it is acknowledged.
func (w *world) send(i, j int, arrived func()) {
	var done bool // shared by all tries: delivered
	var acked bool
	var try func(pto time.Duration)
	try = func(pto time.Duration) {
		from := w.nodes[i]
		if acked || from.dead || pto > 20*time.Second {
			return
		}
		if from.paused {
			w.at(100*time.Millisecond, func() { try(pto) })
			return
		}
		from.peers[j].link.Sent++
		w.packet(i, j, func() {
			w.nodes[j].peers[i].link.Received++
			if !done {
				done = true
				arrived()
			}
			w.nodes[j].peers[i].link.Sent++ // the acknowledgement
			w.packet(j, i, func() { acked = true; w.nodes[i].peers[j].link.Received++ })
		})
		w.at(pto, func() { try(2 * pto) })
	}
	try(w.rtt + w.rtt/2 + 25*time.Millisecond)
}

func (w *world) packet(i, j int, arrive func()) {
	if w.cut[[2]int{i, j}] || w.rng.Float64() < w.loss {
		return
	}
	w.at(w.rtt/2+time.Duration(w.rng.Int64N(int64(w.rtt/10+1))), func() { w.deliver(j, arrive) })
}

func (w *world) step(i, j int, e Event) {
	s := w.nodes[i].peers[j]
	var o Out
	s.p.Step(w.now, e, &o)
	s.wake = o.Wake
	if o.Change != None {
		w.history = append(w.history, simChange{w.now, i, j, o.Change, o.Reason})
	}
	if o.Beat {
		seq := o.Seq
		w.send(i, j, func() {
			w.step(j, i, Heard{})
			w.send(j, i, func() { w.step(i, j, Answered{seq}) })
		})
	}
	if o.Tell {
		w.send(i, j, func() { w.send(j, i, func() { w.step(i, j, Answered{}) }) })
	}
	if o.Ask > 0 {
		for h := range w.nodes {
			if h != i && h != j {
				w.send(i, h, func() { w.probe(i, h, j) })
			}
		}
	}
}

// probe is what a helper does: a fresh heartbeat, 700 ms, a result.
func (w *world) probe(asker, helper, target int) {
	reached, replied := false, false
	reply := func() {
		if !replied {
			replied = true
			r := reached
			w.send(helper, asker, func() { w.step(asker, target, Indirect{By: id.ID{Lo: uint64(helper + 1)}, Reached: r}) })
		}
	}
	w.send(helper, target, func() { w.send(target, helper, func() { reached = true; reply() }) })
	w.at(700*time.Millisecond, func() { w.deliver(helper, reply) })
}

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	next := w.now
	for w.now.Before(end) {
		for len(w.queue) > 0 && !w.queue[0].at.After(next) {
			e := w.queue[0]
			w.queue = w.queue[1:]
			w.now = e.at
			e.do()
		}
		w.now = next
		for i, n := range w.nodes {
			if n.dead || n.paused {
				continue
			}
			if n.health.Tick(w.now) > 0 {
				for j := range w.nodes {
					if j != i {
						w.step(i, j, Paused{})
					}
				}
			}
			for _, f := range n.held {
				f()
			}
			n.held = nil
			for j := range w.nodes {
				if s := n.peers[j]; j != i && !s.wake.After(w.now) && s.p.State() != Dead {
					w.step(i, j, Tick{Link: s.link, Factor: n.health.Factor(), Others: len(w.nodes) - 2})
				}
			}
		}
		next = next.Add(TickEvery)
	}
}

func (w *world) find(by, whom int, what Change) (time.Time, bool) {
	for _, c := range w.history {
		if c.by == by && c.whom == whom && c.what == what {
			return c.at, true
		}
	}
	return time.Time{}, false
}

func (w *world) count(what Change) (n int) {
	for _, c := range w.history {
		if c.what == what {
			n++
		}
	}
	return n
}

func TestLossKillsNobodyInTenMinutes(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		for _, loss := range []float64{0.05, 0.2} {
			w := newWorld(seed, 3, 40*time.Millisecond, loss)
			w.run(10 * time.Minute)
			if n := w.count(Died); n > 0 {
				t.Fatalf("seed %d, loss %v: %d declared dead: %+v", seed, loss, n, w.history)
			}
			if n := w.count(Suspected); loss < 0.1 && n > 6 {
				t.Errorf("seed %d: %d suspicions in 60 peer minutes at 5 %% loss", seed, n)
			}
		}
	}
}

func TestOneWayCutIsNoticedByBothEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "nodes")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), n, time.Duration(rapid.IntRange(1, 80).Draw(t, "rtt"))*time.Millisecond,
			rapid.Float64Range(0, 0.05).Draw(t, "loss"))
		w.run(time.Duration(rapid.IntRange(3000, 8000).Draw(t, "before")) * time.Millisecond)
		w.history = nil
		w.cut[[2]int{0, 1}] = true
		from := w.now
		w.run(5 * time.Second)
		for _, end := range [][2]int{{0, 1}, {1, 0}} {
			if at, ok := w.find(end[0], end[1], Suspected); !ok || at.Sub(from) > 5*time.Second {
				t.Fatalf("node %d did not notice within 5 s: %+v", end[0], w.history)
			}
		}
		w.run(10 * time.Second)
		if n > 2 && w.count(Died) > 0 {
			t.Fatalf("a peer that others reach was declared dead: %+v", w.history)
		}
	})
}

func TestKilledPeerIsDownEverywhereInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "nodes")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), n, time.Millisecond, 0)
		w.run(time.Duration(rapid.IntRange(3000, 8000).Draw(t, "before")) * time.Millisecond)
		w.nodes[0].dead = true
		from := w.now
		w.run(6 * time.Second)
		for i := 1; i < n; i++ {
			// Without the port's refusal; with it, death follows suspicion at once.
			at, ok := w.find(i, 0, Suspected)
			if !ok || at.Sub(from) > 2500*time.Millisecond {
				t.Fatalf("node %d suspects at %v: %+v", i, at.Sub(from), w.history)
			}
			if at, ok := w.find(i, 0, Died); !ok || at.Sub(from) > 5*time.Second {
				t.Fatalf("node %d: death at %v: %+v", i, at.Sub(from), w.history)
			}
		}
		if got := w.count(Died); got != n-1 {
			t.Fatalf("%d deaths, want %d: %+v", got, n-1, w.history)
		}
	})
}

func TestStoppedNodeAccusesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "nodes")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), n, time.Duration(rapid.IntRange(1, 40).Draw(t, "rtt"))*time.Millisecond, 0)
		w.run(time.Duration(rapid.IntRange(3000, 8000).Draw(t, "before")) * time.Millisecond)
		w.history = nil
		stop := time.Duration(rapid.IntRange(100, 2000).Draw(t, "stop")) * time.Millisecond
		if rapid.Bool().Draw(t, "long") {
			stop = 8 * time.Second
		}
		w.nodes[0].paused = true
		from := w.now
		w.run(stop)
		w.nodes[0].paused = false
		w.run(10 * time.Second)
		for _, c := range w.history {
			if c.by == 0 || c.whom != 0 {
				t.Fatalf("stopped for %v: an accusation of a healthy node: %+v", stop, w.history)
			}
			if c.what == Died && stop <= 2*time.Second {
				t.Fatalf("died of a stop of %v: %+v", stop, w.history)
			}
		}
		if stop == 8*time.Second {
			for i := 1; i < n; i++ {
				if at, ok := w.find(i, 0, Suspected); !ok || at.Sub(from) > 4*time.Second {
					t.Fatalf("node %d suspects the stopped node at %v", i, at.Sub(from))
				}
			}
		}
	})
}

package scribe

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

// churn does random things to a world, waits, and checks.
func churn(w *world, rounds int) error {
	for range rounds {
		v := w.nodes[w.rnd.IntN(len(w.nodes))]
		switch k := w.rnd.IntN(10); {
		case !v.alive:
			w.boot(v)
			w.after(0, w.reroute)
		case k < 6:
			w.subscribe(v, !v.want)
		case k < 7: // the machine fails and starts anew, its node lives
			w.boot(v)
			w.subscribe(v, v.want)
		case k < 9 && w.living() > 3:
			w.crash(v)
		}
		if w.rnd.IntN(3) > 0 {
			w.run(time.Duration(w.rnd.IntN(400)) * time.Millisecond)
		}
	}
	w.run(100 * time.Second)
	return w.check()
}

func (w *world) living() (n int) {
	for _, v := range w.nodes {
		if v.alive {
			n++
		}
	}
	return n
}

func TestChurnLeavesOneTree(t *testing.T) {
	seeds := 15
	if *slow {
		seeds = 2000
	}
	for s := range seeds {
		w := newWorld(t, uint64(s), 60)
		for _, v := range w.nodes {
			w.subscribe(v, true)
		}
		if err := churn(w, 120); err != nil {
			t.Errorf("seed %d: %v", s, err)
		}
	}
}

func TestSameSeedSameSteps(t *testing.T) {
	var hashes [2]uint64
	for i := range hashes {
		w := newWorld(t, 5, 40)
		if err := churn(w, 80); err != nil {
			t.Error(err)
		}
		hashes[i] = w.hash
	}
	if hashes[0] != hashes[1] {
		t.Error("two runs of one seed differ")
	}
}

// TestOrphansNeedOneRoundTrip kills the parent of a few and measures until the
// first of them has another: a join and its answer, without the overlay.
func TestOrphansNeedOneRoundTrip(t *testing.T) {
	w := newWorld(t, 3, 60)
	for _, v := range w.nodes {
		w.subscribe(v, true)
	}
	w.run(20 * time.Second)
	var victim *worldNode
	for _, v := range w.nodes {
		if len(v.m.children) > 1 && len(v.m.path) > 1 {
			victim = v
		}
	}
	c := w.find(victim.m.children[0].node)
	grand := w.find(victim.m.parent)
	if c.m.backups[0] != grand.id {
		t.Fatalf("the first backup is %v, want the grandparent", c.m.backups[0].Short())
	}
	victim.alive, victim.want = false, false
	w.step(grand, Down{victim.id})
	w.step(c, Down{victim.id})
	w.run(w.rtt(c.id, grand.id) + time.Millisecond)
	if c.m.parent != grand.id {
		t.Errorf("after a round trip the parent is %v", c.m.parent.Short())
	}
}

// TestRootDies kills the root: the tree hangs together under the next one.
func TestRootDies(t *testing.T) {
	for s := range 20 {
		w := newWorld(t, uint64(s), 60)
		for _, v := range w.nodes {
			w.subscribe(v, true)
		}
		w.run(20 * time.Second)
		for _, v := range w.nodes {
			if v.m.route.Root {
				w.crash(v)
				break
			}
		}
		w.run(3 * time.Second)
		for _, v := range w.nodes {
			if v.alive && v.m.parent.IsZero() && !v.m.route.Root {
				t.Errorf("seed %d: %v has no parent after 3 s", s, v.id.Short())
			}
		}
		w.run(20 * time.Second)
		if err := w.check(); err != nil {
			t.Errorf("seed %d: %v", s, err)
		}
	}
}

// TestPartitionHeals cuts a tree in halves for ten minutes: each is a tree, and
// soon after they meet they are one, without a stale parent.
func TestPartitionHeals(t *testing.T) {
	for s := range 10 {
		w := newWorld(t, uint64(s), 50)
		for i, v := range w.nodes {
			v.side = i%2 == 0
			w.subscribe(v, true)
		}
		w.run(10 * time.Second)
		w.partition(10 * time.Minute)
		for _, v := range w.nodes {
			if p := w.find(v.m.parent); p != nil && p.side != v.side {
				t.Errorf("seed %d: %v has a parent beyond the cut", s, v.id.Short())
			}
		}
		w.run(15 * time.Second)
		if err := w.check(); err != nil {
			t.Errorf("seed %d: %v", s, err)
		}
	}
}

func TestEverythingVanishes(t *testing.T) {
	w := newWorld(t, 9, 60)
	for _, v := range w.nodes[:30] {
		w.subscribe(v, true)
	}
	w.run(15 * time.Second)
	for _, v := range w.nodes[:30] {
		w.subscribe(v, false)
	}
	w.run(time.Minute)
	for _, v := range w.nodes {
		if !v.m.Idle() {
			t.Errorf("%v is left with %d children, parent %v, copy %v", v.id.Short(), len(v.m.children), v.m.parent.Short(), v.m.copy.until)
		}
	}
}

func TestModeHasHysteresis(t *testing.T) {
	for _, c := range []struct {
		from  Mode
		nodes int
		want  Mode
	}{{List, 32, List}, {List, 33, Trees}, {Trees, 33, Trees}, {Trees, 25, Trees}, {Trees, 24, List}, {List, 25, List}, {List, 0, List}} {
		if got := NextMode(c.from, c.nodes); got != c.want {
			t.Errorf("%d nodes from %d: %d, want %d", c.nodes, c.from, got, c.want)
		}
	}
}

func TestModeReachesEverybody(t *testing.T) {
	w := newWorld(t, 4, 40)
	for _, v := range w.nodes {
		w.subscribe(v, true)
	}
	w.run(10 * time.Second)
	for _, v := range w.nodes {
		if v.m.route.Root {
			w.step(v, SetMode{List})
		}
	}
	w.run(time.Second)
	for _, v := range w.nodes {
		if v.m.Tree().Mode != List {
			t.Fatalf("%v does not know", v.id.Short())
		}
	}
}

func TestStripesDifferInTheFirstDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := id.ID{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		k := rapid.IntRange(1, 16).Draw(t, "k")
		seen := map[uint64]bool{}
		for i := range k {
			s := StripeKey(topic, i, k)
			if s.Hi<<4 != topic.Hi<<4 || s.Lo != topic.Lo || seen[s.Hi>>60] {
				t.Fatalf("stripe %d of %d of %v is %v", i, k, topic, s)
			}
			seen[s.Hi>>60] = true
		}
		if StripeKey(topic, 0, k) != topic {
			t.Fatal("stripe 0 is not the topic's key")
		}
	})
}

// TestHostilePeers sends arbitrary messages of arbitrary peers: no panic, no
// broken invariant, bounded answers.
func TestHostilePeers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.Uint64Range(1, 50).Draw(t, "seed"), 12)
		v := w.nodes[0]
		one := func(label string) id.ID { return w.nodes[rapid.IntRange(0, 11).Draw(t, label)].id }
		list := func(label string) []id.ID {
			var l []id.ID
			for range rapid.IntRange(0, 70).Draw(t, label) {
				l = append(l, one(label))
			}
			return l
		}
		now := start
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "ms")) * time.Millisecond)
			var e Event
			switch from := one("from"); rapid.IntRange(0, 8).Draw(t, "do") {
			case 0:
				e = Recv{from, &Join{Seq: 1, Kind: Kind(rapid.IntRange(0, 4).Draw(t, "kind")), Size: 7, Sample: list("sample")}}
			case 1, 2:
				a := &Ack{Seq: rapid.Uint64Range(0, v.m.seq+1).Draw(t, "seq"), Code: Code(rapid.IntRange(0, 5).Draw(t, "code")), Rooted: rapid.Bool().Draw(t, "r")}
				a.Path, a.Backups, a.Next = append([]id.ID{from}, list("path")...), list("backups"), one("next")
				for _, n := range list("others") {
					a.Others = append(a.Others, Other{Node: n})
				}
				if rapid.Bool().Draw(t, "asked") {
					from = v.m.attempt.to
				}
				e = Recv{from, a}
			case 3:
				e = Recv{from, &Leave{}}
			case 4:
				e = Recv{from, &Replica{Children: list("children")}}
			case 5:
				e = Recv{from, &Invite{Old: one("old")}}
			case 6:
				e = Subscribe{rapid.Bool().Draw(t, "want")}
			case 7:
				e = Down{from}
			case 8:
				e = Route{Root: rapid.Bool().Draw(t, "root"), Next: from, Leaves: list("leaves")}
			}
			var out Out
			v.m.Step(now, e, &out)
			if err := v.m.Valid(); err != nil {
				t.Fatalf("after %#v: %v", e, err)
			}
			if len(out.Sends) > 40 || len(v.m.sample) > maxSample || len(v.m.backups) > maxBackups || len(v.m.attempt.queue) > maxQueue+1 {
				t.Fatalf("%d sends, %d in queue after %#v", len(out.Sends), len(v.m.attempt.queue), e)
			}
		}
	})
}

// A node that joins a new root is invited by it at the same moment, and joins
// again: the answer to the first join must not end the childhood.
func TestAcceptedOnceIsAccepted(t *testing.T) {
	self, root, old := id.ID{Lo: 1}, id.ID{Lo: 2}, id.ID{Lo: 3}
	m := New(Config{Self: self, Key: root, Rand: rand.New(rand.NewPCG(1, 2))})
	now := time.Unix(1000, 0)
	step := func(e Event) []Send {
		var out Out
		m.Step(now, e, &out)
		if err := m.Valid(); err != nil {
			t.Fatalf("after %#v: %v", e, err)
		}
		return out.Sends
	}
	step(Route{Next: root})
	first := step(Subscribe{Want: true})[0].Msg.(*Join)
	var second *Join
	for _, s := range step(Recv{root, &Invite{Old: old}}) {
		if j, ok := s.Msg.(*Join); ok && s.To == root {
			second = j
		}
	}
	if second == nil {
		t.Fatal("the invitation was not followed")
	}
	for _, seq := range []uint64{first.Seq, second.Seq} {
		for _, s := range step(Recv{root, &Ack{Seq: seq, Rooted: true, Path: []id.ID{root}}}) {
			if _, leaves := s.Msg.(*Leave); leaves {
				t.Errorf("leaves %v when join %d was accepted", s.To, seq)
			}
		}
		if m.Parent() != root {
			t.Errorf("parent %v after the answer to join %d", m.Parent(), seq)
		}
	}
}

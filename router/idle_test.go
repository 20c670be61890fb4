package router

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// strangersOf returns two nodes neither of which is near to the other.
func strangersOf(t *testing.T, nodes []*node) (x, y *node) {
	t.Helper()
	for _, x := range nodes {
		for _, y := range nodes {
			if x != y && !x.router.Routes().near(y.id) && !y.router.Routes().near(x.id) {
				return x, y
			}
		}
	}
	t.Fatal("everybody is near")
	return nil, nil
}

// In a ring that nobody uses, links go down to those that one of the two ends
// needs, and nobody takes that for a death.
func TestIdleLinksAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := n.ring(20, Config{MeshMax: testMesh, Leaf: fewLeaves})
		within(t, 10*time.Second, "ring", whole(nodes, fewLeaves))
		var before, after, needed, young int
		for _, a := range nodes { // everybody speaks to everybody, once
			for _, b := range nodes {
				if a != b {
					if err := a.router.Post(b.id, transport.Direct, tell("hello")); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		pass(time.Second)
		for _, x := range nodes {
			before += len(x.Links())
			if got := len(x.texts()); got != len(nodes)-1 {
				t.Errorf("%d of %d messages arrived", got, len(nodes)-1)
			}
		}
		x, y := strangersOf(t, nodes)
		if l := x.Link(y.id); l != nil && l.Dialed() {
			x, y = y, x // the one that keeps the link is not the one that would close it first
		}
		x.router.Keep(x.keeper(), []id.ID{y.id})
		pass(3 * time.Minute)
		for _, a := range nodes {
			links := a.Links()
			after += len(links)
			for _, b := range nodes {
				p, linked := a.router.Routes().Peer(b.id)
				switch pair := a == x && b == y || a == y && b == x; {
				case a == b || pair:
				case a.router.Routes().near(b.id) || b.router.Routes().near(a.id):
					needed++
				case !linked:
				case time.Since(p.Since) > idleDialed+2*idleEvery:
					t.Errorf("%v keeps a link to %v, which neither needs", a.id.Short(), b.id.Short())
				default:
					young++ // the ring looks for lost nodes through some or other
				}
			}
		}
		t.Logf("%d ends of links at first, %d in the end: %d needed, 2 kept, %d young", before, after, needed, young)
		if before != len(nodes)*(len(nodes)-1) || after > needed+2+young || after >= before || !isLinked(x, y.id)() {
			t.Errorf("%d ends of links, at first %d of %d", after, before, len(nodes)*(len(nodes)-1))
		}
		for _, a := range nodes {
			a.checkChanges(t)
			a.mu.Lock()
			for _, c := range a.changes {
				if len(c.Down) > 0 {
					t.Errorf("%v reports deaths: %v", a.id.Short(), c.Down)
				}
			}
			a.mu.Unlock()
			for _, b := range nodes {
				if slices.ContainsFunc(a.reasons(b), func(s string) bool { return s != "idle" }) {
					t.Errorf("%v lost %v: %v", a.id.Short(), b.id.Short(), a.reasons(b))
				}
			}
		}
		if !whole(nodes, fewLeaves)() {
			t.Error("the ring did not last")
		}
		finish(nodes...)
	})
}

// dial makes sure that x and y have a link which x dialled.
func (x *node) dial(t *testing.T, y *node) link {
	t.Helper()
	for {
		if l := x.Link(y.id); l != nil && l.Dialed() {
			return l
		} else if l != nil {
			l.Close(wire.CodeOK, "idle")
			within(t, time.Second, "end of the link", func() bool { return !isLinked(x, y.id)() && !isLinked(y, x.id)() })
		}
		if err := x.router.Post(y.id, transport.Direct, tell("hello")); err != nil {
			t.Fatal(err)
		}
		within(t, time.Second, "link", func() bool { return isLinked(x, y.id)() && isLinked(y, x.id)() })
	}
}

// A link stays while one end has a tunnel or a watch, whichever end dialled and
// whatever the other knows of it, and while there is traffic.
func TestLinksInUseStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := settled(t, n, 18)
		x, y := strangersOf(t, nodes)
		tunnel := func(open bool) {
			n.mu.Lock()
			defer n.mu.Unlock()
			x.tunnels = map[id.ID]bool{y.id: open}
		}
		for _, ends := range [][2]*node{{x, y}, {y, x}} {
			l := ends[0].dial(t, ends[1])
			tunnel(true)
			pass(2 * idleDialed)
			if !l.Up() {
				t.Errorf("the tunnel of %v lost the link that %v dialled", x.id.Short(), ends[0].id.Short())
			}
			tunnel(false)
			l = ends[0].dial(t, ends[1])
			x.sys.RemoteWatch(y.id.String(), "iris/user/1", x.keeper().GetId())
			pass(2 * idleDialed)
			if !l.Up() {
				t.Errorf("the watch at %v lost the link that %v dialled", x.id.Short(), ends[0].id.Short())
			}
			x.sys.NodeLost(y.id.String())
		}
		l := x.dial(t, y)
		for range 3 {
			pass(idleDialed - 2*idleEvery)
			if err := x.router.Post(y.id, transport.Direct, tell("hello")); err != nil {
				t.Fatal(err)
			}
		}
		if !l.Up() {
			t.Error("traffic lost its link")
		}
		pass(idleDialed + 3*idleEvery)
		if l.Up() && !x.router.Routes().near(y.id) && !y.router.Routes().near(x.id) {
			t.Error("an idle link stays")
		}
		finish(nodes...)
	})
}

// What waits for a node when its idle link ends gets a link again, and if that
// cannot be, hears of the loss.
func TestWhatWaitsAcrossAnIdleEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := settled(t, n, 18)
		x, y := strangersOf(t, nodes)
		if err := x.router.Post(y.id, transport.Direct, tell("hello")); err != nil {
			t.Fatal(err)
		}
		within(t, time.Second, "link", isLinked(x, y.id))
		replies := make(chan actor.Reply, 1)
		if _, err := x.sys.Replies().Open(y.id.String(), time.Now().Add(time.Minute), func(r actor.Reply) { replies <- r }); err != nil {
			t.Fatal(err)
		}
		before := x.ups(y.id)
		y.Link(x.id).Close(wire.CodeOK, "idle") // y knows nothing of the request
		took := within(t, time.Second, "link again", func() bool { return x.ups(y.id) > before && isLinked(x, y.id)() && isLinked(y, x.id)() })
		t.Logf("linked again after %v", took)
		if len(replies) > 0 {
			t.Errorf("the asker was told %v", (<-replies).Err)
		}
		y.Link(x.id).Close(wire.CodeOK, "idle")
		y.stop(true) // before it can be linked again
		took = within(t, 6*time.Second, "loss", func() bool { return len(replies) > 0 })
		t.Logf("lost after %v", took)
		if r := <-replies; r.Err != actor.ErrLost {
			t.Errorf("the asker was told %v", r.Err)
		}
		finish(without(nodes, y)...)
	})
}

// A seed that turns out to be a node with a link is settled at once, and is not
// called again soon after its link was idle.
func TestSeedsThatAnswerAreSettled(t *testing.T) {
	now := time.Unix(0, 0)
	peer := id.ID{Lo: 2}
	up := true
	b := newBook(id.ID{Lo: 1}, rand.New(rand.NewPCG(1, 2)), func(n id.ID) bool { return up && n == peer })
	b.add(now, hint{addrs: []string{"seed.example:1"}, from: seed})
	b.add(now, hint{addrs: []string{"192.0.2.1:1"}, from: heard})
	if got := b.due(now); len(got) != 2 || !b.pending() {
		t.Fatalf("dials %v", got)
	}
	b.reached("seed.example:1", peer)
	b.reached("192.0.2.1:1", peer)
	if b.pending() || len(b.entries) != 1 {
		t.Errorf("pending %v, %d entries, want the seed", b.pending(), len(b.entries))
	}
	up = false
	b.rest(now, peer)
	if got := b.due(now.Add(seedRest / 2)); len(got) > 0 {
		t.Errorf("called too soon: %v", got)
	}
	if got := b.due(now.Add(2 * seedRest)); len(got) != 1 {
		t.Errorf("not called again: %v", got)
	}
}

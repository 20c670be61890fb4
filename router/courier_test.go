package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

func tell(text string) *wire.Tell { return &wire.Tell{Target: text} }

// texts returns what came on lanes other than control, in order.
func (e *fakeEndpoint) texts() (out []string) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	for _, f := range e.taken {
		switch f := f.(type) {
		case *wire.Tell:
			out = append(out, f.Target)
		case *wire.Event:
			out = append(out, f.Topic)
		}
	}
	return out
}

func (e *fakeEndpoint) dropped() int {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	return len(e.givenUp)
}

// missed returns how often of was reported as not reached.
func (x *node) missed(of id.ID) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.changes {
		if slices.Contains(c.Unreached, of) {
			n++
		}
	}
	return n
}

func (x *node) ups(of id.ID) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.changes {
		if slices.Contains(c.Up, of) {
			n++
		}
	}
	return n
}

func isLinked(x *node, n id.ID) func() bool {
	return func() bool { l := x.Link(n); return l != nil && l.Up() }
}

// keeper is an actor that lives until the test ends it.
func (x *node) keeper() *actor.PID { return x.sys.Spawn(actor.Func(func(actor.Context) {})) }

// fewLeaves is the leaf set of rings where many are strangers.
const fewLeaves = 4

// settled makes a ring whose idle links have been closed.
func settled(t *testing.T, n *network, count int) []*node {
	t.Helper()
	nodes := n.ring(count, Config{MeshMax: testMesh, Leaf: fewLeaves})
	within(t, 10*time.Second, "ring", whole(nodes, fewLeaves))
	pass(idleDialed + 3*idleEvery)
	return nodes
}

func TestPostKeepsTheOrderWhileTheLinkComesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a, b := n.start(1, 1), n.start(2, 1)
		synctest.Wait()
		a.router.places.note(b.id, []string{b.addr})
		var want []string
		for i := range 100 { // before, while and after the link comes up
			text := fmt.Sprint(i)
			if err := a.router.Post(b.id, transport.Direct, tell(text)); err != nil {
				t.Fatal(err)
			}
			want = append(want, text)
			if i > 50 {
				pass(100 * time.Microsecond)
			}
		}
		pass(time.Second)
		if got := b.texts(); !slices.Equal(got, want) {
			t.Errorf("arrived %v", got)
		}
		if a.router.mail.boxes.Load() != 0 || a.router.mail.bytes.Load() != 0 {
			t.Error("a box was left behind")
		}
		a.stop(false)
		b.stop(false)
	})
}

// Many post at once while links come and go: what each of them posted arrives in
// order, whatever is lost with a link.
func TestPostFromManyKeepsTheOrderOfEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a, b := n.start(1, 1), n.start(2, 1)
		synctest.Wait()
		a.router.places.note(b.id, []string{b.addr})
		a.router.Keep(a.keeper(), []id.ID{b.id})
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range 200 {
					_ = a.router.Post(b.id, transport.Direct, tell(fmt.Sprintf("%d %06d", g, i))) // full now and then
					<-time.After(time.Duration(1+g) * time.Millisecond)
				}
			})
		}
		for range 5 {
			pass(150 * time.Millisecond)
			if l := a.Link(b.id); l != nil {
				l.Close(wire.CodeStuck, "test")
			}
		}
		all.Wait()
		pass(time.Second)
		last := map[string]string{}
		got := b.texts()
		for _, text := range got {
			who, _, _ := strings.Cut(text, " ")
			if last[who] >= text {
				t.Errorf("%s after %s", text, last[who])
			}
			last[who] = text
		}
		if len(got) < 1200 {
			t.Errorf("only %d of 1600 arrived", len(got))
		}
		a.stop(false)
		b.stop(false)
	})
}

func TestPostIsBoundedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a := n.start(1, 1)
		synctest.Wait()
		nobody := id.ID{Lo: 99}
		post := func(n id.ID, size int) error {
			return a.router.Post(n, transport.Direct, &wire.Tell{Target: "x", Body: wire.Body{Data: make([]byte, size)}})
		}
		for range postFrames {
			if err := post(nobody, 10); err != nil {
				t.Fatal(err)
			}
		}
		if err := post(nobody, 10); !errors.Is(err, actor.ErrOverloaded) {
			t.Errorf("one more frame: %v", err)
		}
		large := id.ID{Lo: 98}
		if err := post(large, 5<<20); err != nil {
			t.Errorf("a large frame alone: %v", err)
		}
		if err := post(large, 1); !errors.Is(err, actor.ErrOverloaded) {
			t.Errorf("beside a large frame: %v", err)
		}
		if err := post(a.id, 1); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("to itself: %v", err)
		}
		pass(postWait + 200*time.Millisecond)
		if got := a.dropped(); got != postFrames+1 {
			t.Errorf("%d frames given up", got)
		}
		if a.router.mail.boxes.Load() != 0 || a.router.mail.bytes.Load() != 0 {
			t.Error("a box was left behind")
		}
		if a.missed(nobody) != 1 || a.missed(large) != 1 {
			t.Errorf("reported %d and %d times", a.missed(nobody), a.missed(large))
		}
		a.checkChanges(t)
		a.stop(false)
		if err := post(nobody, 1); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("when it has left: %v", err)
		}
	})
}

// A lane that is full holds back its own frames, in order, and no others.
func TestPostWaitsForAFullLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.full = true
		a, b := n.start(1, 1), n.start(2, 1)
		synctest.Wait()
		a.router.places.note(b.id, []string{b.addr})
		for i := range 3 {
			if err := a.router.Post(b.id, transport.Direct, tell(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		within(t, time.Second, "link", isLinked(a, b.id))
		pass(time.Second)
		if got := b.texts(); len(got) > 0 {
			t.Errorf("arrived %v", got)
		}
		n.mu.Lock()
		a.links[b.id].full = false
		n.mu.Unlock()
		pass(time.Second)
		if got := b.texts(); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("arrived %v", got)
		}
		a.stop(false)
		b.stop(false)
	})
}

func TestKeepLinksFarNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := settled(t, n, 18)
		x, y := strangersOf(t, nodes)
		a, b := x.keeper(), x.keeper()
		x.router.Keep(a, []id.ID{y.id, y.id, x.id})
		x.router.Keep(b, []id.ID{y.id})
		took := within(t, time.Second, "link", isLinked(x, y.id))
		t.Logf("linked after %v", took)
		x.router.Keep(b, nil)
		l := x.Link(y.id)
		pass(2 * time.Minute)
		if x.Link(y.id) != l {
			t.Error("a kept link was not kept")
		}

		y.stop(true)
		within(t, 15*time.Second, "death noticed", misses(x, y))
		within(t, 10*time.Second, "reported", func() bool { return x.missed(y.id) == 1 })
		pass(30 * time.Second)
		if x.missed(y.id) != 1 {
			t.Errorf("reported %d times", x.missed(y.id))
		}
		again := n.startWith(y.id, 4+1000, 2, Config{MeshMax: testMesh, Leaf: fewLeaves, Seeds: []string{nodes[0].addr}})
		again.router.DiscoveryQuiet(t.Context())
		took = within(t, 8*time.Second, "link to the restarted one", func() bool {
			p, ok := x.router.Routes().Peer(y.id)
			return ok && p.Incarnation == 2
		})
		t.Logf("linked again after %v", took)

		if err := x.sys.Stop(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		l = x.Link(y.id)
		pass(2 * idleDialed)
		if !x.router.Routes().near(y.id) && !again.router.Routes().near(x.id) && x.Link(y.id) == l {
			t.Error("the wish did not end with its owner")
		}
		finish(append(without(nodes, y), again)...)
	})
}

func without(nodes []*node, x *node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(y *node) bool { return x == y })
}

func TestPostFindsFarNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		nodes := settled(t, n, 18)
		x, y := strangersOf(t, nodes)
		x.router.places = places{} // as if it had never heard of it
		if taken, err := x.router.forward(y.id, tell("hello")); !taken || err != nil {
			t.Fatal(taken, err)
		}
		took := within(t, time.Second, "arrival", func() bool { return slices.Equal(y.texts(), []string{"hello"}) })
		t.Logf("arrived after %v", took)

		began := time.Now()
		if err := x.router.Post(id.Hash("nobody"), transport.Direct, tell("hello")); err != nil {
			t.Fatal(err)
		}
		within(t, postWait+time.Second, "given up", func() bool { return x.dropped() == 1 })
		t.Logf("given up after %v", time.Since(began))
		finish(nodes...)
	})
}

// A crash of the courier costs neither wishes nor what was posted.
func TestCourierLosesNothingInACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		a, b := n.start(1, 1), n.start(2, 1)
		synctest.Wait()
		owner := a.keeper()
		a.router.Keep(owner, []id.ID{b.id})
		if err := a.router.Post(b.id, transport.Direct, tell("hello")); err != nil {
			t.Fatal(err)
		}
		a.router.toCourier((*kept)(nil))
		pass(100 * time.Millisecond)
		a.router.places.note(b.id, []string{b.addr})
		within(t, 3*time.Second, "arrival", func() bool { return slices.Equal(b.texts(), []string{"hello"}) })
		if !a.router.wishes.want(b.id) {
			t.Error("the wish is gone")
		}
		if err := a.sys.Stop(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a.router.wishes.want(b.id) {
			t.Error("the end of the owner went unnoticed")
		}
		a.stop(false)
		b.stop(false)
	})
}

package topics

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
	"iris/transport/wire"
)

// sink is a link that encodes what it is given and throws it away.
type sink struct {
	mu  sync.Mutex
	w   *wire.Writer
	buf []byte
}

func (s *sink) TrySend(_ transport.Lane, f wire.Frame) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf, err = s.w.Append(s.buf[:0], f)
	return err
}

func (s *sink) TryEvent(topic, typ string, data []byte, trace string, twin bool) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e wire.Event
	e.Topic, e.Body.Type, e.Body.Data, e.Trace, e.Twin = topic, typ, data, trace, twin
	s.buf, err = s.w.AppendEvent(s.buf[:0], &e)
	return err
}

func (s *sink) Send(_ context.Context, n transport.Lane, f wire.Frame) error { return s.TrySend(n, f) }
func (s *sink) Suspect() bool                                                { return false }
func (s *sink) Stalled(transport.Lane) time.Duration                         { return 0 }
func (*sink) Name() string                                                   { return "sink" }

// sinks is a network in which every node has such a link.
type sinks struct {
	network
	links map[id.ID]*sink
}

func (s sinks) Link(n id.ID) link { return s.links[n] }

// sinkPublisher returns a node whose topic "news" has so many remote subscribers.
func sinkPublisher(t testing.TB, subscribers int) *node {
	f := &fabric{t: t}
	for i := range subscribers + 1 {
		f.add(i)
	}
	f.link()
	t.Cleanup(f.close)
	net := sinks{f.nodes[subscribers], map[id.ID]*sink{}}
	for _, n := range f.nodes[:subscribers] {
		net.links[n.id] = &sink{w: wire.NewWriter()}
		if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(actor.Func(func(actor.Context) {}))); err != nil {
			t.Fatal(err)
		}
	}
	pub := f.nodes[subscribers]
	if err := pub.Publish(t.Context(), "news", actor.Bytes("by the real links"), PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	pub.net = net
	pub.find(wire.GroupTopic, "news").way.Store(nil)
	return pub
}

func TestPublishDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where nothing else happens meanwhile
		pub := sinkPublisher(t, 2)
		synctest.Wait()
		var msg any = actor.Bytes(make([]byte, 1000))
		ctx := t.Context()
		if n := testing.AllocsPerRun(1000, func() {
			if err := pub.Publish(ctx, "news", msg, PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// Every event is counted once, also while routes replace each other and somebody looks.
func TestEventsOfARouteAreCountedExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pub := sinkPublisher(t, 2)
		g := pub.find(wire.GroupTopic, "news")
		counts := func() (c TopicCounts) {
			pub.CountTopics(func(_ string, of TopicCounts) { c = of })
			return c
		}
		before := counts()
		const publishers, each = 4, 500
		var publishing sync.WaitGroup
		for range publishers {
			publishing.Go(func() {
				for i := range each {
					if err := pub.Publish(t.Context(), "news", actor.Bytes("x"), PublishOptions{}); err != nil {
						t.Error(err)
					}
					if i%10 == 0 {
						v := *g.view.Load()
						g.view.Store(&v)
						counts()
					}
				}
			})
		}
		publishing.Wait()
		after := counts()
		if got := after.Published - before.Published; got != publishers*each {
			t.Errorf("%d events were published, want %d", got, publishers*each)
		}
		if got := after.Forwarded - before.Forwarded; got != 2*publishers*each {
			t.Errorf("%d events were forwarded, want %d", got, 2*publishers*each)
		}
	})
}

// BenchmarkPublish measures an event of 16 B for remote subscribers as far as their
// lanes' encoders.
//
//	go test ./topics -run - -bench Publish$
func BenchmarkPublish(b *testing.B) {
	for _, subscribers := range []int{1, 8} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			pub := sinkPublisher(b, subscribers)
			var msg any = actor.Bytes(make([]byte, 16))
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if err := pub.Publish(ctx, "news", msg, PublishOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A route outlives neither its lease nor its links by more than a moment, and a link
// that ended not at all.
func TestARouteIsRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		r := &reader{}
		sub, pub := f.nodes[0], f.nodes[2]
		if _, err := sub.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, sub.sys.Spawn(r.props())); err != nil {
			t.Fatal(err)
		}
		publish := func(want int) {
			t.Helper()
			if err := pub.Publish(t.Context(), "news", actor.Bytes("x"), PublishOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := r.count(); got != want {
				t.Fatalf("%d events, want %d", got, want)
			}
		}
		publish(1)
		g := pub.find(wire.GroupTopic, "news")
		first := g.way.Load()
		publish(2)
		if g.way.Load() != first {
			t.Error("the route was made anew though nothing has changed")
		}

		old := pub.Link(sub.id).(*pipe)
		pub.mu.Lock()
		pub.links[sub.id] = newPipe(pub, sub)
		pub.mu.Unlock()
		old.close() // the next event finds that out
		publish(3)
		<-time.After(2 * moment)
		publish(4)
		if r := g.way.Load(); r == first || r.targets[0].link != pub.Link(sub.id) {
			t.Error("the route keeps a link that ended")
		}

		g.view.Store(nil) // the lease is over: nothing goes by it any more
		if g.route() != nil {
			t.Error("a route without a view")
		}
	})
}

// The shortcut to topics keeps none that left the table.
func TestTopicsFoundWithoutALockAreInTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 1)
		n := f.nodes[0]
		for i := range 2 * recentSlots {
			name := fmt.Sprint("t", i)
			g, err := n.topic(name)
			if err != nil || g.key.Name != name {
				t.Fatal(g, err)
			}
			if again, err := n.topic(name); again != g || err != nil {
				t.Fatal(again, err)
			}
			if i%3 == 0 {
				if !n.forget(g) {
					t.Fatal("not forgotten")
				}
				if again, err := n.topic(name); again == g || err != nil {
					t.Fatal(again, err)
				}
			}
		}
	})
}

// keeping is the router of a structured network, which keeps the frames that it is given.
type keeping struct {
	Router
	routes *router.Routes
	kept   []wire.Frame
}

func (k *keeping) Routes() *router.Routes { return k.routes }

func (k *keeping) Post(_ id.ID, _ transport.Lane, f wire.Frame) error {
	k.kept = append(k.kept, f)
	return nil
}

// The form may become the structured one while a route of the mesh is in use: what the
// router keeps then is not the route's frame, which the next event fills.
func TestRouterKeepsNoFrameOfARoute(t *testing.T) {
	k := &keeping{routes: router.NewStructured(nodeID(0), 1, router.Ring{}, nil)}
	n := &Topics{router: k}
	r := &route{}
	f, _ := r.borrow(&wire.Event{Topic: "news"})
	x := target{node: nodeID(1)}
	if err := x.send(n, f); err != nil {
		t.Fatal(err)
	}
	o := outgoing{g: &group{t: n}}
	if err := o.within(t.Context(), late{flow: &flow{peer: x.node}, frame: f}, time.Second); err != nil {
		t.Fatal(err)
	}
	r.giveBack(f)
	for _, kept := range k.kept {
		if e := kept.(*wire.Event); e == f || e.Topic != "news" {
			t.Fatalf("the router keeps %+v", e)
		}
	}
	if len(k.kept) != 2 {
		t.Fatalf("%d frames were posted", len(k.kept))
	}
}

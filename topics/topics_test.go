package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"iris/actor"
	"iris/transport"
	"iris/transport/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with its node's short name and what it got.
func echo(n *node, handled *atomic.Int64) *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			if handled != nil {
				handled.Add(1)
			}
			ctx.Respond(actor.Bytes(n.id.Short() + " " + string(m)))
		}
	})
}

func (n *node) serve(t testing.TB, cluster string, p *actor.Props, members int) *Registration {
	t.Helper()
	var pids []*actor.PID
	for range members {
		pids = append(pids, n.sys.Spawn(p))
	}
	r, err := n.Register(t.Context(), cluster, pids)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	return r
}

func (n *node) ask(t testing.TB, cluster, text string) string {
	t.Helper()
	r, err := n.Request(t.Context(), cluster, actor.Bytes(text), Options{})
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return string(r.(actor.Bytes))
}

func TestRequestsAreSharedAmongMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		for _, n := range f.nodes[:3] {
			n.serve(t, "a/b c", echo(n, nil), 2)
		}
		for _, asker := range f.nodes {
			got := map[string]int{}
			for range 90 {
				got[asker.ask(t, "a/b c", "x")]++
			}
			if len(got) != 3 {
				t.Errorf("node %v was answered by %v", asker.id.Short(), got)
			}
		}
		if j := seen[*actor.MemberJoined](f.nodes[3]); len(j) != 3 || j[0].Cluster != "a/b c" || j[0].Members != 2 {
			t.Errorf("member events: %+v", j)
		}
	})
}

func TestNobodyServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		for _, n := range f.nodes {
			begin := time.Now()
			_, err := n.Request(t.Context(), "nobody", actor.Bytes("x"), Options{})
			if !errors.Is(err, actor.ErrNoMembers) || time.Since(begin) > 50*time.Millisecond {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			if err := n.Broadcast(t.Context(), "nobody", actor.Bytes("x")); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("broadcast: %v", err)
			}
			if err := n.Publish(t.Context(), "nobody", actor.Bytes("x")); err != nil {
				t.Errorf("publish: %v", err)
			}
			if _, err := n.Pick(t.Context(), "nobody"); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("pick: %v", err)
			}
			if _, err := n.Local("nobody"); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("local: %v", err)
			}
		}
		// ... and somebody does as soon as registering returned.
		f.nodes[1].serve(t, "nobody", echo(f.nodes[1], nil), 1)
		for _, n := range f.nodes {
			n.ask(t, "nobody", "x")
		}
	})
}

func TestErrorsOfHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		f.nodes[0].serve(t, "bad", actor.Func(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case actor.Bytes:
				if string(m) == "panic" {
					panic("boom")
				}
				actor.Fail(ctx, errors.New("no"))
			}
		}), 1)
		for _, n := range f.nodes {
			_, err := n.Request(t.Context(), "bad", actor.Bytes("fail"), Options{})
			var re *actor.RemoteError
			if !errors.As(err, &re) || re.Text != "no" || re.Panic {
				t.Errorf("fail: %v", err)
			}
			_, err = n.Request(t.Context(), "bad", actor.Bytes("panic"), Options{})
			if !errors.As(err, &re) || !re.Panic {
				t.Errorf("panic: %v", err)
			}
		}
		if _, err := f.nodes[1].Request(t.Context(), "bad", struct{ X chan int }{}, Options{}); err == nil {
			t.Error("a message that cannot be encoded was sent")
		}
		var ce *actor.CodecError
		if _, err := f.nodes[1].Request(t.Context(), "bad", 7, Options{}); !errors.As(err, &ce) {
			t.Errorf("unregistered type: %v", err)
		}
	})
}

func TestLeavingUnderLoadFailsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		var regs []*Registration
		slow := func(n *node) *actor.Props {
			return actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					<-time.After(5 * time.Millisecond)
					ctx.Respond(actor.Bytes(n.id.Short()))
				}
			})
		}
		for _, n := range f.nodes[:3] {
			regs = append(regs, n.serve(t, "c", slow(n), 2))
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var failed, served atomic.Int64
		for _, n := range f.nodes {
			for range 3 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if _, err := n.Request(t.Context(), "c", actor.Bytes("x"), Options{}); err != nil {
							failed.Add(1)
							t.Errorf("request: %v", err)
							return
						}
						served.Add(1)
					}
				})
			}
		}
		for _, r := range regs[:2] {
			<-time.After(300 * time.Millisecond)
			if err := r.Leave(t.Context()); err != nil {
				t.Errorf("leave: %v", err)
			}
			for _, m := range r.members {
				if n := m.inFlight.Load(); n != 0 {
					t.Errorf("%d requests in flight after Leave", n)
				}
			}
			for _, n := range f.nodes {
				for _, e := range n.find(wire.GroupCluster, "c").view.Load().Entries {
					if e.Node == r.t.self {
						t.Errorf("node %v still lists the node that left", n.id.Short())
					}
				}
			}
		}
		<-time.After(300 * time.Millisecond)
		close(stop)
		wg.Wait()
		if failed.Load() > 0 || served.Load() < 500 {
			t.Errorf("%d failed of %d", failed.Load(), served.Load())
		}
	})
}

func TestKilledNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		hang := actor.Func(func(actor.Context) {})
		for _, n := range f.nodes[:3] {
			n.serve(t, "c", hang, 1)
		}
		victim := f.nodes[1]
		errs := make(chan error, 90)
		for range 90 {
			go func() {
				_, err := f.nodes[3].Request(t.Context(), "c", actor.Bytes("x"), Options{})
				errs <- err
			}()
		}
		synctest.Wait()
		f.kill(victim)
		lost, timeout := 0, 0
		for range 90 {
			switch err := <-errs; {
			case errors.Is(err, actor.ErrLost):
				lost++
			case errors.Is(err, actor.ErrTimeout):
				timeout++
			default:
				t.Errorf("error %v", err)
			}
		}
		if lost == 0 || timeout == 0 {
			t.Errorf("%d lost, %d timed out", lost, timeout)
		}
		for _, e := range f.nodes[3].find(wire.GroupCluster, "c").view.Load().Entries {
			if e.Node == victim.id {
				t.Error("the dead node is still listed")
			}
		}
		if l := seen[*actor.MemberLeft](f.nodes[3]); len(l) != 1 {
			t.Errorf("member events: %+v", l)
		}
	})
}

func TestSuspectIsAvoided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		asker := f.nodes[2]
		asker.ask(t, "c", "x")
		asker.Link(f.nodes[0].id).(*pipe).suspect.Store(true)
		for range 50 {
			if got := asker.ask(t, "c", "x"); got != f.nodes[1].id.Short()+" x" {
				t.Fatalf("answered by %s", got)
			}
		}
	})
}

// stuck answers nothing until released; its mailbox holds one message.
func stuck(release chan struct{}) *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			<-release
			ctx.Respond(actor.Bytes("late"))
		}
	}).Mailbox(1)
}

func TestFullMembersAreRetriedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		release := make(chan struct{})
		f.nodes[0].serve(t, "c", stuck(release), 1)
		asker := f.nodes[2]
		var wg sync.WaitGroup
		for range 2 { // one in the handler, one in the mailbox
			wg.Go(func() { asker.ask(t, "c", "x") })
			synctest.Wait()
		}
		if _, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrOverloaded) {
			t.Errorf("full member alone: %v", err)
		}
		f.nodes[1].serve(t, "c", echo(f.nodes[1], nil), 1)
		for range 50 {
			asker.ask(t, "c", "x")
		}
		close(release)
		wg.Wait()
	})
}

func TestIdempotentRequestIsExecutedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		var handled atomic.Int64
		f.nodes[0].serve(t, "c", echo(f.nodes[0], &handled), 1)
		asker := f.nodes[1]
		asker.ask(t, "c", "warm")
		handled.Store(0)
		var losses atomic.Int64
		loseTwo := func(fr wire.Frame) bool {
			_, reply := fr.(*wire.Reply)
			return reply && losses.Add(1) <= 2
		}
		f.nodes[0].Link(asker.id).(*pipe).drop.Store(&loseTwo)
		r, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{Idempotent: true})
		if err != nil || string(r.(actor.Bytes)) != f.nodes[0].id.Short()+" x" {
			t.Errorf("got %v, %v", r, err)
		}
		if n := handled.Load(); n != 1 || losses.Load() != 3 {
			t.Errorf("executed %d times, %d replies sent", n, losses.Load())
		}
		f.nodes[0].Link(asker.id).(*pipe).drop.Store(nil)
		losses.Store(0)
		f.nodes[0].Link(asker.id).(*pipe).drop.Store(&loseTwo)
		if _, err := asker.Request(t.Context(), "c", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrTimeout) {
			t.Errorf("a plain request whose reply is lost: %v", err)
		}
		// on the node itself
		if _, err := f.nodes[0].Request(t.Context(), "c", actor.Bytes("x"), Options{Idempotent: true}); err != nil {
			t.Errorf("local: %v", err)
		}
	})
}

func TestBroadcastReachesEveryMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		var handled atomic.Int64
		for _, n := range f.nodes {
			n.serve(t, "c", echo(n, &handled), 3)
		}
		for i, n := range f.nodes {
			if err := n.Broadcast(t.Context(), "c", actor.Bytes("x")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := handled.Load(); got != int64(9*(i+1)) {
				t.Errorf("%d deliveries after %d broadcasts to 9 members", got, i+1)
			}
		}
	})
}

// reader collects events.
type reader struct {
	mu  sync.Mutex
	got []string
}

func (r *reader) props() *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.got = append(r.got, fmt.Sprintf("%s %s %s", actor.Meta(ctx).Kind, actor.Meta(ctx).Topic, m))
		}
	})
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func TestEventsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		readers := make([]*reader, 3)
		for i, n := range f.nodes {
			readers[i] = &reader{}
			if _, err := n.Topics.Subscribe(t.Context(), "news", n.sys.Spawn(readers[i].props())); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		// An actor sends before its node has a view: the sends queue in order.
		pub := f.nodes[1].sys.Spawn(actor.Func(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				ctx.Send(actor.Topic("news"), actor.Bytes(fmt.Sprint(n)))
			}
		}))
		for i := range 50 {
			want = append(want, fmt.Sprintf("event news %d", i))
			f.nodes[1].sys.Send(pub, nil, i)
		}
		synctest.Wait()
		for i := 50; i < 60; i++ {
			want = append(want, fmt.Sprintf("event news %d", i))
			if err := f.nodes[1].Publish(t.Context(), "news", actor.Bytes(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, r := range readers {
			if !slices.Equal(r.got, want) {
				t.Errorf("reader %d got %v", i, r.got)
			}
		}
	})
}

func TestSlowPeerDoesNotHoldThePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		readers := []*reader{{}, {}}
		for i, n := range f.nodes[:2] {
			if _, err := n.Topics.Subscribe(t.Context(), "news", n.sys.Spawn(readers[i].props())); err != nil {
				t.Fatal(err)
			}
		}
		pub := f.nodes[2]
		resume := pub.Link(f.nodes[0].id).(*pipe).pause(transport.Fanout)
		const events = 2000
		begin := time.Now()
		for i := range events {
			if err := pub.Publish(t.Context(), "news", actor.Bytes(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if took := time.Since(begin); took > time.Second {
			t.Errorf("publishing took %v beside a stuck peer", took)
		}
		if got := readers[1].count(); got != events {
			t.Errorf("the healthy subscriber got %d of %d", got, events)
		}
		over := seen[*actor.Overloaded](pub)
		if len(over) != 1 {
			t.Errorf("%d Overloaded events", len(over))
		}
		resume()
		<-time.After(2 * hold)
		for range 3 {
			if err := pub.Publish(t.Context(), "news", actor.Bytes("again")); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * checkEvery)
		synctest.Wait()
		if r := seen[*actor.Relieved](pub); len(r) != 1 || r[0].Dropped == 0 {
			t.Errorf("Relieved events: %+v", r)
		}
		missed := uint64(0)
		for _, d := range seen[*actor.DeadLetter](pub) {
			missed += d.Count
		}
		if got := readers[0].count(); uint64(got)+missed != events+3 {
			t.Errorf("slow subscriber: %d got, %d dead letters of %d", got, missed, events+3)
		}
	})
}

func TestPublisherIsHeldWhenNobodyTakesAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		r := &reader{}
		if _, err := f.nodes[0].Topics.Subscribe(t.Context(), "news", f.nodes[0].sys.Spawn(r.props())); err != nil {
			t.Fatal(err)
		}
		pub := f.nodes[1]
		if err := pub.Publish(t.Context(), "news", actor.Bytes("x")); err != nil {
			t.Fatal(err)
		}
		resume := pub.Link(f.nodes[0].id).(*pipe).pause(transport.Fanout)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 1
		var err error
		for err == nil {
			if err = pub.Publish(ctx, "news", actor.Bytes("x")); err == nil {
				n++
			}
		}
		if !errors.Is(err, actor.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		resume()
		synctest.Wait()
		if got := r.count(); got != n {
			t.Errorf("%d of %d events arrived", got, n)
		}
	})
}

func TestNamesOfActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		var handled atomic.Int64
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, &handled), 2)
		}
		n := f.nodes[2]
		var failures, replies atomic.Int64
		a := n.sys.Spawn(actor.Func(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.Request(actor.Cluster(m), actor.Bytes("x"))
			case int:
				ctx.Send(actor.Cluster("c"), actor.Bytes("tell"))
			case bool:
				ctx.Send(actor.Members("c"), actor.Bytes("all"))
			case actor.Bytes:
				replies.Add(1)
			case *actor.RequestFailed:
				if errors.Is(m.Err, actor.ErrNoMembers) {
					failures.Add(1)
				}
			}
		}))
		for range 20 {
			n.sys.Send(a, nil, "c")
			n.sys.Send(a, nil, "nobody")
		}
		synctest.Wait()
		<-time.After(time.Second)
		synctest.Wait()
		if replies.Load() != 20 || failures.Load() != 20 {
			t.Errorf("%d replies, %d failures", replies.Load(), failures.Load())
		}
		handled.Store(0)
		for range 10 {
			n.sys.Send(a, nil, 1)
		}
		n.sys.Send(a, nil, true)
		synctest.Wait()
		if got := handled.Load(); got != 14 {
			t.Errorf("%d deliveries of 10 sends to one and one to four", got)
		}
	})
}

func TestRestartedTreeLearnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		f.nodes[2].ask(t, "c", "x")
		for _, n := range f.nodes {
			n.sys.Events().Publish(&actor.Restart{PID: actor.NewPID(n.id.String(), "iris/topics/tree/cluster/c")})
		}
		<-time.After(time.Minute)
		for _, n := range f.nodes {
			got := map[string]bool{}
			for range 40 {
				got[n.ask(t, "c", "x")] = true
			}
			if len(got) != 2 {
				t.Errorf("node %v reaches %v", n.id.Short(), got)
			}
		}
	})
}

func TestRestartedSupervisorLearnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		f.nodes[2].ask(t, "c", "x")
		for _, n := range f.nodes {
			n.sys.Events().Publish(&actor.Restart{PID: n.PID()})
		}
		<-time.After(time.Minute)
		for _, n := range f.nodes {
			got := map[string]bool{}
			for range 40 {
				got[n.ask(t, "c", "x")] = true
			}
			if len(got) != 2 {
				t.Errorf("node %v reaches %v", n.id.Short(), got)
			}
		}
	})
}

func TestStopLeavesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		n := f.nodes[0]
		for i := range 20 {
			n.serve(t, fmt.Sprintf("c%d", i), echo(n, nil), 1)
			if got := f.nodes[1].ask(t, fmt.Sprintf("c%d", i), "x"); got == "" {
				t.Fatal("no answer")
			}
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Errorf("second stop: %v", err)
		}
		for i := range 20 {
			if _, err := f.nodes[1].Request(t.Context(), fmt.Sprintf("c%d", i), actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("cluster c%d after stop: %v", i, err)
			}
		}
		if _, err := n.Request(t.Context(), "other", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrClosed) {
			t.Errorf("request after stop: %v", err)
		}
	})
}

func TestIdleGroupsVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for i := range 50 {
			_, _ = f.nodes[i%3].Request(t.Context(), fmt.Sprintf("nobody%d", i), actor.Bytes("x"), Options{})
		}
		<-time.After(3 * time.Minute)
		synctest.Wait()
		for _, n := range f.nodes {
			if g := n.all(); len(g) > 0 {
				t.Errorf("node %v still knows %d groups, for example %s", n.id.Short(), len(g), g[0].name())
			}
			if kids := n.sys.Stats().Actors; kids > 10 {
				t.Errorf("%d actors left", kids)
			}
		}
	})
}

package topics

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"iris/actor"
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

// Whoever asks much at once, each member of each node gets its share of the work.
func TestRequestsAreSharedAmongMembers(t *testing.T) {
	const asked, members, work = 60, 6, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		for _, n := range f.nodes[:3] {
			n.serve(t, "a/b c", actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					<-time.After(work)
					ctx.Respond(actor.Bytes(ctx.Self().Address + ctx.Self().Id))
				}
			}), members/3)
		}
		for _, asker := range f.nodes {
			begin := time.Now()
			var replies [asked]string
			var wg sync.WaitGroup
			for i := range replies {
				wg.Go(func() { replies[i] = asker.ask(t, "a/b c", "x") })
			}
			wg.Wait()
			got := map[string]int{}
			for _, member := range replies {
				got[member]++
			}
			share, most := asked/members, 0
			for _, n := range got {
				most = max(most, n)
			}
			if len(got) != members || most > 2*share {
				t.Errorf("node %v was answered by %v", asker.id.Short(), got)
			}
			if took := time.Since(begin); took > time.Duration(2*share)*work {
				t.Errorf("node %v waited %v", asker.id.Short(), took)
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
			if err := n.Broadcast(t.Context(), "nobody", actor.Bytes("x"), BroadcastOptions{}); !errors.Is(err, actor.ErrNoMembers) {
				t.Errorf("broadcast: %v", err)
			}
			if err := n.Publish(t.Context(), "nobody", actor.Bytes("x"), PublishOptions{}); err != nil {
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

// reader collects events.

func TestStaleMembersAreProbedWhileRequestsAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		for _, n := range f.nodes[:2] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		asker := f.nodes[2]
		var probes, reports atomic.Int64
		count := func(fr wire.Frame) bool {
			switch fr.(type) {
			case *wire.LoadProbe:
				probes.Add(1)
			case *wire.LoadReport:
				reports.Add(1)
			}
			return false
		}
		for _, n := range f.nodes[:2] {
			asker.Link(n.id).(*pipe).drop.Store(&count)
			n.Link(asker.id).(*pipe).drop.Store(&count)
		}
		asker.ask(t, "c", "x")
		<-time.After(time.Second)
		if p := probes.Load(); p < 1 || p > 2 || reports.Load() != p {
			t.Errorf("after one request %d probes, %d reports", p, reports.Load())
		}
		probes.Store(0)
		<-time.After(time.Minute)
		if p := probes.Load(); p != 0 {
			t.Errorf("%d probes in an idle minute", p)
		}
	})
}

package actor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffDoublesUpToItsCap(t *testing.T) {
	s := Strategy{BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond}.withDefaults()
	for n, want := range map[int]time.Duration{1: 10, 2: 20, 3: 40, 4: 80, 5: 100, 6: 100, 1000: 100} {
		want *= time.Millisecond
		if got := s.backoff(n, func() float64 { return 0 }); got != want {
			t.Errorf("backoff(%d) = %v, want %v", n, got, want)
		}
		if got := s.backoff(n, func() float64 { return 0.999 }); got < want*4/5 || got >= want {
			t.Errorf("backoff(%d) with most jitter = %v of %v", n, got, want)
		}
	}
}

func TestRestartBudget(t *testing.T) {
	start := time.Unix(0, 0)
	sec := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	decide := func(d Directive) func(Failure) Directive { return func(Failure) Directive { return d } }
	for _, c := range []struct {
		name  string
		s     Strategy
		times []int // seconds of failures
		want  Directive
	}{
		{"within", Strategy{MaxRestarts: 3, Window: time.Minute}, []int{0, 1, 2}, DirectiveRestart},
		{"spent", Strategy{MaxRestarts: 3, Window: time.Minute}, []int{0, 1, 2, 3}, DirectiveStop},
		{"escalates", Strategy{MaxRestarts: 3, Window: time.Minute, Exhausted: DirectiveEscalate}, []int{0, 1, 2, 3}, DirectiveEscalate},
		{"window moved on", Strategy{MaxRestarts: 3, Window: 10 * time.Second}, []int{0, 9, 18, 27, 36, 45}, DirectiveRestart},
		{"no limit", Strategy{MaxRestarts: -1}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, DirectiveRestart},
		{"default", Strategy{}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, DirectiveRestart},
		{"default spent", Strategy{}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, DirectiveStop},
		{"decides", Strategy{Decide: decide(DirectiveResume)}, []int{0}, DirectiveResume},
		{"restart keeps the budget", Strategy{MaxRestarts: 1, Decide: decide(DirectiveRestart)}, []int{0, 0}, DirectiveStop},
		{"decide fails", Strategy{Decide: func(Failure) Directive { panic("x") }}, []int{0}, DirectiveRestart},
	} {
		var r restarts
		var got Directive
		for _, at := range c.times {
			got, _ = r.fail(sec(at), c.s.withDefaults(), Failure{})
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLimitsOfDirectives(t *testing.T) {
	all := []Directive{DirectiveRestart, DirectiveStop, DirectiveEscalate, DirectiveResume}
	for l, want := range map[limits]string{
		{}:                              "restart 1s, stop 1s, escalate 1s, resume 1s",
		{starting: true}:                "restart 1s, stop 1s, escalate 1s, resume 1s",
		{top: true}:                     "restart 1s, stop 1s, restart 1m0s, resume 1s",
		{top: true, starting: true}:     "restart 1s, stop 1s, restart 1m0s, resume 1s",
		{leaving: true}:                 "restart 0s, stop 1s, restart 0s, resume 1s",
		{top: true, leaving: true}:      "restart 0s, stop 1s, restart 0s, resume 1s",
		{leaving: true, starting: true}: "stop 0s, stop 1s, stop 0s, resume 1s",
		{top: true, leaving: true, starting: true}: "stop 0s, stop 1s, stop 0s, resume 1s",
	} {
		var got []string
		for _, d := range all {
			what, delay := l.apply(d, time.Second, time.Minute)
			got = append(got, fmt.Sprint(what, " ", delay))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%+v: %s, want %s", l, got, want)
		}
	}
}

// What a supervisor passes on of a child that cannot start does not mean that the supervisor cannot.
func TestWhoFailsToStart(t *testing.T) {
	for _, c := range []struct {
		props   *Props
		message any
		want    bool
	}{
		{echo(), &Started{}, true},
		{echo(), "work", false},
		{Supervisor(Strategy{}), &Started{}, false},
	} {
		k := &kid{cell: &cell{props: c.props}}
		if got := k.startsNot(&fault{message: c.message}); got != c.want {
			t.Errorf("%T, supervisor %v: %v", c.message, c.props.supervisor, got)
		}
	}
}

func TestBackoffStartsOverAfterAQuietWindow(t *testing.T) {
	s := Strategy{MaxRestarts: -1, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Hour}.withDefaults()
	var r restarts
	now := time.Unix(0, 0)
	for range 200 {
		_, _ = r.fail(now, s, Failure{})
	}
	if len(r.times) > 65 {
		t.Errorf("history of %d failures", len(r.times))
	}
	_, late := r.fail(now, s, Failure{})
	_, fresh := r.fail(now.Add(time.Minute), s, Failure{})
	if late < 40*time.Minute || fresh > time.Second {
		t.Errorf("backoff %v, after a quiet window %v", late, fresh)
	}
}

// protoactor's exponential backoff is linear and has neither cap nor jitter worth the name.
func TestFailingActorComesBackSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		var starts []time.Time
		pid := s.Spawn(Func(func(ctx Context) {
			switch ctx.Message().(type) {
			case *Started:
				starts = append(starts, time.Now())
			case string:
				panic("x")
			}
		}).Strategy(Strategy{BackoffMin: time.Second, BackoffMax: 4 * time.Second}))
		for range 4 {
			s.Send(pid, nil, "x")
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if len(starts) != 5 {
			t.Fatalf("%d starts, want 5: the queue is kept over restarts", len(starts))
		}
		for i, want := range []time.Duration{1, 2, 4, 4} {
			d := starts[i+1].Sub(starts[i])
			if d > want*time.Second || d < want*time.Second*4/5 {
				t.Errorf("restart %d after %v, want about %vs", i+1, d, want)
			}
		}
	})
}

func TestExhaustedActorStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		w := watchEvents(s)
		pid := s.Spawn(Func(func(ctx Context) {
			if _, ok := ctx.Message().(*Started); ok {
				panic("never well")
			}
		}).Strategy(Strategy{MaxRestarts: 3}))
		gone := terminations(t, s, pid)
		<-gone
		synctest.Wait()
		var directives []string
		for _, ev := range w.events {
			if f, ok := ev.(*HandlerFailed); ok {
				directives = append(directives, f.Directive.String())
				if !strings.Contains(f.Stack, "supervise_test.go") || f.MessageType != "*actor.Started" || f.Node != "n1" || f.Time.IsZero() {
					t.Errorf("failure = %+v", f)
				}
			}
		}
		if got := strings.Join(directives, " "); got != "restart restart restart stop" {
			t.Errorf("directives: %s", got)
		}
		stopped := awaitEvent(t, w, func(h *HandlerStopped) bool { return h.PID.Id == pid.Id })
		if !strings.Contains(stopped.Reason, "never well") {
			t.Errorf("stopped because %q", stopped.Reason)
		}
	})
}

// A panic in protoactor's producer reaches the spawner.
func TestPanicInProducerIsAFailure(t *testing.T) {
	s := newTestSystem(t)
	var made atomic.Int32
	pid := s.Spawn(Of(func() Actor {
		if made.Add(1) < 3 {
			panic("not yet")
		}
		return funcActor(func(ctx Context) {
			if m, ok := ctx.Message().(string); ok {
				ctx.Respond("re " + m)
			}
		})
	}).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
	if got := mustAsk(t, s, pid, "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
}

// With protoactor the asker of the message that panicked only times out.
func TestPanicAnswersTheAskerBeforeTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		slow := Strategy{BackoffMin: time.Hour, BackoffMax: time.Hour}
		failed := make(chan *RequestFailed, 1)
		pid := s.Spawn(echo().Strategy(slow))
		start := time.Now()
		_, err := s.Root().Request(t.Context(), pid, "boom")
		var re *RemoteError
		if !errors.As(err, &re) || !re.Panic || re.Code != CodePanic || re.Text != "boom" || re.Node != "n1" || re.Actor != pid.Id {
			t.Errorf("ask = %#v", err)
		}
		asker := s.Spawn(Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.Request(s.Spawn(echo().Strategy(slow)), "boom")
			case *RequestFailed:
				failed <- m
			}
		}))
		s.Send(asker, nil, "go")
		f := <-failed
		if !errors.As(f.Err, &re) || !re.Panic {
			t.Errorf("request failed = %v", f.Err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("answered after %v", d)
		}
	})
}

// An escalation publishes nothing for the failing child in protoactor, and at a guardian it kills the process.
func TestEscalationRestartsTheSubtree(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	fast := Strategy{BackoffMin: 1, BackoffMax: 1}
	sup, err := s.Service("group", Supervisor(Strategy{MaxRestarts: 1, BackoffMin: 1, BackoffMax: 1, Exhausted: DirectiveEscalate}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.SpawnUnder(sup, "a", echo())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.SpawnUnder(sup, "b", echo().Strategy(fast))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := ask(t, s, a, "boom"); err == nil {
			t.Fatal("no error")
		}
	}
	awaitEvent(t, w, func(f *HandlerFailed) bool { return f.PID.Id == a.Id && f.Directive == DirectiveEscalate })
	awaitEvent(t, w, func(f *HandlerFailed) bool { return f.PID.Id == sup.Id && f.Directive == DirectiveRestart })
	for pid, restarts := range map[*PID]int{a: 2, b: 1} { // both are there all the time
		mustAsk(t, s, pid, "hi")
		awaitEvent(t, w, func(h *HandlerStarted) bool { return h.PID.Id == pid.Id && h.Restarts == restarts })
	}
	if n := countEvents(w, all[*HandlerStopped]); n != 0 {
		t.Errorf("%d handlers stopped for good", n)
	}
}

// No chain of escalations reaches the guardian or ends the process.
func TestRootNeverEscalates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		w := watchEvents(s)
		up := Strategy{Decide: func(Failure) Directive { return DirectiveEscalate }}
		outer, err := s.Service("outer", Supervisor(up))
		if err != nil {
			t.Fatal(err)
		}
		inner, err := s.SpawnUnder(outer, "inner", Supervisor(up))
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.SpawnUnder(inner, "a", echo())
		if err != nil {
			t.Fatal(err)
		}
		direct, err := s.Service("direct", echo().Strategy(up))
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			s.Send(a, nil, "boom")
			s.Send(direct, nil, "boom")
			<-time.After(time.Minute)
		}
		for _, pid := range []*PID{a, direct} {
			if got, err := s.Root().Request(t.Context(), pid, "hi"); got != "re hi" {
				t.Errorf("%s: %v %v", pid.Id, got, err)
			}
		}
		if n := countEvents(w, func(f *HandlerFailed) bool { return f.PID.Id == outer.Id && f.Directive == DirectiveRestart }); n != 30 {
			t.Errorf("outer restarted %d times, want 30", n)
		}
	})
}

func TestMemberStrategyOverridesItsSupervisor(t *testing.T) {
	s := newTestSystem(t)
	sup, err := s.Service("group", Supervisor(Strategy{Decide: func(Failure) Directive { return DirectiveStop }}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		p     *Props
		alive bool
	}{
		"theirs": {echo(), false},
		"own":    {echo().Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}), true},
		"resume": {echo().Strategy(Strategy{Decide: func(Failure) Directive { return DirectiveResume }}), true},
	} {
		pid, err := s.SpawnUnder(sup, name, c.p)
		if err != nil {
			t.Fatal(err)
		}
		gone := terminations(t, s, pid)
		_, _ = ask(t, s, pid, "boom")
		if c.alive {
			mustAsk(t, s, pid, "hi")
		} else {
			receive(t, gone)
		}
	}
}

func TestCommands(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	pid := s.Spawn(echo().Strategy(Strategy{BackoffMin: time.Hour, BackoffMax: time.Hour}))
	_, _ = ask(t, s, pid, "boom")
	awaitEvent(t, w, all[*HandlerFailed])
	s.Events().Publish(&Restart{PID: pid}) // instead of waiting for an hour
	mustAsk(t, s, pid, "hi")
	s.Events().Publish(&Restart{PID: pid}) // also if it is well
	awaitEvent(t, w, func(h *HandlerStarted) bool { return h.Restarts == 2 })
	s.Events().Publish(&StopHandler{PID: pid})
	if h := awaitEvent(t, w, all[*HandlerStopped]); h.Reason != "stopped by command" || h.PID.Id != pid.Id {
		t.Errorf("stopped = %+v", h)
	}
	s.Events().Publish(&Restart{})
	s.Events().Publish(&StopHandler{PID: s.root.pid}) // not for the root
	mustAsk(t, s, s.Spawn(echo()), "hi")
}

func TestClusterOfAHandler(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	clusters, err := s.Service("clusters", Supervisor(Strategy{}))
	if err != nil {
		t.Fatal(err)
	}
	shop, err := s.SpawnUnder(clusters, "shop/orders", Supervisor(Strategy{}))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := s.SpawnUnder(shop, "1", echo())
	if err != nil {
		t.Fatal(err)
	}
	if h := awaitEvent(t, w, func(h *HandlerStarted) bool { return h.PID.Id == pid.Id }); h.Cluster != "shop/orders" {
		t.Errorf("cluster = %q", h.Cluster)
	}
}

func TestSpawnUnderErrors(t *testing.T) {
	s := newTestSystem(t)
	plain := s.Spawn(echo())
	if _, err := s.SpawnUnder(plain, "x", echo()); err == nil {
		t.Error("spawned under an actor that is no supervisor")
	}
	for _, p := range []*PID{nil, NewPID("n1", "iris/none"), NewPID("n2", "iris/user"), Cluster("c")} {
		if _, err := s.SpawnUnder(p, "x", echo()); !errors.Is(err, ErrNoActor) {
			t.Errorf("under %v: %v, want ErrNoActor", p, err)
		}
	}
	sup, err := s.Service("group", Supervisor(Strategy{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), sup); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SpawnUnder(sup, "x", echo()); !errors.Is(err, ErrNoActor) {
		t.Errorf("under a stopped one: %v", err)
	}
}

// Spawning from within a producer would deadlock if producers ran on the supervisor.
func TestSpawnInsideProducer(t *testing.T) {
	s := newTestSystem(t)
	pid := s.Spawn(Of(func() Actor {
		other := s.Spawn(echo())
		return funcActor(func(ctx Context) {
			if _, ok := ctx.Message().(string); ok {
				ctx.Forward(other)
			}
		})
	}))
	if got := mustAsk(t, s, pid, "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
}

// An actor that cannot start is not restarted for ever while it should end.
func TestPoisonOfAnActorThatCannotStart(t *testing.T) {
	s := newTestSystem(t)
	never := Strategy{MaxRestarts: -1, BackoffMin: time.Hour, BackoffMax: time.Hour}
	var broken atomic.Bool
	pid := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message().(type) {
		case *Started:
			if broken.Load() {
				panic("cannot start")
			}
		case string:
			broken.Store(true)
			panic("and cannot start again")
		}
	}).Strategy(never))
	s.Send(pid, nil, "fail")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Poison(ctx, pid); err != nil {
		t.Fatal(err)
	}
}

// What a restarting actor spawns would end with the incarnation that goes.
func TestSpawnWhileRestartingIsRefused(t *testing.T) {
	s := newTestSystem(t)
	got := make(chan error, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message().(type) {
		case *Restarting:
			_, err := ctx.SpawnNamed(echo(), "late")
			got <- err
		case string:
			panic("restart me")
		}
	}))
	s.Send(pid, nil, "fail")
	if err := <-got; !errors.Is(err, ErrDraining) {
		t.Errorf("spawn while restarting: %v, want ErrDraining", err)
	}
}

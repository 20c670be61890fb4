package actor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// troupe is a supervisor below another one, with members of which each failure escalates. The upper one takes a minute to
// restart it: that is the gap in which all kinds of things may happen.
type troupe struct {
	*System
	outer, group *PID
	members      []*PID
}

func newTroupe(t *testing.T, s *System, above Strategy, members ...*Props) *troupe {
	t.Helper()
	tr := &troupe{System: s}
	spawn := func(pid *PID, err error) *PID {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	tr.outer = spawn(s.Service("clusters", Supervisor(above)))
	tr.group = spawn(s.SpawnUnder(tr.outer, "work", Supervisor(Strategy{Decide: func(Failure) Directive { return DirectiveEscalate }})))
	for i, p := range members {
		tr.members = append(tr.members, spawn(s.SpawnUnder(tr.group, string(rune('a'+i)), p)))
	}
	return tr
}

var slowly = Strategy{MaxRestarts: -1, BackoffMin: time.Minute, BackoffMax: time.Minute}

// fail makes a member fail, and returns when that has gone up.
func (tr *troupe) fail(t *testing.T, pid *PID) {
	t.Helper()
	var re *RemoteError
	if _, err := tr.Root().Request(t.Context(), pid, "boom"); !errors.As(err, &re) || !re.Panic {
		t.Errorf("the message that failed: %v", err)
	}
	synctest.Wait()
}

// later asks without waiting.
func (tr *troupe) later(pid *PID, msg any) <-chan Reply {
	got := make(chan Reply, 10)
	tr.request(pid, nil, msg, time.Hour, func(r Reply) { got <- r })
	return got
}

func answered(t *testing.T, ch <-chan Reply) Reply {
	t.Helper()
	synctest.Wait()
	if len(ch) != 1 {
		t.Fatalf("%d answers, want 1", len(ch))
	}
	return <-ch
}

// keeper watches actors, and notes which have ended.
type keeper struct {
	sys   *System
	pid   *PID
	ended map[string]int // owned by the actor
}

func newKeeper(s *System) *keeper {
	k := &keeper{sys: s, ended: map[string]int{}}
	k.pid = s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case func(Context):
			m(ctx)
			ctx.Respond("done")
		case *Terminated:
			k.ended[m.Who.Id]++
		}
	}))
	return k
}

func (k *keeper) do(t *testing.T, f func(Context)) {
	t.Helper()
	mustAsk(t, k.sys, k.pid, f)
}

func (k *keeper) watch(t *testing.T, pids ...*PID) {
	t.Helper()
	for _, pid := range pids {
		k.do(t, func(ctx Context) { ctx.Watch(pid) })
	}
}

// saw fails the test unless each of the actors was reported n times.
func (k *keeper) saw(t *testing.T, n int, pids ...*PID) {
	t.Helper()
	synctest.Wait()
	k.do(t, func(Context) {
		for _, pid := range pids {
			if k.ended[pid.Id] != n {
				t.Errorf("%s: the end of %s was reported %d times, want %d", k.sys.Node(), pid.Id, k.ended[pid.Id], n)
			}
		}
	})
}

// While what is above a member restarts, the member is there: for who watches it, who begins or ceases to, and who sends.
func TestEscalationIsNoEndForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, sys := newNetwork(t, "n1", "n2")
		tr := newTroupe(t, sys[0], slowly, echo(), echo())
		a, b := tr.members[0], tr.members[1]
		near, far, late, off := newKeeper(sys[0]), newKeeper(sys[1]), newKeeper(sys[0]), newKeeper(sys[0])
		for _, k := range []*keeper{near, far, off} {
			k.watch(t, a, b)
		}
		for range 3 {
			tr.fail(t, a)
			late.watch(t, a, b)
			off.do(t, func(ctx Context) { ctx.Unwatch(a); ctx.Unwatch(b) })
			waiting := tr.later(a, "hi")
			if got := mustAsk(t, sys[0], b, "hi"); got != "re hi" || !sys[0].Suspended(a) || len(waiting) != 0 {
				t.Errorf("in the gap: %v, suspended %v, %d answers", got, sys[0].Suspended(a), len(waiting))
			}
			<-time.After(time.Minute)
			if r := answered(t, waiting); r.Message != "re hi" {
				t.Errorf("what waited: %+v", r)
			}
			mustAsk(t, sys[0], b, "hi")
			for _, k := range []*keeper{near, far, late, off} {
				k.saw(t, 0, a, b)
			}
		}
		for _, pid := range tr.members {
			if err := sys[0].Stop(t.Context(), pid); err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range []*keeper{near, far, late} {
			k.saw(t, 1, a, b)
		}
		off.saw(t, 0, a, b)
		if n := sys[0].Stats().Watches + sys[1].Stats().Watches; n != 0 {
			t.Errorf("%d watches left", n)
		}
	})
}

// Whatever ends a member in the gap ends it: once for who watches it, at once, with an answer for all that waits, and for good.
func TestEndsWhileAnEscalationIsUnderWay(t *testing.T) {
	command := func(s *System, pid *PID) error { return s.Events().Do(context.Background(), &StopHandler{PID: pid}) }
	for name, c := range map[string]struct {
		end     func(*troupe) error
		handled bool // what is queued
		both    bool // b ends, too
	}{
		"command":      {end: func(tr *troupe) error { return command(tr.System, tr.members[0]) }},
		"stop":         {end: func(tr *troupe) error { return tr.Stop(context.Background(), tr.members[0]) }},
		"poison":       {end: func(tr *troupe) error { return tr.Poison(context.Background(), tr.members[0]) }, handled: true},
		"stop group":   {end: func(tr *troupe) error { return tr.Stop(context.Background(), tr.group) }, both: true},
		"poison group": {end: func(tr *troupe) error { return tr.Poison(context.Background(), tr.group) }, handled: true, both: true},
		"stop outer":   {end: func(tr *troupe) error { return tr.Stop(context.Background(), tr.outer) }, both: true},
		"poison outer": {end: func(tr *troupe) error { return tr.Poison(context.Background(), tr.outer) }, handled: true, both: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, sys := newNetwork(t, "n1", "n2")
				tr := newTroupe(t, sys[0], slowly, echo(), echo())
				a, b := tr.members[0], tr.members[1]
				near, far := newKeeper(sys[0]), newKeeper(sys[1])
				near.watch(t, a, b)
				far.watch(t, a, b)
				tr.fail(t, a)
				waiting := tr.later(a, "hi")
				began, before := time.Now(), sys[0].Counters()
				if err := c.end(tr); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if took := time.Since(began); took != 0 {
					t.Errorf("it took %v", took)
				}
				r, left := answered(t, waiting), uint64(1)
				if c.handled {
					left = 0
				}
				if c.handled != (r.Message == "re hi") || c.handled == errors.Is(r.Err, ErrNoActor) {
					t.Errorf("what waited: %+v", r)
				}
				if n := sys[0].Counters().Dropped[DeadLeftover.String()] - before.Dropped[DeadLeftover.String()]; n != left {
					t.Errorf("%d left over, want %d", n, left)
				}
				<-time.After(time.Hour) // nothing comes back
				for _, k := range []*keeper{near, far} {
					k.saw(t, 1, a)
					if c.both {
						k.saw(t, 1, b)
					} else {
						k.saw(t, 0, b)
						mustAsk(t, sys[0], b, "hi")
					}
				}
				if _, err := ask(t, sys[0], a, "hi"); !errors.Is(err, ErrNoActor) {
					t.Errorf("it came back: %v", err)
				}
			})
		})
	}
}

// A shutdown does not wait for the back-off.
func TestShutdownWhileAnEscalationIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		tr := newTroupe(t, s, slowly, echo(), echo())
		tr.fail(t, tr.members[0])
		waiting := tr.later(tr.members[0], "hi")
		began := time.Now()
		if err := s.Shutdown(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if r := answered(t, waiting); r.Message != "re hi" {
			t.Errorf("what waited: %+v", r)
		}
	})
}

// If what is above ends instead of coming back, that is the end of the members.
func TestEscalationUpToAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		tr := newTroupe(t, s, Strategy{Decide: func(Failure) Directive { return DirectiveStop }}, echo(), echo())
		k := newKeeper(s)
		k.watch(t, tr.members...)
		tr.fail(t, tr.members[0])
		k.saw(t, 1, tr.members...)
		for _, pid := range tr.members {
			if _, err := ask(t, s, pid, "hi"); !errors.Is(err, ErrNoActor) {
				t.Errorf("%s: %v", pid.Id, err)
			}
		}
	})
}

// If what is above goes on as it was, so does the member.
func TestEscalationUpToAResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		w := watchEvents(s)
		tr := newTroupe(t, s, Strategy{Decide: func(Failure) Directive { return DirectiveResume }}, echo(), echo())
		for range 3 {
			tr.fail(t, tr.members[0])
			for _, pid := range tr.members {
				mustAsk(t, s, pid, "hi")
			}
		}
		if n := countEvents(w, func(h *HandlerStarted) bool { return h.Restarts > 0 }); n != 0 {
			t.Errorf("%d restarts", n)
		}
	})
}

// Members that fail together, time and again, come back together, and nothing that they were sent stays without an answer.
func TestManyEscalateTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		props := make([]*Props, 8)
		for i := range props {
			props[i] = echo()
		}
		tr := newTroupe(t, s, Strategy{MaxRestarts: -1, BackoffMin: 1, BackoffMax: time.Millisecond}, props...)
		k := newKeeper(s)
		k.watch(t, tr.members...)
		var wg sync.WaitGroup
		var failed, served atomic.Int64
		for _, pid := range tr.members {
			for range 3 {
				wg.Go(func() {
					for i := range 50 {
						_, err := s.Root().Request(t.Context(), pid, []string{"boom", "hi"}[i%2])
						var re *RemoteError
						switch {
						case err == nil:
							served.Add(1)
						case errors.As(err, &re) && re.Panic:
							failed.Add(1)
						default:
							t.Errorf("%s: %v", pid.Id, err)
						}
					}
				})
			}
		}
		wg.Wait()
		if n := int64(len(props) * 3 * 25); failed.Load() != n || served.Load() != n {
			t.Errorf("%d failed, %d served, want %d each", failed.Load(), served.Load(), n)
		}
		k.saw(t, 0, tr.members...)
	})
}

// A member that cannot start any more goes up again and again, more slowly each time, and ends when it is told to.
func TestEscalationOfWhatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		var broken atomic.Bool
		var starts atomic.Int64
		above := Strategy{MaxRestarts: -1, BackoffMin: time.Second, BackoffMax: 10 * time.Second}
		tr := newTroupe(t, s, above, Func(func(ctx Context) {
			switch ctx.Message().(type) {
			case *Started:
				starts.Add(1)
				if broken.Load() {
					panic("cannot start")
				}
			case string:
				broken.Store(true)
				panic("and cannot start again")
			}
		}), echo())
		k := newKeeper(s)
		k.watch(t, tr.members...)
		tr.fail(t, tr.members[0])
		<-time.After(time.Hour)
		if n := starts.Load(); n < 300 || n > 500 {
			t.Errorf("%d starts in an hour, want one in about 10 s", n)
		}
		k.saw(t, 0, tr.members...)
		began := time.Now()
		if err := s.Poison(t.Context(), tr.members[0]); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		k.saw(t, 1, tr.members[0])
		mustAsk(t, s, tr.members[1], "hi")
	})
}

// A command overtakes the back-off of a supervisor, and gives all below one that is well a new incarnation.
func TestRestartOfASupervisorByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		w := watchEvents(s)
		tr := newTroupe(t, s, slowly, echo(), echo())
		tr.fail(t, tr.members[0])
		for i, pid := range []*PID{tr.group, tr.group, tr.outer, tr.members[0]} {
			began := time.Now()
			if err := s.Events().Do(t.Context(), &Restart{PID: pid}); err != nil {
				t.Error(err)
			}
			for _, m := range tr.members {
				mustAsk(t, s, m, "hi")
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("restart %d took %v", i, took)
			}
		}
		<-time.After(time.Hour) // the back-off was overtaken
		for i, want := range []int{4, 3} {
			if n := countEvents(w, func(h *HandlerStarted) bool { return Same(h.PID, tr.members[i]) }); n != want+1 {
				t.Errorf("%s: %d restarts, want %d", tr.members[i].Id, n-1, want)
			}
		}
	})
}

package actor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A subscriber that answers HandlerFailed decides before the back-off does, also when its command comes before the
// supervisor has begun to wait.
func TestAnswerOvertakesBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		const failures = 50
		began := time.Now()
		s.Events().Subscribe(func(ev any) {
			f, ok := ev.(*HandlerFailed)
			switch {
			case !ok:
			case f.Directive != DirectiveRestart || f.Backoff < time.Hour/2:
				t.Errorf("the supervisor does %s after %v", f.Directive, f.Backoff)
			case f.Restarts <= failures:
				s.Events().Publish(&Restart{PID: f.PID, By: "test"})
			default:
				s.Events().Publish(&StopHandler{PID: f.PID, By: "test"})
			}
		})
		pid := s.Spawn(echo().Strategy(Strategy{MaxRestarts: -1, Window: 24 * time.Hour, BackoffMin: time.Hour, BackoffMax: time.Hour}))
		gone := terminations(t, s, pid)
		for range failures {
			_, _ = ask(t, s, pid, "boom")
			mustAsk(t, s, pid, "hi")
		}
		_, _ = ask(t, s, pid, "boom")
		receive(t, gone)
		if took := time.Since(began); took >= time.Hour/2 {
			t.Errorf("somebody waited for the back-off: %v", took)
		}
	})
}

// What the supervisor has decided for good stays so.
func TestRestartComesTooLateForStop(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	s.Events().Subscribe(func(ev any) {
		if f, ok := ev.(*HandlerFailed); ok {
			s.Events().Publish(&Restart{PID: f.PID})
		}
	})
	pid := s.Spawn(echo().Strategy(Strategy{Decide: func(Failure) Directive { return DirectiveStop }}))
	gone := terminations(t, s, pid)
	_, _ = ask(t, s, pid, "boom")
	receive(t, gone)
	awaitEvent(t, w, func(c *CommandDone) bool { return c.Command == "Restart" })
}

// What the node consists of is not stopped; what comes and goes is. What supervises connections is not restarted.
func TestPartsOfTheNodeAreNotStopped(t *testing.T) {
	s := newTestSystem(t)
	parts := make(chan *PID, 4) // one is of a second incarnation
	nested := func(ctx Context) {
		if _, ok := ctx.Message().(*Started); ok {
			parts <- ctx.Spawn(Func(func(Context) {}))
		}
	}
	spawn := func(pid *PID, err error) *PID {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	router := spawn(s.Service("router", Func(nested)))
	partOfRouter := receive(t, parts)
	clusters := spawn(s.Service("clusters", Supervisor(Strategy{})))
	orders := spawn(s.SpawnUnder(clusters, "orders", Supervisor(Strategy{})))
	member := spawn(s.SpawnUnder(orders, "1", Func(nested)))
	partOfMember := receive(t, parts)
	other := spawn(s.SpawnUnder(orders, "2", Supervisor(Strategy{})))
	relay := spawn(s.Service("relay", Supervisor(Strategy{})))
	client := spawn(s.SpawnUnder(relay, "1", Func(func(Context) {})))
	group := spawn(s.SpawnNamed(Supervisor(Strategy{}), "group"))
	below := spawn(s.SpawnUnder(group, "below", Func(nested)))
	partOfBelow := receive(t, parts)
	for _, pid := range []*PID{s.root.pid, router, partOfRouter, clusters, orders, relay, NewPID("n1", userID)} {
		if err := s.Events().Do(t.Context(), &StopHandler{PID: pid}); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v, want %v", pid.Id, err, ErrDenied)
		}
		if reason := s.cells.get(pid.Id).reason.Load(); reason != nil {
			t.Errorf("%s: %s", pid.Id, *reason)
		}
	}
	for _, pid := range []*PID{partOfMember, member, other, client, partOfBelow, below, group} {
		gone := s.cells.get(pid.Id).ended()
		if err := s.Events().Do(t.Context(), &StopHandler{PID: pid}); err != nil {
			t.Errorf("%s: %v", pid.Id, err)
		}
		receive(t, gone)
	}
	for pid, want := range map[*PID]error{s.root.pid: ErrDenied, relay: ErrDenied, router: nil, clusters: nil, orders: nil, NewPID("n1", userID): nil} {
		if err := s.Events().Do(t.Context(), &Restart{PID: pid}); !errors.Is(err, want) {
			t.Errorf("restart of %s: %v, want %v", pid.Id, err, want)
		}
	}
}

// Each command is in the stream once, then its answer, once.
func TestCommandsAreAnsweredInOrder(t *testing.T) {
	s := newTestSystem(t)
	events := s.Events().Chan(t.Context(), 1000)
	pid := s.Spawn(echo())
	var late *Order
	s.Events().Carry(func(o *Order) {
		switch o.Command.(type) {
		case *Drain:
			o.Done(nil)
			o.Done(errors.New("once more"))
		default:
			late = o // answered below
		}
	})
	for i, c := range []struct {
		command Command
		want    error
	}{
		{&Restart{PID: pid}, nil},
		{&Restart{PID: NewPID("n9", pid.Id)}, ErrNoActor},
		{&Restart{}, ErrNoActor},
		{&StopHandler{PID: s.root.pid}, ErrDenied},
		{&Drain{By: "a\nb"}, nil},
		{&StopHandler{PID: pid}, nil},
	} {
		if err := s.Events().Do(t.Context(), c.command); !errors.Is(err, c.want) {
			t.Errorf("command %d, %T: got %v, want %v", i, c.command, err, c.want)
		}
		for {
			ev := receive(t, events)
			if ev == any(c.command) {
				break
			}
			if _, early := ev.(*CommandDone); early {
				t.Errorf("%+v before %T", ev, c.command)
			}
		}
		for {
			if d, ok := receive(t, events).(*CommandDone); ok {
				if d.command != c.command || d.Command != EventKind(c.command) || (d.Error == "") != (c.want == nil) {
					t.Errorf("%T is answered by %+v", c.command, d)
				}
				break
			}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	slow := &SetLogLevel{}
	if err := s.Events().Do(ctx, slow); !errors.Is(err, why) {
		t.Errorf("a context that ended: got %v", err)
	}
	late.Done(nil) // nobody waits any more
	var rest []any
	for len(rest) < 2 {
		switch ev := receive(t, events).(type) {
		case *SetLogLevel, *CommandDone:
			rest = append(rest, ev)
		}
	}
	if d, ok := rest[1].(*CommandDone); rest[0] != any(slow) || !ok || d.command != Command(slow) {
		t.Errorf("then came %+v", rest)
	}
	s.Events().Carry(nil)
	if err := s.Events().Do(t.Context(), &Drain{}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("without anybody to carry it out: got %v", err)
	}
}

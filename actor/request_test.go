package actor

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAskRunsAsTheActor(t *testing.T) {
	s := newTestSystem(t)
	back := s.Spawn(echo())
	front := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(string); ok {
			ctx.Ask(back, m, 0, func(reply any, err error) {
				if ctx.Message() != m {
					t.Errorf("message in then = %v, want %v", ctx.Message(), m)
				}
				if err != nil {
					Fail(ctx, err)
					return
				}
				ctx.Respond(reply.(string) + "!")
			})
		}
	}))
	if got := mustAsk(t, s, front, "hi"); got != "re hi!" {
		t.Errorf("got %v", got)
	}
	_, err := ask(t, s, front, "boom") // of the one behind
	var re *RemoteError
	if !errors.As(err, &re) || re.Actor != back.Id || re.Text != "boom" {
		t.Errorf("got %v", err)
	}
}

// A blocking request to one's own failing child waits for its timeout in protoactor; an Ask is answered at once.
func TestAskOfOwnFailingChild(t *testing.T) {
	s := newTestSystem(t)
	parent := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(string); ok {
			child := ctx.Spawn(echo().Strategy(Strategy{BackoffMin: time.Hour, BackoffMax: time.Hour}))
			ctx.Ask(child, "boom", time.Hour, func(_ any, err error) { ctx.Respond(err.Error()) })
		}
	}))
	if _, err := ask(t, s, parent, "go"); err == nil {
		mustAsk(t, s, parent, "go")
	}
}

// ReenterAfter of protoactor runs the closure of an incarnation that is gone, and while the actor is suspended.
func TestAskOfAnEarlierIncarnationIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		g := newGated()
		back := s.Spawn(g.props())
		s.Send(back, nil, "block")
		var stale, fresh atomic.Int32
		pid := s.Spawn(Func(func(ctx Context) {
			switch ctx.Message() {
			case "ask":
				ctx.Ask(back, "x", time.Hour, func(any, error) { stale.Add(1) })
				ctx.After(time.Hour, "tick")
				ctx.SetReceiveTimeout(time.Hour)
				panic("x")
			case "again":
				ctx.Ask(back, "x", time.Hour, func(any, error) { fresh.Add(1) })
			}
			switch ctx.Message().(type) {
			case *ReceiveTimeout:
				stale.Add(1)
			}
			if ctx.Message() == "tick" {
				stale.Add(1)
			}
		}).Strategy(Strategy{BackoffMin: time.Minute, BackoffMax: time.Minute}))
		s.Send(pid, nil, "ask")
		s.Send(pid, nil, "again")
		synctest.Wait()
		close(g.release)
		synctest.Wait()
		if fresh.Load() != 0 {
			t.Error("ran while suspended")
		}
		<-time.After(3 * time.Hour)
		synctest.Wait()
		if stale.Load() != 0 || fresh.Load() != 1 {
			t.Errorf("stale %d fresh %d, want 0 1", stale.Load(), fresh.Load())
		}
	})
}

func TestRequestTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		silent := s.Spawn(Func(func(Context) {}))
		start := time.Now()
		if _, err := s.Root().Request(t.Context(), silent, "x"); !errors.Is(err, ErrTimeout) || time.Since(start) != DefaultTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Root().Request(ctx, silent, "x"); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v, want ErrTimeout", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.Root().Request(ctx, silent, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want canceled", err)
		}
		if _, err := s.Root().Request(ctx, silent, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want canceled", err)
		}
		if n := s.Replies().len(); n != 0 {
			t.Errorf("%d replies still pending", n)
		}
	})
}

func TestExpiredInQueueIsNotExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		g := newGated()
		pid := s.Spawn(g.props())
		s.Send(pid, nil, "block")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Root().Request(ctx, pid, "late"); !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
		tr := &testTracker{}
		in := &Inbound{Message: "late too", From: "n2", Tracker: tr}
		in.Deadline = time.Now().Add(time.Second)
		if err := s.Deliver(pid, in); err != nil {
			t.Error(err)
		}
		<-time.After(2 * time.Second)
		close(g.release)
		synctest.Wait()
		if len(g.got) != 0 || tr.done.Load() != 1 || tr.executed.Load() != 0 {
			t.Errorf("handled %d, done %d, executed %d", len(g.got), tr.done.Load(), tr.executed.Load())
		}
		if n := s.Counters().Dropped[DeadExpired.String()]; n != 2 {
			t.Errorf("%d expired, want 2", n)
		}
	})
}

// A second reply overwrites the first in protoactor's future, and is a data race.
func TestSecondReplyIsADeadLetter(t *testing.T) {
	s := newTestSystem(t)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(string); ok {
			ctx.Respond(1)
			ctx.Respond(2)
			panic("and a panic does not answer either")
		}
	}))
	if got := mustAsk(t, s, pid, "x"); got != 1 {
		t.Errorf("got %v", got)
	}
	w := watchEvents(s)
	_, _ = ask(t, s, pid, "x")
	_ = w
	if n := s.Counters().Dropped[DeadLate.String()]; n == 0 {
		t.Error("not counted")
	}
}

func TestRespondLaterAndFail(t *testing.T) {
	s := newTestSystem(t)
	var waiting *PID
	pid := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message() {
		case "wait":
			waiting = ctx.Sender()
		case "release":
			ctx.Send(waiting, "released")
			Fail(ctx, ErrNoMembers)
		}
	}))
	got := make(chan Reply, 1)
	s.request(pid, nil, "wait", patience, func(r Reply) { got <- r })
	_, err := ask(t, s, pid, "release")
	var re *RemoteError
	if !errors.As(err, &re) || re.Panic || re.Code != CodeFailed || re.Text != ErrNoMembers.Error() {
		t.Errorf("fail = %v", err)
	}
	if errors.Is(err, ErrNoMembers) {
		t.Error("an executed request claims that it was not")
	}
	if r := receive(t, got); r.Message != "released" || r.Err != nil {
		t.Errorf("got %+v", r)
	}
}

func TestRequestBetweenActors(t *testing.T) {
	s := newTestSystem(t)
	got := make(chan any, 10)
	back := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			if ctx.Sender() == nil {
				t.Error("no sender")
			}
			ctx.Respond(len(m))
		case error:
		case int:
			Fail(ctx, errors.New("no ints"))
		}
	}))
	front := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			ctx.Request(back, m)
			ctx.Request(back, 5)
			ctx.Request(NewPID("n1", "iris/user/nobody"), "x")
		case int, *RequestFailed:
			got <- m
		}
	}))
	s.Send(front, nil, "four")
	kinds := map[string]int{}
	for range 3 {
		switch m := receive(t, got).(type) {
		case int:
			kinds["reply"] += m
		case *RequestFailed:
			var re *RemoteError
			if errors.As(m.Err, &re) {
				kinds["failed"]++
			} else if errors.Is(m.Err, ErrNoActor) {
				kinds["nobody"]++
			}
		}
	}
	if kinds["reply"] != 4 || kinds["failed"] != 1 || kinds["nobody"] != 1 {
		t.Errorf("got %v", kinds)
	}
}

// Sending to a nil PID panics the sender in protoactor; an answer to nobody does so too.
func TestNilAndStrangeTargets(t *testing.T) {
	s := newTestSystem(t)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(string); !ok {
			return
		}
		for _, p := range []*PID{
			nil,
			{},
			Cluster("c"), Members("c"), Topic("t"), NewPID("n9", "iris/user/1"),
			NewPID("nonhost", "eventstream"), NewPID("n1", "deadletter"), NewPID("$odd", "x"),
		} {
			ctx.Send(p, "x")
			ctx.Request(p, "x")
			ctx.Forward(p)
			ctx.Watch(p)
			ctx.Unwatch(p)
			ctx.Stop(p)
			ctx.Poison(p)
			ctx.Ask(p, "x", time.Second, func(_ any, err error) {
				if err == nil {
					t.Errorf("an answer from %v", p)
				}
			})
		}
		ctx.Respond("done")
	}))
	s.Send(pid, nil, "no sender")
	if _, err := ask(t, s, pid, "x"); err == nil {
		t.Error("forwarded to nobody and still answered")
	}
	if got := mustAsk(t, s, s.Spawn(echo()), "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
	for _, p := range []*PID{nil, {}, Topic("t"), NewPID("n9", "x")} {
		if _, err := ask(t, s, p, "x"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("ask %v = %v, want ErrUnreachable", p, err)
		}
	}
	if err := s.Stop(t.Context(), nil); err == nil {
		t.Error("stopped nil")
	}
}

// Forward of protoactor passes system messages on and loses the sender of stashed ones.
func TestForwardKeepsTheAsker(t *testing.T) {
	s := newTestSystem(t)
	back := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(string); ok {
			if d := Meta(ctx); d.Kind != Request || d.Origin != "n1" || d.Deadline.IsZero() {
				t.Errorf("meta = %+v", d)
			}
			ctx.Respond("re " + m)
		}
	}))
	front := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(string); ok {
			ctx.Forward(back)
		}
	}))
	if got := mustAsk(t, s, front, "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
}

func TestReceiveTimeoutRepeatsAndIsMovedByMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		start := time.Now()
		var fired []time.Duration
		pid := s.Spawn(Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case *Started:
				ctx.SetReceiveTimeout(time.Hour) // overtaken by the next
				ctx.SetReceiveTimeout(10 * time.Second)
			case *ReceiveTimeout:
				fired = append(fired, time.Since(start))
			case string:
				if m == "off" {
					ctx.SetReceiveTimeout(0)
				}
			}
		}))
		<-time.After(25 * time.Second) // fires at 10, 20
		s.Send(pid, nil, "activity")   // moves 30 to 35
		<-time.After(12 * time.Second)
		s.Send(pid, nil, "off")
		<-time.After(time.Hour)
		synctest.Wait()
		want := []time.Duration{10 * time.Second, 20 * time.Second, 35 * time.Second}
		if len(fired) != 3 || fired[0] != want[0] || fired[1] != want[1] || fired[2] != want[2] {
			t.Errorf("fired at %v, want %v", fired, want)
		}
	})
}

func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		var got []string
		pid := s.Spawn(Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case *Started:
				ctx.After(time.Second, "one")
				cancel := ctx.After(time.Second, "cancelled")
				ctx.After(3*time.Second, "never")
				cancel()
				cancel()
			case string:
				got = append(got, m)
			}
		}))
		<-time.After(2 * time.Second)
		if err := s.Stop(t.Context(), pid); err != nil {
			t.Error(err)
		}
		<-time.After(10 * time.Second)
		if len(got) != 1 || got[0] != "one" {
			t.Errorf("got %v", got)
		}
	})
}

package actor

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	proto "github.com/asynkron/protoactor-go/actor"
)

// on makes an actor that runs f when it gets a message of the Go type name, such as "*actor.Stopping".
func on(name string, f func(Context)) *Props {
	return Func(func(ctx Context) {
		if typeName(ctx.Message()) == name {
			f(ctx)
			return
		}
		if m, ok := ctx.Message().(string); ok {
			ctx.Respond("re " + m)
		}
	})
}

// terminations watches pid from an actor of its own.
func terminations(t testing.TB, s *System, pid *PID) <-chan *Terminated {
	t.Helper()
	ch := make(chan *Terminated, 10)
	w := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			ctx.Watch(pid)
			ctx.Respond("watching")
		case *Terminated:
			ch <- m
		}
	}))
	mustAsk(t, s, w, "watch")
	return ch
}

// S1: a panic in Stopping cancels the stop and restarts the actor.
func TestPanicInStoppingStillStops(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	pid := s.Spawn(on("*actor.Stopping", func(Context) { panic("in stopping") }))
	gone := terminations(t, s, pid)
	if err := s.Stop(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, gone); m.Who.Id != pid.Id || m.Why != TerminatedStopped {
		t.Errorf("terminated = %v", m)
	}
	if f := awaitEvent(t, w, all[*HandlerFailed]); f.Directive != DirectiveStop || f.Reason != "in stopping" {
		t.Errorf("failure = %+v", f)
	}
	if _, err := ask(t, s, pid, "there?"); !errors.Is(err, ErrNoActor) {
		t.Errorf("ask = %v, want ErrNoActor", err)
	}
}

// S2: after a panic in Stopped nobody is told, and the parent's own stop hangs.
func TestPanicInStoppedTellsWatchersAndParent(t *testing.T) {
	s := newTestSystem(t)
	parent := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message().(type) {
		case *Started:
			ctx.Spawn(on("*actor.Stopped", func(Context) { panic("in stopped") }))
		case string:
			ctx.Respond(ctx.Children()[0])
		}
	}))
	child := mustAsk(t, s, parent, "child").(*PID)
	gone := terminations(t, s, child)
	if err := s.Stop(t.Context(), parent); err != nil {
		t.Fatal(err)
	}
	receive(t, gone)
}

// S3: a restart that is pending when the stop arrives resurrects the actor.
func TestRestartAfterStopDoesNotResurrect(t *testing.T) {
	s := newTestSystem(t)
	var starts atomic.Int32
	g := newGated()
	pid := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case *Started:
			starts.Add(1)
		case *Stopping:
			s.local(ctx.Self()).mb.postSystem(&proto.Restart{})
			s.Events().Publish(&Restart{PID: ctx.Self()})
		case string:
			if m == "block" {
				g.entered <- struct{}{}
				<-g.release
			}
		}
	}))
	s.Send(pid, nil, "block")
	receive(t, g.entered)
	s.Events().Publish(&StopHandler{PID: pid})
	s.Events().Publish(&Restart{PID: pid})
	close(g.release)
	if err := s.Stop(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	if n := starts.Load(); n != 1 {
		t.Errorf("started %d times, want 1", n)
	}
}

// S5: runtime.Goexit, which is what t.FailNow calls, wedges protoactor's mailbox for ever.
func TestGoexitInHandlerIsAFailure(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	tr := &testTracker{}
	pid := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message() {
		case "exit":
			runtime.Goexit()
		case "hi":
			ctx.Respond("re hi")
		}
	}).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
	_, err := ask(t, s, pid, "exit")
	var re *RemoteError
	if !errors.As(err, &re) || !re.Panic {
		t.Errorf("ask = %v, want a panic", err)
	}
	if err := s.Deliver(pid, &Inbound{Message: "exit", From: "n2", Tracker: tr}); err != nil {
		t.Fatal(err)
	}
	if got := mustAsk(t, s, pid, "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
	if f := awaitEvent(t, w, all[*HandlerFailed]); f.Reason != errGoexit.Error() || f.MessageType != "string" {
		t.Errorf("failure = %+v", f)
	}
	if tr.done.Load() != 1 {
		t.Errorf("tracker done %d times, want 1", tr.done.Load())
	}
}

func TestGoexitInLifecycleHandlers(t *testing.T) {
	for _, msg := range []string{"*actor.Stopping", "*actor.Stopped", "*actor.Restarting", "*actor.Started", "*actor.Terminated"} {
		t.Run(msg, func(t *testing.T) {
			s := newTestSystem(t)
			w := watchEvents(s)
			var exits atomic.Int32
			exited := make(chan struct{})
			pid := s.Spawn(Func(func(ctx Context) {
				if typeName(ctx.Message()) == msg && exits.Add(1) == 1 {
					close(exited)
					runtime.Goexit()
				}
				switch m := ctx.Message().(type) {
				case string:
					if m == "child" {
						ctx.Stop(ctx.Spawn(echo()))
					} else {
						ctx.Respond("re " + m)
					}
				}
			}).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
			if msg == "*actor.Terminated" {
				s.Send(pid, nil, "child")
				receive(t, exited)
			}
			mustAsk(t, s, pid, "hi")
			s.Events().Publish(&Restart{PID: pid})
			awaitEvent(t, w, func(h *HandlerStarted) bool { return h.PID.Id == pid.Id && h.Restarts > 0 })
			gone := terminations(t, s, pid)
			if err := s.Stop(t.Context(), pid); err != nil {
				t.Fatal(err)
			}
			receive(t, gone)
			if exits.Load() == 0 {
				t.Error("the handler did not exit")
			}
		})
	}
}

// S7: a parent that also watches its child is told twice.
func TestWatchedChildTerminatesOnce(t *testing.T) {
	s := newTestSystem(t)
	told := make(chan *Terminated, 10)
	parent := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			if m == "go" {
				ctx.Watch(NewPID("n1", ctx.Self().Id+"/kid")) // also before there is one
				child, err := ctx.SpawnNamed(echo(), "kid")
				if err != nil {
					t.Error(err)
				}
				ctx.Watch(child)
				ctx.Watch(child)
				ctx.Respond(child)
				return
			}
			ctx.Respond(m)
		case *Terminated:
			told <- m
		}
	}))
	child := mustAsk(t, s, parent, "go").(*PID)
	if err := s.Stop(t.Context(), child); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, told); m.Why == TerminatedNotFound {
		receive(t, told)
	}
	mustAsk(t, s, parent, "sync")
	mustAsk(t, s, parent, "sync")
	if len(told) != 0 {
		t.Errorf("told %d times more", len(told))
	}
}

func TestTerminatedNotAfterUnwatch(t *testing.T) {
	s := newTestSystem(t)
	target := s.Spawn(echo())
	var n atomic.Int32
	w := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			switch m {
			case "go":
				ctx.Watch(target)
				if err := s.Stop(t.Context(), target); err != nil { // its end is queued now
					t.Error(err)
				}
				ctx.Unwatch(target)
			}
			ctx.Respond("done")
		case *Terminated:
			n.Add(1)
		}
	}))
	mustAsk(t, s, w, "go")
	mustAsk(t, s, w, "sync")
	if n.Load() != 0 {
		t.Error("terminated after unwatch")
	}
}

// The news of an end must not overtake what was sent before it.
func TestTerminatedComesAfterTheLastWords(t *testing.T) {
	s := newTestSystem(t)
	got := make(chan any, 200)
	const kids = 50
	parent := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			for range kids {
				ctx.Send(ctx.Spawn(Func(func(kid Context) {
					if kid.Message() == "speak" {
						kid.Send(kid.Parent(), kid.Self())
						kid.Stop(kid.Self())
					}
				})), "speak")
			}
		case *PID:
			got <- m.Id
		case *Terminated:
			got <- m
		}
	}))
	s.Send(parent, nil, "go")
	spoke := map[string]bool{}
	for range 2 * kids {
		switch m := receive(t, got).(type) {
		case string:
			spoke[m] = true
		case *Terminated:
			if !spoke[m.Who.Id] {
				t.Errorf("%s ended before it spoke", m.Who.Id)
			}
		}
	}
}

func TestWatchOfTheDead(t *testing.T) {
	s := newTestSystem(t)
	gone := terminations(t, s, NewPID("n1", userID+"/never"))
	if m := receive(t, gone); m.Why != TerminatedNotFound {
		t.Errorf("why = %v, want NotFound", m.Why)
	}
}

// A Terminated of a name that is not (yet) a child must not remove the child that takes the name.
func TestEndOfAWatchIsNotTheEndOfAChild(t *testing.T) {
	s := newTestSystem(t)
	parent := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			if m == "go" {
				ctx.Watch(NewPID("n1", ctx.Self().Id+"/kid"))
				if _, err := ctx.SpawnNamed(echo(), "kid"); err != nil {
					t.Error(err)
				}
			}
			ctx.Respond(len(ctx.Children()))
		}
	}))
	mustAsk(t, s, parent, "go")
	if n := mustAsk(t, s, parent, "count"); n != 1 {
		t.Errorf("children = %v, want 1", n)
	}
	if err := s.Stop(t.Context(), parent); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, s, NewPID("n1", parent.Id+"/kid"), "there?"); !errors.Is(err, ErrNoActor) {
		t.Errorf("the child outlived its parent: %v", err)
	}
}

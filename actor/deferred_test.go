package actor

import (
	"errors"
	"testing"
	"time"
)

// deferring makes a member whose requests are answered by the test.
func deferring(t *testing.T) (s *System, ask func() (*Deferred, *testTracker, <-chan Reply)) {
	t.Helper()
	s = newTestSystem(t)
	got := make(chan *Deferred, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(Bytes); ok {
			got <- Defer(ctx)
			if Defer(ctx) != nil {
				t.Error("the same request was deferred twice")
			}
		}
	}))
	return s, func() (*Deferred, *testTracker, <-chan Reply) {
		tr, replies := asking(t, s, pid)
		return receive(t, got), tr, replies
	}
}

// asking delivers a request to pid.
func asking(t *testing.T, s *System, pid *PID) (*testTracker, <-chan Reply) {
	t.Helper()
	replies := make(chan Reply, 1)
	id, err := s.Replies().Open(s.Node(), time.Now().Add(patience), func(r Reply) { replies <- r })
	if err != nil {
		t.Fatal(err)
	}
	tr := &testTracker{}
	in := &Inbound{Message: Bytes("x"), From: s.Node(), ReplyTo: id, Tracker: tr}
	in.Kind, in.Deadline = Request, time.Now().Add(patience)
	if err := s.Deliver(pid, in); err != nil {
		t.Fatal(err)
	}
	return tr, replies
}

func TestDeferredRequestIsInFlightUntilItIsAnswered(t *testing.T) {
	_, ask := deferring(t)
	for name, c := range map[string]struct {
		end      func(*Deferred)
		executed int32
		check    func(Reply) bool
	}{
		"reply":  {func(d *Deferred) { d.Reply(Bytes("y")) }, 1, func(r Reply) bool { return r.Err == nil && r.Load.InFlight == 7 }},
		"fail":   {func(d *Deferred) { d.Fail(errors.New("no")) }, 1, func(r Reply) bool { return errors.As(r.Err, new(*RemoteError)) }},
		"refuse": {func(d *Deferred) { d.Refuse(ErrDraining) }, 0, func(r Reply) bool { return errors.Is(r.Err, ErrDraining) }},
		"expire": {func(d *Deferred) { d.Expire() }, 1, nil},
	} {
		d, tr, replies := ask()
		if d.Deadline().IsZero() || tr.done.Load() != 0 {
			t.Errorf("%s: done before it was answered, or without a deadline", name)
		}
		c.end(d)
		d.Reply(Bytes("too late"))
		if tr.done.Load() != 1 || tr.executed.Load() != c.executed {
			t.Errorf("%s: done %d times, executed %d", name, tr.done.Load(), tr.executed.Load())
		}
		if c.check == nil {
			continue
		}
		if r := receive(t, replies); !c.check(r) {
			t.Errorf("%s: reply %+v", name, r)
		}
	}
}

func TestDeferNeedsSomebodyWhoWaits(t *testing.T) {
	s := newTestSystem(t)
	got := make(chan *Deferred, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(Bytes); ok {
			got <- Defer(ctx)
		}
	}))
	s.Send(pid, nil, Bytes("x"))
	if d := receive(t, got); d != nil {
		t.Error("a message without an asker was deferred")
	}
}

// A handler that returned, and defers in the continuation of an Ask, counts once: the load went with Receive.
func TestDeferAfterReceiveCountsOnce(t *testing.T) {
	s := newTestSystem(t)
	echo := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(Bytes); ok {
			ctx.Respond(m)
		}
	}))
	got := make(chan *Deferred, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(Bytes); ok {
			ctx.Ask(echo, m, patience, func(any, error) { got <- Defer(ctx) })
		}
	}))
	tr, replies := asking(t, s, pid)
	receive(t, got).Reply(Bytes("y"))
	if r := receive(t, replies); r.Err != nil || tr.done.Load() != 1 {
		t.Fatalf("done %d times, reply %+v", tr.done.Load(), r)
	}
}

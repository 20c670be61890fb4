package actor

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestLifecycleOrder(t *testing.T) {
	s := newTestSystem(t)
	var log []string
	done := make(chan struct{})
	pid := s.Spawn(Func(func(ctx Context) {
		log = append(log, typeName(ctx.Message()))
		switch ctx.Message().(type) {
		case string:
			panic("again")
		case *Stopped:
			close(done)
		}
	}).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
	_, _ = ask(t, s, pid, "x")
	_, _ = ask(t, s, pid, "x")
	if err := s.Poison(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	receive(t, done)
	want := []string{
		"*actor.Started", "string", "*actor.Restarting", "*actor.Started", "string", "*actor.Restarting",
		"*actor.Started", "*actor.Stopping", "*actor.Stopped",
	}
	if !slices.Equal(log, want) {
		t.Errorf("log = %v\nwant %v", log, want)
	}
}

func TestPoisonHandlesTheQueueStopDoesNot(t *testing.T) {
	for _, gracefully := range []bool{true, false} {
		s := newTestSystem(t)
		g := newGated()
		pid := s.Spawn(g.props())
		s.Send(pid, nil, "block")
		receive(t, g.entered)
		for i := range 10 {
			s.Send(pid, nil, i)
		}
		s.end(pid, gracefully)
		close(g.release)
		if err := s.await(t.Context(), pid, gracefully); err != nil {
			t.Fatal(err)
		}
		want := 0
		if gracefully {
			want = 10
		}
		if len(g.got) != want {
			t.Errorf("gracefully %v: %d of 10 handled, want %d", gracefully, len(g.got), want)
		}
	}
}

// Poisoning a parent of protoactor stops its children at once, with whatever they had queued.
func TestPoisonReachesChildrenFirst(t *testing.T) {
	s := newTestSystem(t)
	g := newGated()
	kid := make(chan *PID, 1)
	parent := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(*Started); ok {
			kid <- ctx.Spawn(g.props())
		}
	}))
	child := receive(t, kid)
	s.Send(child, nil, "block")
	receive(t, g.entered)
	for i := range 10 {
		s.Send(child, nil, i)
	}
	s.end(parent, true)
	time.AfterFunc(0, func() { close(g.release) })
	if err := s.Poison(t.Context(), parent); err != nil {
		t.Fatal(err)
	}
	if len(g.got) != 10 {
		t.Errorf("%d of 10 handled", len(g.got))
	}
}

func TestSelfStopAndNameReuse(t *testing.T) {
	s := newTestSystem(t)
	for range 200 {
		pid, err := s.SpawnNamed(Func(func(ctx Context) {
			if _, ok := ctx.Message().(string); ok {
				ctx.Stop(ctx.Self())
			}
		}), "again")
		if err != nil {
			t.Fatal(err)
		}
		s.Send(pid, nil, "stop")
		if err := s.Stop(t.Context(), pid); err != nil {
			t.Fatal(err)
		}
	}
}

// The producer of protoactor has already run when a name turns out to be taken.
func TestNameExistsBeforeAnythingIsMade(t *testing.T) {
	s := newTestSystem(t)
	if _, err := s.SpawnNamed(echo(), "one"); err != nil {
		t.Fatal(err)
	}
	made := false
	pid, err := s.SpawnNamed(Of(func() Actor { made = true; return funcActor(func(Context) {}) }), "one")
	if !errors.Is(err, ErrNameExists) || pid != nil || made {
		t.Errorf("pid %v err %v made %v", pid, err, made)
	}
	for _, name := range []string{"", "/x", "x/", "a\x00b", "\xff", string(make([]byte, 2000))} {
		if _, err := s.SpawnNamed(echo(), name); !errors.Is(err, ErrBadName) {
			t.Errorf("name %q: %v, want ErrBadName", name, err)
		}
	}
}

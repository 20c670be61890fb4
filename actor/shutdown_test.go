package actor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The shutdown of protoactor stops no actor and panics when called twice.
func TestShutdownIsOrderedAndIdempotent(t *testing.T) {
	s := NewSystem(Options{Node: "n1"})
	var mu sync.Mutex
	var order []string
	note := func(name string) *Props {
		return Func(func(ctx Context) {
			if _, ok := ctx.Message().(*Stopped); ok {
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
			}
		})
	}
	for _, name := range []string{"transport", "router", "topics"} {
		sup, err := s.Service(name, Supervisor(Strategy{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SpawnUnder(sup, "child", note(name)); err != nil {
			t.Fatal(err)
		}
	}
	s.Spawn(note("user"))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if want := []string{"topics", "router", "transport", "user"}; !slices.Equal(order, want) {
		t.Errorf("order = %v, want %v", order, want)
	}
	if st := s.Stats(); st.Actors != 0 || st.Workers != 0 {
		t.Errorf("left: %+v", st)
	}
	if _, err := s.Root().Request(t.Context(), s.Spawn(echo()), "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("request after shutdown: %v", err)
	}
	if _, err := s.Service("late", echo()); err == nil {
		t.Error("spawned after shutdown")
	}
	s.Send(NewPID("n1", "iris/user/1"), nil, "x")
}

func TestShutdownWorksOffTheQueues(t *testing.T) {
	s := NewSystem(Options{Node: "n1"})
	var n atomic.Int32
	pids := make([]*PID, 10)
	for i := range pids {
		pids[i] = s.Spawn(Func(func(ctx Context) {
			if _, ok := ctx.Message().(int); ok {
				n.Add(1)
			}
		}))
	}
	for i := range 10000 {
		s.Send(pids[i%10], nil, i)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n.Load() != 10000 {
		t.Errorf("%d of 10000 handled", n.Load())
	}
}

func TestShutdownDoesNotWaitForABackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{Node: "n1"})
		var n atomic.Int32
		pid := s.Spawn(Func(func(ctx Context) {
			switch ctx.Message().(type) {
			case string:
				panic("x")
			case int:
				n.Add(1)
			}
		}).Strategy(Strategy{BackoffMin: time.Hour, BackoffMax: time.Hour}))
		for range 3 {
			s.Send(pid, nil, "x")
			s.Send(pid, nil, 1)
		}
		synctest.Wait()
		start := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if n.Load() != 3 || time.Since(start) != 0 {
			t.Errorf("%d of 3 handled after %v", n.Load(), time.Since(start))
		}
	})
}

func TestShutdownNamesHandlersThatDoNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{Node: "n1"})
		g := newGated()
		pid := s.Spawn(g.props())
		s.Send(pid, nil, "block")
		pending := make(chan error, 1)
		s.request(s.Spawn(Func(func(Context) {})), nil, "x", time.Hour, func(r Reply) { pending <- r.Err })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := s.Shutdown(ctx)
		if err == nil || !strings.Contains(err.Error(), pid.Id) || time.Since(start) != time.Second+stopGrace {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := <-pending; !errors.Is(err, ErrClosed) {
			t.Errorf("pending request: %v, want ErrClosed", err)
		}
		close(g.release) // what is left ends by itself
		synctest.Wait()
		if n := s.Stats().Actors; n != 0 {
			t.Errorf("%d actors left", n)
		}
	})
}

func TestShutdownStopsWhatIsQueuedWhenTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{Node: "n1"})
		var n atomic.Int32
		pid := s.Spawn(Func(func(ctx Context) {
			if _, ok := ctx.Message().(int); ok {
				<-time.After(time.Second)
				n.Add(1)
			}
		}))
		for i := range 100 {
			s.Send(pid, nil, i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown = %v", err)
		}
		if n.Load() != 11 {
			t.Errorf("%d handled, want 11", n.Load())
		}
	})
}

// protoactor logs to stderr on its own, at Info.
func TestProtoactorLogsOnlyAtDebug(t *testing.T) {
	var out strings.Builder
	var mu sync.Mutex
	w := writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	})
	s := NewSystem(Options{Logger: slog.New(slog.NewTextHandler(w, nil))})
	_, _ = ask(t, s, s.Spawn(echo()), "boom")
	s.Send(NewPID("local", "none"), nil, 1)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if out.Len() > 0 {
		t.Errorf("logged: %s", out.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Idle workers go away by themselves.
func TestWorkersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		g := newGated()
		for range 50 {
			s.Send(s.Spawn(g.props()), nil, "block")
		}
		synctest.Wait()
		close(g.release)
		synctest.Wait()
		if w, idle := s.dispatcher.size(); w < 50 || w != idle {
			t.Errorf("%d workers, %d idle", w, idle)
		}
		<-time.After(4 * workerExpiry)
		synctest.Wait()
		if w, _ := s.dispatcher.size(); w != 0 {
			t.Errorf("%d workers left", w)
		}
		if got, _ := s.Root().Request(t.Context(), s.Spawn(echo()), "hi"); got != "re hi" {
			t.Errorf("got %v", got)
		}
	})
}

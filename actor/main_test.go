package actor

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that a correct program never needs.
const patience = time.Minute

func newTestSystem(t testing.TB) *System {
	t.Helper()
	s := NewSystem(Options{Node: "n1"})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

// receive waits for a value.
func receive[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing arrived (%T)", ch)
		panic("unreachable")
	}
}

// seen collects events and lets a test wait for one of a type.
type seen struct {
	mu     sync.Mutex
	events []any
	more   chan struct{}
}

func watchEvents(s *System) *seen {
	w := &seen{more: make(chan struct{}, 1)}
	s.Events().Subscribe(func(ev any) {
		w.mu.Lock()
		w.events = append(w.events, ev)
		w.mu.Unlock()
		select {
		case w.more <- struct{}{}:
		default:
		}
	})
	return w
}

func awaitEvent[T any](t testing.TB, w *seen, match func(T) bool) T {
	t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		for _, ev := range w.events {
			if e, ok := ev.(T); ok && match(e) {
				w.mu.Unlock()
				return e
			}
		}
		w.mu.Unlock()
		select {
		case <-w.more:
		case <-deadline:
			t.Fatalf("no event of type %T", *new(T))
		}
	}
}

func all[T any](T) bool { return true }

func countEvents[T any](w *seen, match func(T) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, ev := range w.events {
		if e, ok := ev.(T); ok && match(e) {
			n++
		}
	}
	return n
}

// ask is Root.Request with patience.
func ask(t testing.TB, s *System, pid *PID, msg any) (any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return s.Root().Request(ctx, pid, msg)
}

// mustAsk fails the test on an error.
func mustAsk(t testing.TB, s *System, pid *PID, msg any) any {
	t.Helper()
	v, err := ask(t, s, pid, msg)
	if err != nil {
		t.Fatalf("ask %v: %v", msg, err)
	}
	return v
}

// echo answers strings and panics on "boom".
func echo() *Props {
	return Func(func(ctx Context) {
		if m, ok := ctx.Message().(string); ok {
			if m == "boom" {
				panic("boom")
			}
			ctx.Respond("re " + m)
		}
	})
}

// gated blocks in the message "block" until release is closed, and reports when it got there.
type gated struct {
	entered chan struct{}
	release chan struct{}
	got     chan any
}

func newGated() *gated {
	return &gated{entered: make(chan struct{}, 100), release: make(chan struct{}), got: make(chan any, 10000)}
}

func (g *gated) props() *Props {
	return Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			if m == "block" {
				g.entered <- struct{}{}
				<-g.release
				return
			}
			g.got <- m
			ctx.Respond("re " + m)
		case int:
			g.got <- m
		}
	})
}

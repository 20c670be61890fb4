package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
)

// A registration that is left twice is left once: another one of the same name
// on the same node keeps its handlers.
func TestLeaveTwiceIsLeaveOnce(t *testing.T) {
	n := together(t, 1)[0]
	first, err := n.Register("echo", actor.Func(echo))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Register("echo", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := first.Leave(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := first.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := n.Request(t.Context(), "echo", actor.Bytes("x")); err != nil {
		t.Errorf("the registration that stays: %v", err)
	}
}

// A context that has ended cuts Leave short; it does not make it do nothing.
func TestLeaveWithAnEndedContext(t *testing.T) {
	n := together(t, 1)[0]
	r, err := n.Register("echo", actor.Func(echo))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = r.Leave(ended) // may or may not have been in time
	eventually(t, "the cluster to be empty", func() bool {
		_, err := n.Request(t.Context(), "echo", actor.Bytes("x"))
		return errors.Is(err, actor.ErrNoMembers)
	})
}

func TestRegisterWithoutAHandler(t *testing.T) {
	n := together(t, 1)[0]
	if _, err := n.Register("x", nil); !errors.Is(err, errNoProps) {
		t.Errorf("register: %v", err)
	}
	if _, err := n.Subscribe("x", nil); !errors.Is(err, errNoProps) {
		t.Errorf("subscribe: %v", err)
	}
	if _, err := n.Request(t.Context(), "x", actor.Bytes("x"), Trace(strings.Repeat("x", 300))); err == nil {
		t.Error("a trace of 300 bytes was taken")
	}
}

// A handler that does not return is named by Stop, which does not wait for ever;
// whoever stops as well waits as long as its own context.
func TestStopWithAHandlerThatHangs(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		n := w.nodes[0]
		hold := make(chan struct{})
		busy := make(chan struct{}, 1)
		if _, err := n.Register("hangs", actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				busy <- struct{}{}
				<-hold
			}
		})); err != nil {
			t.Fatal(err)
		}
		asked := make(chan error, 1)
		go func() {
			_, err := n.Request(t.Context(), "hangs", actor.Bytes("x"))
			asked <- err
		}()
		receive(t, busy)
		stopped := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			stopped <- n.Stop(ctx)
		}()
		<-n.life.Done()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.Stop(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("a second stop: %v", err)
		}
		if err := receive(t, stopped); err == nil || !strings.Contains(err.Error(), "iris/clusters/hangs/1") {
			t.Errorf("stop: %v", err)
		}
		if err := receive(t, asked); err == nil {
			t.Error("the request was answered")
		}
		close(hold)
		n.mu.Lock()
		n.stopErr = nil // what the end of the world shall not complain about
		n.mu.Unlock()
	})
}

// Everything at once, and the node stops in the midst of it: every call returns,
// calls after the end fail, nothing is left running.
func TestStopUnderLoad(t *testing.T) {
	nodes := together(t, 3, func(c *config.Config) { c.Shutdown.Timeout = 3 * time.Second })
	for _, n := range nodes[1:] {
		if _, err := n.Register("echo", actor.Func(echo), Members(2)); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Subscribe("news", actor.Func(func(actor.Context) {})); err != nil {
			t.Fatal(err)
		}
	}
	n := nodes[0]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	hammer := func(k int, f func(i int) error) {
		for w := range k {
			wg.Go(func() {
				for i := w; ctx.Err() == nil; i += k {
					if err := f(i); errors.Is(err, actor.ErrClosed) {
						return // whatever else it says, it returns
					}
				}
			})
		}
	}
	hammer(4, func(int) error { _, err := n.Request(ctx, "echo", actor.Bytes("x")); return err })
	hammer(2, func(int) error { return n.Broadcast(ctx, "echo", actor.Bytes("x")) })
	hammer(2, func(int) error { return n.Publish(ctx, "news", actor.Bytes("x")) })
	hammer(4, func(i int) error {
		r, err := n.Register(fmt.Sprintf("c%d", i%7), actor.Func(echo))
		if err == nil {
			_, err = n.Request(ctx, fmt.Sprintf("c%d", i%7), actor.Bytes("x"))
			err = errors.Join(err, r.Leave(ctx))
		}
		return err
	})
	hammer(2, func(i int) error {
		s, err := n.Subscribe(fmt.Sprintf("t%d", i%5), actor.Func(func(actor.Context) {}))
		if err == nil && i%2 == 0 {
			err = s.Close(ctx)
		}
		return err
	})
	hammer(2, func(int) error {
		tun, err := n.Tunnel(ctx, "echo")
		if err == nil {
			err = tun.Close()
		}
		return err
	})
	hammer(1, func(int) error { n.Peers(); n.Events().Publish(&actor.Drain{}); return n.over() })
	load := time.NewTimer(500 * time.Millisecond)
	<-load.C
	var stops sync.WaitGroup
	for range 3 {
		stops.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := n.Stop(ctx); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	stops.Wait()
	cancel()
	wg.Wait()
	if _, err := n.Register("late", actor.Func(echo)); !errors.Is(err, actor.ErrClosed) {
		t.Errorf("register: %v, want ErrClosed", err)
	}
	for what, err := range map[string]error{
		"broadcast": n.Broadcast(t.Context(), "echo", actor.Bytes("x")),
		"publish":   n.Publish(t.Context(), "news", actor.Bytes("x")),
	} {
		if err == nil {
			t.Errorf("%s on a stopped node", what)
		}
	}
	if _, err := n.Tunnel(t.Context(), "echo"); err == nil {
		t.Error("tunnel of a stopped node")
	}
	for _, other := range nodes[1:] {
		eventually(t, "the others to know", func() bool { return len(other.Peers()) == 1 })
	}
}

// A registration that waits for a root out of reach does not hold Stop up.
func TestStopCutsRegistrationsShort(t *testing.T) {
	inWorld(t, 3, 5*time.Millisecond, func(t *testing.T, w *world) {
		n := w.nodes[0]
		for _, other := range w.nodes[1:] {
			w.air.cut(n, other, true)
			w.air.cut(other, n, true)
		}
		const names = 16 // the root of one of them is elsewhere, nearly for certain
		type result struct {
			err  error
			took time.Duration
		}
		results := make(chan result, names)
		for i := range names {
			go func() {
				began := time.Now()
				_, err := n.Register(fmt.Sprint("c", i), actor.Func(echo))
				results <- result{err, time.Since(began)}
			}()
		}
		pass(50 * time.Millisecond)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_ = n.Stop(ctx) // the others do not answer
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stop took %v", took)
		}
		short := 0
		for range names {
			r := <-results
			if r.err != nil && !errors.Is(r.err, actor.ErrClosed) {
				t.Errorf("register: %v", r.err)
			}
			if r.err != nil {
				short++
			}
			if r.took > time.Second {
				t.Errorf("register returned after %v", r.took)
			}
		}
		if short == 0 {
			t.Error("no registration had to wait")
		}
		n.stopErr = nil // what the end of the world shall not complain about
		for _, other := range w.nodes[1:] {
			w.air.cut(n, other, false)
			w.air.cut(other, n, false)
		}
	})
}

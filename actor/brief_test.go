package actor

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// Work for very many brief actors at once is done by a few goroutines: whoever else wants to run does not wait for one of each.
func TestBriefActorsShareWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		most, per := runtime.GOMAXPROCS(0), 5
		var inside, peak, handled atomic.Int64
		props := Func(func(ctx Context) {
			if _, ok := ctx.Message().(int); !ok {
				return
			}
			n := inside.Add(1)
			for o := peak.Load(); n > o && !peak.CompareAndSwap(o, n); o = peak.Load() {
			}
			runtime.Gosched()
			inside.Add(-1)
			handled.Add(1)
		}).Brief()
		var all []*PID
		for range 1000 {
			all = append(all, s.Spawn(props))
		}
		synctest.Wait()
		before, _ := s.dispatcher.size()
		for i := range per {
			for _, pid := range all {
				s.Send(pid, nil, i)
			}
		}
		synctest.Wait()
		if n := handled.Load(); n != int64(per*len(all)) {
			t.Errorf("%d messages handled", n)
		}
		if n := peak.Load(); n > int64(most) {
			t.Errorf("%d at one time, want %d at most", n, most)
		}
		if after, _ := s.dispatcher.size(); after > before+most {
			t.Errorf("%d workers, %d before", after, before)
		}
	})
}

// As many names as there are workers, all of which always have more to do, hold up no other.
func TestBriefActorsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		const patience = 100_000 // messages of the busy ones
		var other, busy atomic.Int64
		quiet := s.Spawn(Func(func(ctx Context) {
			if ctx.Message() == "work" {
				other.Store(busy.Load())
			}
		}).Brief())
		synctest.Wait()
		props := Func(func(ctx Context) {
			if ctx.Message() != "work" {
				return
			}
			if n := busy.Add(1); other.Load() == 0 && n < patience {
				ctx.Send(ctx.Self(), "work")
				if n == 1 {
					ctx.Send(quiet, "work")
				}
			}
		}).Brief()
		for range runtime.GOMAXPROCS(0) {
			s.Send(s.Spawn(props), nil, "work")
		}
		synctest.Wait()
		if n := other.Load(); n == 0 || n >= patience {
			t.Errorf("the other had its turn after %d messages", n)
		}
	})
}

// A handler that ends its goroutine takes no worker along.
func TestBriefActorThatExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		props := Func(func(ctx Context) {
			switch ctx.Message() {
			case "exit":
				runtime.Goexit()
			case "panic":
				panic("on purpose")
			}
		}).Brief()
		for range 10 * runtime.GOMAXPROCS(0) {
			pid := s.Spawn(props)
			s.Send(pid, nil, "panic")
			s.Send(pid, nil, "exit")
			s.Send(pid, nil, "exit")
		}
		if got, err := s.Root().Request(t.Context(), s.Spawn(echo().Brief()), "hi"); got != "re hi" {
			t.Errorf("got %v, %v", got, err)
		}
		synctest.Wait()
		b := &s.dispatcher.brief
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.workers != 0 || b.queue.n != 0 {
			t.Errorf("%d at work, %d wait", b.workers, b.queue.n)
		}
	})
}

// Nothing is lost, all in order, never more at work than may be.
func TestBriefOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := brief{most: rapid.IntRange(1, 4).Draw(t, "most")}
		var waiting []*mailbox
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if b.workers > 0 && rapid.Bool().Draw(t, "next") {
				if m := new(mailbox); rapid.Bool().Draw(t, "requeue") && b.requeue(m) {
					waiting = append(waiting, m)
				}
				m := b.next()
				if len(waiting) == 0 && m != nil || len(waiting) > 0 && m != waiting[0] {
					t.Fatal("not the one that waited longest")
				}
				waiting = waiting[min(1, len(waiting)):]
			} else if m := new(mailbox); !b.enter(m) {
				waiting = append(waiting, m)
			}
			if b.workers > b.most || len(waiting) > 0 && b.workers < b.most || b.queue.n != len(waiting) {
				t.Fatal(fmt.Sprint(b.workers, " at work, ", b.queue.n, " wait, want ", slices.Clone(waiting)))
			}
		}
	})
}

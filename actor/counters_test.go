package actor

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Nothing is lost from the books: of all messages handed to a system, each was given to a handler or counted as dropped,
// with a reason, whatever becomes of the actors meanwhile.
func TestSentIsDeliveredPlusDropped(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		books(t, uint64(seed))
	}
}

// bookkeeper counts what it gets and comes to all kinds of ends.
func bookkeeper(handled *atomic.Uint64, rnd func(int) int) *Props {
	return Func(func(ctx Context) {
		switch ctx.Message().(type) {
		case string, Bytes:
		default:
			return
		}
		handled.Add(1)
		switch rnd(60) {
		case 0:
			panic("books")
		case 1:
			runtime.Goexit()
		case 2:
			ctx.Stop(ctx.Self())
		case 3:
			ctx.Poison(ctx.Self())
		case 4, 5, 6:
			for range rnd(50) {
				runtime.Gosched() // meanwhile its mailbox fills
			}
		}
	}).Mailbox(30).MailboxBytes(1000)
}

func books(t *testing.T, seed uint64) {
	s := NewSystem(Options{Node: "n1"})
	group, err := s.Service("group", Supervisor(Strategy{
		MaxRestarts: 20, Window: time.Second, BackoffMin: 1, BackoffMax: time.Millisecond, Exhausted: DirectiveEscalate,
	}))
	if err != nil {
		t.Fatal(err)
	}
	var handled, sent, told atomic.Uint64
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(worker)))
			rnd := func(n int) int { return rand.IntN(n) }
			for range 1500 {
				name := string(rune('a' + r.IntN(4)))
				pid := NewPID("n1", group.Id+"/"+name)
				switch r.IntN(12) {
				case 0, 1:
					_, _ = s.SpawnUnder(group, name, bookkeeper(&handled, rnd))
				case 2:
					s.Events().Publish(&Restart{PID: pid})
				case 3:
					s.Events().Publish(&StopHandler{PID: pid})
				case 4:
					in := &Inbound{Message: Bytes("inbound"), Size: 7, From: "n2"}
					if r.IntN(4) == 0 {
						in.Deadline = time.Now().Add(-1)
					}
					sent.Add(1)
					_ = s.Deliver(pid, in)
				case 5, 6:
					var g Gather
					n := 1 + r.IntN(40)
					for range n {
						g.Add("", make([]byte, r.IntN(60)))
					}
					sent.Add(uint64(n))
					b := g.Bundle(&Inbound{From: "n2"})
					s.DeliverBundle(pid, b)
					b.Release()
				default:
					for range r.IntN(20) {
						sent.Add(1)
						told.Add(1)
						s.Send(pid, nil, "told")
					}
				}
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	c := s.Counters()
	dropped := uint64(0)
	for _, n := range c.Dropped {
		dropped += n
	}
	if c.Delivered != handled.Load() || c.Sent != told.Load() || sent.Load() != c.Delivered+dropped {
		t.Errorf("seed %d: %d sent, %d told (counted %d), %d handled (counted %d), %d dropped: %v", seed, sent.Load(),
			told.Load(), c.Sent, handled.Load(), c.Delivered, dropped, c.Dropped)
	}
}

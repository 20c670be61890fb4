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

// Whatever handlers, supervisors and observers do: every request is answered exactly once, every accepted Inbound is
// done exactly once, and Shutdown leaves nothing.
func TestChaos(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Logf("seed %d", seed)
		chaos(t, uint64(seed))
	}
}

// chaotic misbehaves as its messages say.
func chaotic(rnd func(int) int) *Props {
	return Func(func(ctx Context) {
		switch ctx.Message().(type) {
		case *Started:
			if rnd(5) == 0 {
				ctx.Spawn(echo())
			}
			if rnd(20) == 0 {
				panic("started")
			}
		case *Stopping, *Stopped, *Restarting, *Terminated:
			switch rnd(12) {
			case 0:
				panic("lifecycle")
			case 1:
				runtime.Goexit()
			}
		case string:
			switch rnd(12) {
			case 0:
				panic("chaos")
			case 1:
				runtime.Goexit()
			case 2:
				ctx.Stop(ctx.Self())
			case 3:
				ctx.Poison(ctx.Self())
			case 4:
				kid := ctx.Spawn(echo())
				ctx.Watch(kid)
				ctx.Forward(kid)
				ctx.Poison(kid)
			case 5:
				ctx.Ask(ctx.Spawn(echo()), "boom", time.Second, func(_ any, err error) { ctx.Respond(err) })
			case 6:
				ctx.After(time.Microsecond, "later")
				ctx.SetReceiveTimeout(time.Millisecond)
				fallthrough
			default:
				ctx.Respond("done")
			}
		}
	})
}

func chaos(t *testing.T, seed uint64) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	rnd := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(n)
	}
	s := NewSystem(Options{Node: "n1"})
	up := Strategy{MaxRestarts: 5, Window: time.Second, BackoffMin: 1, BackoffMax: time.Millisecond, Exhausted: DirectiveEscalate}
	group, err := s.Service("group", Supervisor(up))
	if err != nil {
		t.Fatal(err)
	}
	nested, err := s.SpawnUnder(group, "nested", Supervisor(up))
	if err != nil {
		t.Fatal(err)
	}
	s.Events().Subscribe(func(any) {
		if rnd(50) == 0 {
			panic("observer")
		}
	})
	var asked, answered, accepted atomic.Int32
	tr := &testTracker{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1500 {
				name := string(rune('a' + rnd(8)))
				parent := []*PID{group, nested, NewPID("n1", userID)}[rnd(3)]
				pid := NewPID("n1", parent.Id+"/"+name)
				switch rnd(12) {
				case 0:
					_, _ = s.SpawnUnder(parent, name, chaotic(rnd).Mailbox(20))
				case 1:
					s.Events().Publish(&Restart{PID: pid})
				case 2:
					s.Events().Publish(&StopHandler{PID: pid})
				case 3:
					in := &Inbound{Message: "x", From: "n1", Tracker: tr}
					if rnd(2) == 0 {
						in.Deadline = time.Now().Add(-1)
					}
					if s.Deliver(pid, in) == nil {
						accepted.Add(1)
					}
				case 4:
					s.Send(pid, nil, "x")
				default:
					asked.Add(1)
					s.request(pid, nil, "x", time.Hour, func(Reply) { answered.Add(1) })
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
	if asked.Load() != answered.Load() {
		t.Errorf("seed %d: %d asked, %d answered", seed, asked.Load(), answered.Load())
	}
	if accepted.Load() != tr.done.Load() {
		t.Errorf("seed %d: %d accepted, %d done", seed, accepted.Load(), tr.done.Load())
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("seed %d: left %+v", seed, st)
	}
}

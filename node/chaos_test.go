package node

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"iris/actor"
)

// ledger notes what handlers did, over all nodes of a world.
type ledger struct {
	mu       sync.Mutex
	executed map[uint64]int            // times a request was executed
	heard    map[int]map[uint64]uint64 // subscriber -> publisher -> last event heard
	wrong    []string
}

func (l *ledger) serve(ctx actor.Context) {
	m, ok := ctx.Message().(actor.Bytes)
	if !ok {
		return
	}
	l.mu.Lock()
	l.executed[binary.BigEndian.Uint64(m)]++
	l.mu.Unlock()
	ctx.Respond(m)
}

func (l *ledger) hear(who int) func(actor.Context) {
	return func(ctx actor.Context) {
		m, ok := ctx.Message().(actor.Bytes)
		if !ok {
			return
		}
		publisher, n := binary.BigEndian.Uint64(m), binary.BigEndian.Uint64(m[8:])
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.heard[who] == nil {
			l.heard[who] = map[uint64]uint64{}
		}
		if last := l.heard[who][publisher]; n <= last {
			l.wrong = append(l.wrong, "an event came twice or out of order")
		}
		l.heard[who][publisher] = n
	}
}

// Ways are cut and healed at random while all nodes ask and publish. Whatever
// happens: a request is executed at most once, it fails only with the errors
// that are promised, an executed request is never reported as not executed, and
// events come in order and never twice. In the end the network is whole.
func TestWorldInChaosKeepsItsPromises(t *testing.T) {
	inWorld(t, 6, 5*time.Millisecond, func(t *testing.T, w *world) {
		l := &ledger{executed: map[uint64]int{}, heard: map[int]map[uint64]uint64{}}
		for i, n := range w.nodes {
			if _, err := n.Register("serve", actor.Func(l.serve), Members(2)); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Subscribe("news", actor.Func(l.hear(i))); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[string]int{}
		for i, n := range w.nodes {
			wg.Go(func() { // asks
				for k := uint64(1); ctx.Err() == nil; k++ {
					id := uint64(i)<<32 | k
					_, err := n.Request(context.Background(), "serve", actor.Bytes(binary.BigEndian.AppendUint64(nil, id)))
					l.mu.Lock()
					done := l.executed[id]
					l.mu.Unlock()
					name := outcome(err)
					switch {
					case name == "":
						t.Errorf("a request failed with %v", err)
					case err == nil && done != 1:
						t.Errorf("an answered request was executed %d times", done)
					case notExecuted(err) && done != 0:
						t.Errorf("a request that was executed failed with %v", err)
					}
					mu.Lock()
					outcomes[name]++
					mu.Unlock()
					pass(20 * time.Millisecond)
				}
			})
			wg.Go(func() { // publishes
				for k := uint64(1); ctx.Err() == nil; k++ {
					m := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(i)), k)
					c, done := context.WithTimeout(context.Background(), time.Second)
					_ = n.Publish(c, "news", actor.Bytes(m)) // may be lost, never out of order
					done()
					pass(50 * time.Millisecond)
				}
			})
		}
		seed := rand.Uint64()
		t.Logf("chaos seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 2))
		for range 25 {
			a, b := w.nodes[rnd.IntN(len(w.nodes))], w.nodes[rnd.IntN(len(w.nodes))]
			gone := rnd.IntN(3) > 0
			w.air.cut(a, b, gone)
			if rnd.IntN(2) == 0 {
				w.air.cut(b, a, gone)
			}
			pass(time.Duration(rnd.IntN(4000)) * time.Millisecond)
		}
		cancel()
		wg.Wait()
		for _, a := range w.nodes {
			for _, b := range w.nodes {
				w.air.cut(a, b, false)
			}
		}
		w.whole()
		t.Logf("outcomes of requests: %v", outcomes)
		for _, n := range w.nodes {
			w.until("every member of the cluster again", time.Minute, func() bool {
				_, err := n.Request(t.Context(), "serve", actor.Bytes(binary.BigEndian.AppendUint64(nil, rnd.Uint64())))
				return err == nil
			})
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for id, times := range l.executed {
			if times > 1 {
				t.Errorf("request %x was executed %d times", id, times)
			}
		}
		if len(l.wrong) > 0 {
			t.Errorf("%d times: %s", len(l.wrong), l.wrong[0])
		}
		if outcomes["ok"] < 500 {
			t.Errorf("only %d requests were answered: the test shows nothing", outcomes["ok"])
		}
	})
}

// outcome names how a request ended, "" for an error that is not promised.
func outcome(err error) string {
	for name, promised := range map[string]error{
		"no members": actor.ErrNoMembers, "overloaded": actor.ErrOverloaded, "unreachable": actor.ErrUnreachable,
		"timeout": actor.ErrTimeout, "lost": actor.ErrLost,
	} {
		if errors.Is(err, promised) {
			return name
		}
	}
	if err == nil {
		return "ok"
	}
	return ""
}

func notExecuted(err error) bool {
	return errors.Is(err, actor.ErrNoMembers) || errors.Is(err, actor.ErrOverloaded) || errors.Is(err, actor.ErrUnreachable) ||
		errors.Is(err, actor.ErrExpired)
}

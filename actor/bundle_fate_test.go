package actor

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// recorder is an actor that notes the numbers it gets, and does what its plan says at some.
type recorder struct {
	mu   sync.Mutex
	got  []int
	plan map[int]func(ctx Context)
}

func (r *recorder) props() *Props {
	return Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case Bytes:
			n := int(binary.BigEndian.Uint32(m))
			r.mu.Lock()
			r.got = append(r.got, n)
			r.mu.Unlock()
			if do := r.plan[n]; do != nil {
				do(ctx)
			}
		case string:
			ctx.Respond(m)
		}
	}).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1, MaxRestarts: -1})
}

func (r *recorder) numbers() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// upTo returns the numbers from, from+1, ... before to.
func upTo(from, to int) (list []int) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

func TestPanicInABundleFailsOneMessage(t *testing.T) {
	for name, fail := range map[string]func(Context){
		"panic":  func(Context) { panic("boom") },
		"goexit": func(Context) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSystem(t)
			w := watchEvents(s)
			r := &recorder{plan: map[int]func(Context){0: fail, 5: fail, 6: fail, 99: fail}}
			pid := s.Spawn(r.props())
			if taken := deliverNumbers(t, s, pid, 0, 100); taken != 100 {
				t.Fatalf("%d taken", taken)
			}
			mustAsk(t, s, pid, "sync")
			if got := r.numbers(); !slices.Equal(got, upTo(0, 100)) {
				t.Errorf("handled %v", got)
			}
			if n := s.Counters().Failures; n != 4 {
				t.Errorf("%d failures, want 4", n)
			}
			if f := awaitEvent(t, w, all[*HandlerFailed]); f.MessageType != "actor.Bytes" {
				t.Errorf("failed with a message of type %q", f.MessageType)
			}
		})
	}
}

// What a supervisor is told about is a copy, also when the handler never asked for the message.
func TestFailureKeepsItsMessage(t *testing.T) {
	s := newTestSystem(t)
	failed := make(chan any, 1)
	strategy := Strategy{Decide: func(f Failure) Directive { failed <- f.Message; return DirectiveResume }}
	pid := s.Spawn(Func(func(ctx Context) {
		if Meta(ctx).Kind == Event {
			panic("boom")
		}
	}).Strategy(strategy))
	deliverNumbers(t, s, pid, 7, 1)
	if m := receive(t, failed); !bytes.Equal(m.(Bytes), numbers(7, 1)[0]) {
		t.Errorf("failed with %v", m)
	}
}

func TestEndInABundle(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(Context)
		handled int
		left    uint64
	}{
		{"stop", func(ctx Context) { ctx.Stop(ctx.Self()) }, 41, 59},
		{"poison", func(ctx Context) { ctx.Poison(ctx.Self()) }, 100, 0},
		{"restart", func(ctx Context) { ctx.System().Events().Publish(&Restart{PID: ctx.Self()}) }, 100, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSystem(t)
			r := &recorder{plan: map[int]func(Context){40: c.do}}
			pid := s.Spawn(r.props())
			deliverNumbers(t, s, pid, 0, 100)
			if c.name == "restart" { // one that stops might leave the question over
				if _, err := ask(t, s, pid, "sync"); err != nil {
					t.Error(err)
				}
			}
			if err := s.Poison(t.Context(), pid); err != nil {
				t.Fatal(err)
			}
			if got := r.numbers(); !slices.Equal(got, upTo(0, c.handled)) {
				t.Errorf("handled %d, want %d: %v", len(got), c.handled, got)
			}
			if n := s.Counters().Dropped[DeadLeftover.String()]; n != c.left {
				t.Errorf("%d left over, want %d", n, c.left)
			}
			if n := deliverNumbers(t, s, pid, 0, 3); n != 0 || s.Counters().Dropped[DeadNoActor.String()] < 3 {
				t.Errorf("%d taken by an actor that is gone", n)
			}
		})
	}
}

// Bundles and single messages from several senders, an actor that fails, is restarted and stopped at any moment: each
// message is handled or a dead letter, once, in the order of its sender.
func TestEveryBundledMessageHasOneFate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := NewSystem(Options{Node: "n1"})
		const senders, each = 3, 400
		fail := rapid.IntRange(2, 200).Draw(rt, "fail")
		stopAt := rapid.Int32Range(1, 2*senders*each).Draw(rt, "stop")
		exit := rapid.Bool().Draw(rt, "exit")
		var count atomic.Int32
		last := [senders]int{}
		var handled [senders]atomic.Int64
		unordered := atomic.Int32{}
		pid := s.Spawn(Func(func(ctx Context) {
			m, ok := ctx.Message().(Bytes)
			if !ok {
				return
			}
			n := int(binary.BigEndian.Uint32(m))
			from, n := n>>16, n&0xffff
			if n <= last[from] {
				unordered.Add(1)
			}
			last[from] = n
			handled[from].Add(1)
			k := count.Add(1)
			if k == stopAt {
				ctx.Stop(ctx.Self())
			}
			if int(k)%fail == 0 {
				if exit {
					runtime.Goexit()
				}
				panic("again")
			}
		}).Mailbox(rapid.IntRange(20, 2000).Draw(rt, "bound")).Strategy(Strategy{BackoffMin: 1, BackoffMax: 1, MaxRestarts: -1}))
		seed := rapid.IntRange(1, 60).Draw(rt, "batch")
		var wg sync.WaitGroup
		for from := range senders {
			wg.Go(func() {
				for n := 1; n <= each; {
					if k := min((n*7+from)%seed, each+1-n); k > 1 {
						deliverNumbers(t, s, pid, from<<16|n, k)
						n += k
						continue
					}
					m := Bytes(numbers(from<<16|n, 1)[0])
					_ = s.Deliver(pid, &Inbound{Message: m, Size: len(m), From: "n2"})
					n++
				}
			})
		}
		wg.Wait()
		if err := s.Poison(t.Context(), pid); err != nil {
			rt.Fatal(err)
		}
		sum := uint64(0)
		for i := range handled {
			sum += uint64(handled[i].Load())
		}
		for _, n := range s.Counters().Dropped {
			sum += n
		}
		if sum != senders*each || unordered.Load() > 0 {
			rt.Errorf("%d handled or dead letters of %d, %d out of order", sum, senders*each, unordered.Load())
		}
		if err := s.Shutdown(t.Context()); err != nil {
			rt.Error(err)
		}
	})
}

// An event that cannot be decoded is a dead letter, the others arrive.
func TestUndecodableInABundle(t *testing.T) {
	registerTestTypes()
	s := newTestSystem(t)
	typ, data, err := Encode(order{ID: 9})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan any, 10)
	pid := s.Spawn(Func(func(ctx Context) {
		if Meta(ctx).Kind == Event {
			got <- ctx.Message()
		}
	}))
	var g Gather
	g.Add(typ, data)
	g.Add(typ, data[:1])
	g.Add("nobody.Knows", data)
	g.Add("", []byte("x"))
	b := g.Bundle(head())
	s.DeliverBundle(pid, b)
	b.Release()
	if o, ok := receive(t, got).(order); !ok || o.ID != 9 {
		t.Errorf("got %v", o)
	}
	if x, ok := receive(t, got).(Bytes); !ok || string(x) != "x" {
		t.Errorf("got %v", x)
	}
	if n := s.Counters().Dropped[DeadCodec.String()]; n != 2 {
		t.Errorf("%d not decoded, want 2", n)
	}
}

// A continuation has the message that was handled when Ask was called; Forward passes it on.
func TestBundledMessageOutlivesItsBundle(t *testing.T) {
	s := newTestSystem(t)
	later := make(chan any, 100)
	other := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			ctx.Respond(m)
		case Bytes:
			later <- m
		}
	}))
	pid := s.Spawn(Func(func(ctx Context) {
		if d := Meta(ctx); d.Kind == Event {
			if d.Topic != "news" || d.Origin != "n2" || ctx.Sender() != nil {
				t.Errorf("delivery %+v, sender %v", d, ctx.Sender())
			}
			ctx.Forward(other)
			ctx.Ask(other, "ask", 0, func(any, error) { later <- ctx.Message() })
		}
	}))
	deliverNumbers(t, s, pid, 0, 20)
	seen := map[uint32]int{}
	for range 40 {
		seen[binary.BigEndian.Uint32(receive(t, later).(Bytes))]++
	}
	for n, times := range seen {
		if times != 2 {
			t.Errorf("%d came %d times", n, times)
		}
	}
}

package actor

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The default mailbox of protoactor keeps 20 MB after a burst of a million messages.
func TestMailboxShrinksAfterBurst(t *testing.T) {
	var r ring
	for i := range 1 << 16 {
		r.push(i)
	}
	for i := range 1 << 16 {
		if v := r.pop(); v != i {
			t.Fatalf("pop = %v, want %d", v, i)
		}
	}
	if r.fit(1 << 14); len(r.buf) != 1<<16 {
		t.Errorf("a busy ring of %d slots, want %d: it keeps its size", len(r.buf), 1<<16)
	}
	if r.fit(10); len(r.buf) > ringKeep {
		t.Errorf("an empty ring keeps %d slots, want at most %d", len(r.buf), ringKeep)
	}
}

func TestRingIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var model []int
		next := 0
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if n := rapid.IntRange(-60, 100).Draw(t, "n"); n > 0 {
				for range n {
					r.push(next)
					model = append(model, next)
					next++
				}
			} else {
				for range -n {
					v := r.pop()
					if len(model) == 0 {
						if v != nil {
							t.Fatalf("pop of empty = %v", v)
						}
						continue
					}
					if v != model[0] {
						t.Fatalf("pop = %v, want %d", v, model[0])
					}
					model = model[1:]
				}
			}
			if r.n != len(model) {
				t.Fatalf("n = %d, want %d", r.n, len(model))
			}
		}
	})
}

// With protoactor's Bounded the sender spins, with BoundedDropping a core burns for ever after the first drop.
func TestOverflowIsAnswered(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	g := newGated()
	pid := s.Spawn(g.props().Mailbox(2))
	s.Send(pid, nil, "block")
	receive(t, g.entered)
	s.Send(pid, nil, "a")
	s.Send(pid, nil, "b")
	s.Send(pid, nil, "c") // over the bound
	if got := s.MailboxLen(pid); got != 2 {
		t.Errorf("mailbox length = %d, want 2", got)
	}
	if _, err := ask(t, s, pid, "d"); !errors.Is(err, ErrOverloaded) {
		t.Errorf("ask = %v, want ErrOverloaded", err)
	}
	if err := s.Deliver(pid, &Inbound{Message: "e", From: "n2"}); !errors.Is(err, ErrOverloaded) {
		t.Errorf("deliver = %v, want ErrOverloaded", err)
	}
	if o := awaitEvent(t, w, all[*Overloaded]); o.What != pid.Id {
		t.Errorf("overloaded = %q", o.What)
	}
	d := awaitEvent(t, w, func(d *DeadLetter) bool { return d.Reason == DeadOverflow })
	if d.Target != "n1/"+pid.Id || d.MessageType != "string" {
		t.Errorf("dead letter = %+v", d)
	}
	close(g.release)
	if a, b := receive(t, g.got), receive(t, g.got); a != "a" || b != "b" {
		t.Errorf("handled %v %v", a, b)
	}
	mustAsk(t, s, pid, "f")
	if n := s.Counters().Dropped[DeadOverflow.String()]; n != 3 {
		t.Errorf("dropped = %d, want 3", n)
	}
	if r := awaitEvent(t, w, all[*Relieved]); r.Dropped != 3 {
		t.Errorf("relieved after %d, want 3", r.Dropped)
	}
}

func TestMailboxBoundsBytes(t *testing.T) {
	s := newTestSystem(t)
	g := newGated()
	pid := s.Spawn(g.props().MailboxBytes(100))
	s.Send(pid, nil, "block")
	receive(t, g.entered)
	for _, c := range []struct {
		size int
		want error
	}{{1000, nil}, {1, ErrOverloaded}, {0, nil}} {
		if err := s.Deliver(pid, &Inbound{Message: 1, Size: c.size, From: "n2"}); !errors.Is(err, c.want) {
			t.Errorf("deliver %d bytes = %v, want %v", c.size, err, c.want)
		}
	}
	close(g.release)
	receive(t, g.got)
	receive(t, g.got)
	if err := s.Deliver(pid, &Inbound{Message: 1, Size: 90, From: "n2"}); err != nil {
		t.Errorf("deliver after the queue was worked off = %v", err)
	}
}

// protoactor loses what is queued when an actor stops; its askers wait for their timeout.
func TestLeftoversAreAnswered(t *testing.T) {
	s := newTestSystem(t)
	g := newGated()
	pid := s.Spawn(g.props())
	s.Send(pid, nil, "block")
	receive(t, g.entered)
	errs := make(chan error, 3)
	for range 3 {
		if id := s.request(pid, nil, "x", patience, func(r Reply) { errs <- r.Err }); id == 0 {
			t.Fatal("no request")
		}
	}
	failed := make(chan *RequestFailed, 1)
	asker := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			ctx.Request(pid, "from an actor")
			ctx.Respond("sent")
		case *RequestFailed:
			failed <- m
		}
	}))
	mustAsk(t, s, asker, "go")
	tr := &testTracker{}
	if err := s.Deliver(pid, &Inbound{Message: "tracked", From: "n2", Tracker: tr}); err != nil {
		t.Fatal(err)
	}
	s.end(pid, false)
	close(g.release)
	for range 3 {
		if err := receive(t, errs); !errors.Is(err, ErrNoActor) {
			t.Errorf("leftover = %v, want ErrNoActor", err)
		}
	}
	if f := receive(t, failed); !errors.Is(f.Err, ErrNoActor) || !Same(f.Target, pid) {
		t.Errorf("request failed = %+v", f)
	}
	if err := s.Stop(t.Context(), pid); err != nil {
		t.Error(err)
	}
	if done, executed := tr.done.Load(), tr.executed.Load(); done != 1 || executed != 0 {
		t.Errorf("tracker: done %d executed %d, want 1 0", done, executed)
	}
	if n := s.Counters().Dropped[DeadLeftover.String()]; n != 5 {
		t.Errorf("left over = %d, want 5", n)
	}
}

type testTracker struct{ done, executed, failed atomic.Int32 }

func (t *testTracker) Done(_, _ time.Duration, executed bool) {
	t.done.Add(1)
	if executed {
		t.executed.Add(1)
	}
}
func (t *testTracker) Failed()    { t.failed.Add(1) }
func (t *testTracker) Load() Load { return Load{InFlight: 7} }

// A message to a name that was just spawned hits protoactor's mailbox before it has a dispatcher: the sender panics and
// the actor never starts.
func TestMessagesBeforeStartAreQueued(t *testing.T) {
	s := newTestSystem(t)
	const rounds = 300
	for i := range rounds {
		name := "x"
		target := NewPID("n1", userID+"/"+name)
		first := make(chan any, 1)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.Send(target, nil, "early")
				}
			}
		})
		pid, err := s.SpawnNamed(Of(func() Actor {
			return &firstMessage{first}
		}), name)
		if err != nil {
			t.Fatal(err)
		}
		if m := receive(t, first); typeName(m) != "*actor.Started" {
			t.Fatalf("round %d: first message is %T, want *Started", i, m)
		}
		close(stop)
		wg.Wait()
		if err := s.Stop(t.Context(), pid); err != nil {
			t.Fatal(err)
		}
	}
}

type firstMessage struct{ first chan any }

func (f *firstMessage) Receive(ctx Context) {
	if f.first != nil {
		f.first <- ctx.Message()
		f.first = nil
	}
}

// A batch type of protoactor arrives as its elements and then once more as itself.
func TestBatchArrivesOnce(t *testing.T) {
	s := newTestSystem(t)
	got := make(chan any, 10)
	pid := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case batch:
			got <- m
		case int:
			got <- m
		case string:
			ctx.Respond(m)
		}
	}))
	s.Send(pid, nil, batch{1, 2})
	mustAsk(t, s, pid, "sync")
	if len(got) != 1 {
		t.Errorf("%d messages arrived, want 1", len(got))
	}
}

type batch []any

func (b batch) GetMessages() []any { return b }

func TestFIFOPerSender(t *testing.T) {
	s := newTestSystem(t)
	const senders, each = 4, 5000
	type numbered struct{ sender, n int }
	last := map[int]int{}
	bad := make(chan numbered, senders*each)
	pid := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case numbered:
			if m.n != last[m.sender]+1 {
				bad <- m
			}
			last[m.sender] = m.n
		case string:
			ctx.Respond(len(last))
		}
	}))
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				s.Send(pid, nil, numbered{i, n + 1})
			}
		})
	}
	wg.Wait()
	if n := mustAsk(t, s, pid, "sync"); n != senders || len(bad) > 0 {
		t.Errorf("%v senders seen, %d out of order", n, len(bad))
	}
}

// A pool with a fixed number of workers would stand still here.
func TestBlockedHandlersStarveNobody(t *testing.T) {
	s := newTestSystem(t)
	const blocked = 2000
	g := newGated()
	var wg sync.WaitGroup
	for range blocked {
		pid := s.Spawn(g.props())
		s.Send(pid, nil, "block")
		wg.Go(func() { receive(t, g.entered) })
	}
	wg.Wait()
	if got := mustAsk(t, s, s.Spawn(echo()), "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
	if w := s.Stats().Workers; w < blocked {
		t.Errorf("%d workers, want at least %d", w, blocked)
	}
	close(g.release)
}

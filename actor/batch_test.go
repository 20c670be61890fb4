package actor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// batches is an actor with Props.Batches that notes the numbers it gets, and the lengths of its batches.
type batches struct {
	got, lengths []int
	kept         []Bytes
	last         *Batch
	fail         int // number at which it panics; 0: never
}

func (r *batches) props() *Props {
	return Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case *Batch:
			r.lengths, r.last = append(r.lengths, m.Len()), m
			for i := range m.Len() {
				n := int(binary.BigEndian.Uint32(m.At(i)))
				if n == r.fail && n > 0 {
					panic("boom")
				}
				r.got = append(r.got, n)
				own, err := m.Clone(i)
				if err != nil {
					panic(err)
				}
				r.kept = append(r.kept, own.(Bytes))
			}
		case string:
			ctx.Respond(m)
		}
	}).Batches().Strategy(Strategy{BackoffMin: 1, BackoffMax: 1})
}

func TestBatchesArriveWhole(t *testing.T) {
	s := newTestSystem(t)
	r := &batches{}
	pid := s.Spawn(r.props())
	deliverNumbers(t, s, pid, 0, 100)
	single := &Inbound{Delivery: Delivery{Kind: Event}, Message: Bytes(numbers(100, 1)[0]), Size: 4, From: "n2"}
	if err := s.Deliver(pid, single); err != nil {
		t.Fatal(err)
	}
	deliverNumbers(t, s, pid, 101, 50)
	if got := mustAsk(t, s, pid, "sync"); got != "sync" { // a request is no part of a batch
		t.Errorf("got %v", got)
	}
	if !slices.Equal(r.got, upTo(0, 151)) || !slices.Equal(r.lengths, []int{100, 1, 50}) {
		t.Errorf("batches of %v: %v", r.lengths, r.got)
	}
	for i, m := range r.kept {
		if int(binary.BigEndian.Uint32(m)) != i {
			t.Errorf("kept %d in place of %d", binary.BigEndian.Uint32(m), i)
		}
	}
	if r.last.Len() != 0 {
		t.Errorf("a batch of %d outlives Receive", r.last.Len())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil { // what a mailbox has delivered is counted when its turn ends
		t.Error(err)
	}
	if n := s.Counters().Delivered; n != 152 {
		t.Errorf("%d delivered", n)
	}
}

func TestPanicFailsTheBatch(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	r := &batches{fail: 30}
	pid := s.Spawn(r.props())
	deliverNumbers(t, s, pid, 0, 100)
	deliverNumbers(t, s, pid, 100, 100)
	mustAsk(t, s, pid, "sync")
	if want := append(upTo(0, 30), upTo(100, 200)...); !slices.Equal(r.got, want) {
		t.Errorf("handled %v", r.got)
	}
	if f := awaitEvent(t, w, all[*HandlerFailed]); f.MessageType != "*actor.Batch" {
		t.Errorf("failed with a message of type %q", f.MessageType)
	}
}

func TestBatchOfTypes(t *testing.T) {
	registerTestTypes()
	s := newTestSystem(t)
	typ, data, err := Encode(order{ID: 9})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	pid := s.Spawn(Func(func(ctx Context) {
		m, ok := ctx.Message().(*Batch)
		if !ok {
			return
		}
		defer close(done)
		if v, err := m.Clone(0); err != nil || v.(order).ID != 9 || m.Type(0) != typ || !bytes.Equal(m.At(0), data) {
			t.Errorf("typed: %v, %v", v, err)
		}
		var codec *CodecError
		if _, err := m.Clone(1); !errors.As(err, &codec) {
			t.Errorf("undecodable: %v", err)
		}
		if v, _ := m.Clone(2); string(v.(Bytes)) != "x" || m.Type(2) != "" {
			t.Errorf("untyped: %v", v)
		}
		for _, i := range []int{-1, 3} {
			func() {
				defer func() { _ = recover() }()
				m.At(i)
				t.Errorf("message %d of 3", i)
			}()
		}
	}).Batches())
	var g Gather
	g.Add(typ, data)
	g.Add(typ, data[:1])
	g.Add("", []byte("x"))
	b := g.Bundle(head())
	s.DeliverBundle(pid, b)
	b.Release()
	receive(t, done)
}

// What one handler gets is never overwritten by what comes later: bundles are shared by several actors, used again, and
// handled at different speeds. Each message says in every byte to which bundle it belongs.
func TestRecycledMemoryShowsNothing(t *testing.T) {
	s := newTestSystem(t)
	const rounds, actors = 300, 4
	var wrong atomic.Int64
	check := func(m []byte) {
		if len(m) > 0 && bytes.Count(m, m[:1]) != len(m) {
			wrong.Add(1)
		}
	}
	var kept [actors][]Bytes
	pids := make([]*PID, actors)
	for i := range pids {
		p := Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case Bytes:
				check(m)
				kept[i] = append(kept[i], m)
			case *Batch:
				for k := range m.Len() {
					check(m.At(k))
				}
			case string:
				ctx.Respond(m)
			}
		}).Mailbox(1 << 20)
		if i%2 == 1 {
			p.Batches()
		}
		pids[i] = s.Spawn(p)
	}
	var wg sync.WaitGroup
	for lane := range 3 {
		wg.Go(func() {
			var g Gather
			for round := range rounds {
				mark := byte(lane*rounds + round)
				for i := range 1 + (round*31)%200 {
					g.Add("", bytes.Repeat([]byte{mark}, (i*13+round)%90))
				}
				b := g.Bundle(head())
				for _, pid := range pids {
					s.DeliverBundle(pid, b)
				}
				b.Release()
			}
		})
	}
	wg.Wait()
	for _, pid := range pids {
		mustAsk(t, s, pid, "sync")
	}
	for _, list := range kept {
		for _, m := range list {
			check(m)
		}
	}
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d messages hold bytes of others", n)
	}
	if n := len(kept[0]); n == 0 || n != len(kept[2]) {
		t.Errorf("%d and %d messages", n, len(kept[2]))
	}
}

// held keeps the dispatcher away from an actor, so that a test or a benchmark can take its turns itself.
func held(t testing.TB, s *System, pid *PID) *mailbox {
	t.Helper()
	mustAsk(t, s, pid, "ready")
	m := &s.cells.get(pid.Id).mb
	for !m.hold() {
		runtime.Gosched() // its worker is about to leave
	}
	return m
}

// hold reports whether the mailbox was idle, and takes the place of its worker.
func (m *mailbox) hold() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	idle := !m.running
	m.running = true
	return idle
}

// turns does what a worker does.
func (m *mailbox) turns() {
	for m.turn() {
	}
	m.hold()
}

func TestBundlesAllocateWhatHandlersKeep(t *testing.T) {
	const messages = 100
	payload := bytes.Repeat([]byte{7}, 64)
	for _, c := range []struct {
		name  string
		want  float64 // allocations for all messages
		props *Props
	}{
		{"batch", 0, Func(func(ctx Context) {
			if m, ok := ctx.Message().(*Batch); ok {
				for i := range m.Len() {
					_ = m.At(i)[0]
				}
			} else if ctx.Message() == "ready" {
				ctx.Respond(nil)
			}
		}).Batches()},
		{"one by one, looking at what came", 0, Func(func(ctx Context) {
			if Meta(ctx).Kind != Event && ctx.Message() == "ready" {
				ctx.Respond(nil)
			}
		})},
		{"one by one", 2 * messages, Func(func(ctx Context) {
			if ctx.Message() == "ready" {
				ctx.Respond(nil)
			}
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSystem(t)
			pid := s.Spawn(c.props)
			m := held(t, s, pid)
			var g Gather
			common := head()
			got := testing.AllocsPerRun(50, func() {
				for range messages {
					g.Add("", payload)
				}
				b := g.Bundle(common)
				if n := s.DeliverBundle(pid, b); n != messages {
					t.Errorf("%d taken", n)
				}
				b.Release()
				m.turns()
			})
			if got > c.want+1 { // the collector may have emptied the pool
				t.Errorf("%v allocations, want %v", got, c.want)
			}
			m.mu.Lock()
			m.running = false
			m.mu.Unlock()
		})
	}
}

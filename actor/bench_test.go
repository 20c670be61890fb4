package actor

import (
	"context"
	"sync"
	"testing"
	"time"
)

func newBenchSystem(b *testing.B) *System {
	b.Helper()
	s := newTestSystem(b)
	b.ReportAllocs()
	return s
}

// One producer, one busy actor: what a message costs when nobody has to be woken.
func BenchmarkSend(b *testing.B) {
	s := newBenchSystem(b)
	done := make(chan struct{})
	pid := s.Spawn(Func(func(ctx Context) {
		if ctx.Message() == "end" {
			close(done)
		}
	}).Mailbox(1 << 30))
	var msg any = 1
	for b.Loop() {
		s.Send(pid, nil, msg)
	}
	s.Send(pid, nil, "end")
	<-done
}

func BenchmarkSendParallel(b *testing.B) {
	s := newBenchSystem(b)
	done := make(chan struct{})
	pid := s.Spawn(Func(func(ctx Context) {
		if ctx.Message() == "end" {
			close(done)
		}
	}).Mailbox(1 << 30))
	var msg any = 1
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Send(pid, nil, msg)
		}
	})
	s.Send(pid, nil, "end")
	<-done
}

// The mailbox alone: posting 64 messages and handling them, with no dispatcher and no
// second goroutine.
func BenchmarkMailbox(b *testing.B) {
	s := newBenchSystem(b)
	pid := s.Spawn(Func(func(ctx Context) {
		if ctx.Message() == "ready" {
			ctx.Respond("yes")
		}
	}))
	m := held(b, s, pid)
	var msg any = 1
	n := 0
	for b.Loop() {
		if err := m.post(msg, false); err != nil {
			b.Fatal(err)
		}
		if n++; n%64 == 0 {
			m.turns()
		}
	}
	for m.turn() {
	}
}

// Bundles of 1000 messages of 16 bytes, gathered, posted and handled: what one message costs.
func BenchmarkBundle(b *testing.B) {
	for name, receive := range map[string]func(Context){
		"unread": func(Context) {},
		"read":   func(ctx Context) { _ = ctx.Message() },
		"batch":  nil,
	} {
		b.Run(name, func(b *testing.B) {
			s := newBenchSystem(b)
			p := Func(func(ctx Context) {
				switch m := ctx.Message().(type) {
				case string:
					ctx.Respond(m)
				case *Batch:
					for i := range m.Len() {
						_ = m.At(i)
					}
				}
			})
			if receive != nil {
				p = Func(func(ctx Context) {
					if Meta(ctx).Kind == Event {
						receive(ctx)
					} else if m, ok := ctx.Message().(string); ok {
						ctx.Respond(m)
					}
				})
			} else {
				p.Batches()
			}
			pid := s.Spawn(p)
			m := held(b, s, pid)
			var g Gather
			common, payload := head(), make([]byte, 16)
			n := 0
			for b.Loop() {
				g.Add("", payload)
				if n++; n%1000 == 0 {
					bundle := g.Bundle(common)
					s.DeliverBundle(pid, bundle)
					bundle.Release()
					m.turns()
				}
			}
			for m.turn() {
			}
		})
	}
}

// One message to each of 64 idle actors: what the dispatcher makes of many wake-ups.
func BenchmarkWakeMany(b *testing.B) {
	s := newBenchSystem(b)
	var left sync.WaitGroup
	handler := Func(func(ctx Context) {
		if _, ok := ctx.Message().(int); ok {
			left.Done()
		}
	})
	pids := make([]*PID, 64)
	for i := range pids {
		pids[i] = s.Spawn(handler)
	}
	var msg any = 1
	n := 0
	for b.Loop() {
		left.Add(1)
		s.Send(pids[n%len(pids)], nil, msg)
		if n++; n%len(pids) == 0 {
			left.Wait()
		}
	}
	left.Wait()
}

// One message at a time: what waking an idle actor costs.
func BenchmarkPostHandle(b *testing.B) {
	s := newBenchSystem(b)
	done := make(chan struct{}, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(int); ok {
			done <- struct{}{}
		}
	}))
	var msg any = 1
	for b.Loop() {
		s.Send(pid, nil, msg)
		<-done
	}
}

func BenchmarkDeliver(b *testing.B) {
	s := newBenchSystem(b)
	done := make(chan struct{}, 1)
	tr := &testTracker{}
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(int); ok {
			done <- struct{}{}
		}
	}))
	var msg any = 1
	for b.Loop() {
		_ = s.Deliver(pid, &Inbound{Message: msg, From: "n2", Tracker: tr})
		<-done
	}
}

func BenchmarkRequest(b *testing.B) {
	s := newBenchSystem(b)
	pid := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(int); ok {
			ctx.Respond(m)
		}
	}))
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	var msg any = 1
	for b.Loop() {
		if _, err := s.Root().Request(ctx, pid, msg); err != nil {
			b.Fatal(err)
		}
	}
}

// Two actors that ask each other.
func BenchmarkPingPong(b *testing.B) {
	s := newBenchSystem(b)
	done := make(chan struct{})
	pong := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(int); ok {
			ctx.Respond(m)
		}
	}))
	n := b.N
	ping := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(int); ok {
			if n--; n < 0 {
				close(done)
				return
			}
			ctx.Request(pong, 1)
		}
	}))
	b.ResetTimer()
	s.Send(ping, nil, 1)
	<-done
}

func BenchmarkSpawnStop(b *testing.B) {
	s := newBenchSystem(b)
	p := Func(func(Context) {})
	for b.Loop() {
		if err := s.Stop(b.Context(), s.Spawn(p)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeDecode(b *testing.B) {
	registerTestTypes()
	o := order{ID: 1, Items: []string{"a", "b"}}
	b.ReportAllocs()
	for b.Loop() {
		typ, data, err := Encode(o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Decode(typ, data); err != nil {
			b.Fatal(err)
		}
	}
}

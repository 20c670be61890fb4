package transport

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// nowhere is a stream that takes everything.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error)      { return len(b), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
func (nowhere) Close() error                     { return nil }

var payloads = []struct {
	name string
	size int
}{{"16B", 16}, {"1KiB", 1 << 10}}

// What it costs a sender to encode a frame into a lane's buffer, the writer at
// work beside it.
func BenchmarkLaneEnqueue(b *testing.B) {
	for _, p := range payloads {
		b.Run(p.name, func(b *testing.B) {
			var running sync.WaitGroup
			l := newLane(Fanout, 4<<20, new(buffers))
			l.open, l.fail = func() (sendStream, error) { return nowhere{}, nil }, func(err error) { b.Error(err) }
			l.spawn, l.writes = running.Go, new(atomic.Uint64)
			e := event("bench", p.size)
			b.SetBytes(int64(p.size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := enqueue(b.Context(), l, e); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			l.shut(nil)
			running.Wait()
			b.ReportMetric(float64(b.N)/float64(l.writes.Load()), "frames/write")
		})
	}
}

// enqueue puts an event, when the lane has room.
func enqueue(ctx context.Context, l *lane, e *wire.Event) error {
	err := l.putEvent(e, e.Size())
	if err == actor.ErrOverloaded {
		err = l.wait(ctx, e)
	}
	return err
}

func TestLaneEnqueueDoesNotAllocate(t *testing.T) {
	var running sync.WaitGroup
	l := newLane(Fanout, 4<<20, new(buffers))
	l.open, l.fail = func() (sendStream, error) { return nowhere{}, nil }, func(err error) { t.Error(err) }
	l.spawn, l.writes = running.Go, new(atomic.Uint64)
	f := event("bench", 16)
	// Frames by the thousand: the writer may get a buffer of its own now and then.
	if n := testing.AllocsPerRun(20, func() {
		for range 1000 {
			if err := enqueue(t.Context(), l, f); err != nil {
				t.Error(err)
			}
		}
	}); n > 20 {
		t.Errorf("%v allocations for 1000 frames", n)
	}
	l.shut(nil)
	running.Wait()
}

// Events of one sender to one receiver over loopback, encryption and all, as
// far as the receiver's frame handler.
//
//	go test ./transport -run - -bench LinkEvents
func BenchmarkLinkEvents(b *testing.B) {
	for _, p := range payloads {
		b.Run(p.name, func(b *testing.B) {
			listen := func(c *Config) { c.Listen = "127.0.0.1:0" }
			from, to := newPlace(b, "bench", listen), newPlace(b, "bench", listen)
			var got atomic.Int64
			all := make(chan struct{})
			to.Handle(wire.KindEvent, func(*Link, wire.Frame) {
				if got.Add(1) == int64(b.N) {
					close(all)
				}
			})
			from.start(b)
			to.start(b)
			l, _ := linked(b, from, to)
			f := event("bench", p.size)
			b.SetBytes(int64(p.size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := l.Send(b.Context(), Fanout, f); err != nil {
					b.Fatal(err)
				}
			}
			select {
			case <-all:
			case <-time.After(time.Minute):
				b.Fatalf("%d of %d events arrived", got.Load(), b.N)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(b.N)/float64(l.Stats().Writes), "events/write")
			from.close(b)
			to.close(b)
		})
	}
}

// pair is two linked nodes on loopback, the second with an actor.
func pair(b *testing.B, handler *actor.Props) (from *place, pid *actor.PID, l *Link) {
	b.Helper()
	listen := func(c *Config) { c.Listen = "127.0.0.1:0" }
	from, to := newPlace(b, "bench", listen), newPlace(b, "bench", listen)
	from.start(b)
	to.start(b)
	l, _ = linked(b, from, to)
	b.Cleanup(func() {
		from.close(b)
		to.close(b)
	})
	local := to.sys.Spawn(handler)
	return from, actor.NewPID(to.sys.Node(), local.Id), l
}

// A message from a program to an actor of another node, from Send to its handler, with
// what both nodes allocate for it.
func BenchmarkRemoteSend(b *testing.B) {
	for _, p := range payloads {
		b.Run(p.name, func(b *testing.B) {
			var got atomic.Int64
			all := make(chan struct{})
			from, pid, l := pair(b, actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok && got.Add(1) == int64(b.N) {
					close(all)
				}
			}).Mailbox(1<<30).MailboxBytes(1<<30))
			var msg any = actor.Bytes(make([]byte, p.size))
			b.SetBytes(int64(p.size))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				for i%256 == 0 && l.Stats().Queued[Direct] > 1<<20 { // a send does not wait for room
					runtime.Gosched()
				}
				from.sys.Send(pid, nil, msg)
			}
			select {
			case <-all:
			case <-time.After(time.Minute):
				b.Fatalf("%d of %d messages arrived", got.Load(), b.N)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/float64(l.Stats().Writes), "messages/write")
		})
	}
}

// Requests to an actor of another node that echoes, 1 and 64 outstanding.
func BenchmarkRemoteRequest(b *testing.B) {
	for _, outstanding := range []int{1, 64} {
		b.Run(fmt.Sprint(outstanding), func(b *testing.B) {
			from, pid, l := pair(b, actor.Func(func(ctx actor.Context) {
				if msg, ok := ctx.Message().(actor.Bytes); ok {
					ctx.Respond(msg)
				}
			}))
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			var msg any = actor.Bytes(make([]byte, 128))
			var next atomic.Int64
			var asking sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range outstanding {
				asking.Go(func() {
					for next.Add(1) <= int64(b.N) {
						if _, err := from.sys.Root().Request(ctx, pid, msg); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			asking.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/float64(l.Stats().Writes), "requests/write")
		})
	}
}

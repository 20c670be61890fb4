package transport

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
			f := event("bench", p.size)
			b.SetBytes(int64(p.size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := l.wait(b.Context(), f); err != nil {
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

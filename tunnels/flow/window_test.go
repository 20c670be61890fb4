package flow

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What becomes of a window when each takes the same time.
func TestWindowGrows(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name string
		most int
		rtt  time.Duration
		took time.Duration // each window
		want uint64
	}{
		{"far, and the sender waits for credit", 4 << 20, 50 * ms, 50 * ms, 4 << 20},
		{"far, and the credit comes by halves", 4 << 20, 50 * ms, 100 * ms, 4 << 20},
		{"far, at a third of what would fit", 4 << 20, 50 * ms, 150 * ms, FirstWindow},
		{"far, and the application takes its time", 4 << 20, 50 * ms, time.Second, FirstWindow},
		{"just far", 4 << 20, Near, Near, 4 << 20},
		{"near", 4 << 20, Near - 1, 0, FirstWindow},
		{"unknown", 4 << 20, 0, 0, FirstWindow},
		{"up to no power of two", 5_000_000, 50 * ms, 0, 5_000_000},
		{"smaller than the first one", 64 << 10, 50 * ms, 0, 64 << 10},
		{"larger than any", 1 << 40, 50 * ms, 0, MaxWindow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, now := NewReceiver(tt.most), time.Unix(0, 0)
			for range 100 {
				for range 2 {
					n := (r.window + 1) / 2
					r.open -= n // arrives at once, and is consumed
					now = now.Add(tt.took / 2)
					if r.Grant(now, tt.rtt) < n || !r.valid() {
						t.Fatalf("granted less than was consumed: %+v", r)
					}
				}
			}
			if r.Window() != tt.want {
				t.Fatalf("window %d, want %d", r.Window(), tt.want)
			}
		})
	}
}

// The first grant only starts the clock: what came before it may have taken any time.
func TestIdleTunnelDoesNotGrow(t *testing.T) {
	const rtt = 50 * time.Millisecond
	var p pace
	now := time.Unix(0, 0)
	for range 10 {
		now = now.Add(time.Hour)
		if p.short(now, rtt, 1000, 1000) {
			t.Fatal("grew for a window an hour")
		}
	}
	if !p.short(now.Add(rtt), rtt, 1000, 1000) {
		t.Fatal("did not grow for a window a round trip")
	}
}

// path is a sender that always has something to send, a path, and an application
// that takes at once what has arrived.
type path struct {
	rtt  time.Duration
	rate int // bytes a second
}

// run sends for d and returns the receiver and the bytes that were consumed.
func (p path) run(most int, d time.Duration) (r Receiver, consumed int) {
	type event struct {
		at time.Time
		n  uint64
	}
	const chunk = 16 << 10
	r = NewReceiver(most)
	var s Sender
	var data, credits []event
	start := time.Unix(0, 0)
	free := start // when the bottleneck before the application is free again
	credits = append(credits, event{start, r.Window()})
	for len(credits) > 0 || len(data) > 0 {
		if len(data) == 0 || len(credits) > 0 && credits[0].at.Before(data[0].at) {
			now := credits[0].at
			_ = s.Grant(credits[0].n) // the receiver under test is honest
			credits = credits[1:]
			for {
				n, ok := s.Chunk(chunk, chunk)
				if !ok || n < chunk {
					break
				}
				s.Spend(Cost(n))
				if free.Before(now.Add(p.rtt / 2)) {
					free = now.Add(p.rtt / 2)
				}
				free = free.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
				data = append(data, event{free, uint64(n)})
			}
			continue
		}
		now, n := data[0].at, int(data[0].n)
		data = data[1:]
		if now.Sub(start) > d {
			return r, consumed
		}
		if r.Arrived(n) != nil {
			return r, -1
		}
		r.Consumed(Cost(n))
		consumed += n
		if g := r.Grant(now, p.rtt); g > 0 {
			credits = append(credits, event{now.Add(p.rtt / 2), g})
		}
	}
	return r, consumed
}

// Wherever the peer is, the window becomes what the path and the application can
// use, and hardly more.
func TestWindowFollowsThePathProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := path{
			rtt:  time.Duration(rapid.IntRange(50, 200_000).Draw(t, "round trip in us")) * time.Microsecond,
			rate: rapid.IntRange(1<<20, 1<<30).Draw(t, "bytes a second"),
		}
		const most = 16 << 20
		fits := uint64(float64(p.rate) * p.rtt.Seconds()) // is on its way at full rate
		d := 40*p.rtt + 20*most*time.Second/time.Duration(p.rate)
		r, consumed := p.run(most, d)
		switch {
		case consumed < 0:
			t.Fatal("the sender was accused")
		case p.rtt < Near && r.Window() != FirstWindow:
			t.Fatalf("a near sender got %d", r.Window())
		case r.Window() > max(FirstWindow, 6*fits):
			t.Fatalf("a window of %d where %d fit", r.Window(), fits)
		case p.rtt >= Near && r.Window() < min(most, fits):
			t.Fatalf("a window of %d where %d fit", r.Window(), fits)
		}
	})
}

// However slow the application is, what is on its way is a window, and a sender may
// run ahead of it by most.
func TestSenderRunsAheadByMost(t *testing.T) {
	const most, chunk = 4 << 20, 16<<10 - Overhead
	r := NewReceiver(most)
	credit := r.Window()
	for credit >= Cost(chunk) {
		if err := r.Arrived(chunk); err != nil || !r.valid() {
			t.Fatalf("%v: %+v", err, r)
		}
		credit += r.Grant(time.Time{}, 0) - Cost(chunk)
		if credit > FirstWindow || credit != r.open {
			t.Fatalf("%d on its way: %+v", credit, r)
		}
	}
	if r.Buffered() != most {
		t.Fatalf("%d bytes arrived that nobody reads, want %d", r.Buffered(), most)
	}
}

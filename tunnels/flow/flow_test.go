package flow

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSenderGrant(t *testing.T) {
	tests := []struct {
		name   string
		before []uint64
		grant  uint64
		want   uint64
		bad    bool
	}{
		{"first", nil, 100, 100, false},
		{"adds up", []uint64{100}, 50, 150, false},
		{"nothing", []uint64{100}, 0, 100, true},
		{"the whole limit", nil, MaxTotal, MaxTotal, false},
		{"beyond the limit", nil, MaxTotal + 1, 0, true},
		{"one beyond the rest", []uint64{MaxTotal}, 1, MaxTotal, true},
		{"would wrap", []uint64{1}, ^uint64(0), 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Sender
			for _, g := range tt.before {
				if err := s.Grant(g); err != nil {
					t.Fatal(err)
				}
			}
			err := s.Grant(tt.grant)
			var v *Violation
			if got := errors.As(err, &v); got != tt.bad {
				t.Fatalf("violation %v (%v), want %v", got, err, tt.bad)
			}
			if s.Credit() != tt.want {
				t.Fatalf("credit %d, want %d", s.Credit(), tt.want)
			}
		})
	}
}

func TestSenderLimitCountsTheTotalNotTheCredit(t *testing.T) {
	var s Sender
	if err := s.Grant(MaxTotal); err != nil {
		t.Fatal(err)
	}
	if !s.Spend(MaxTotal) {
		t.Fatal("credit is missing")
	}
	if s.Grant(1) == nil {
		t.Fatal("a tunnel grants more than MaxTotal over its life")
	}
}

func TestSenderSpend(t *testing.T) {
	var s Sender
	if s.Spend(1) {
		t.Fatal("spent what was never granted")
	}
	_ = s.Grant(10)
	if s.Spend(11) || s.Credit() != 10 {
		t.Fatal("a refused Spend took something")
	}
	if !s.Spend(10) || s.Credit() != 0 {
		t.Fatal("could not spend the rest")
	}
}

func TestSenderChunk(t *testing.T) {
	tests := []struct {
		name        string
		credit      uint64
		want, limit int
		n           int
		ok          bool
	}{
		{"fits", 1000, 100, 64000, 100, true},
		{"exact", Cost(100), 100, 64000, 100, true},
		{"limited by the chunk size", 1 << 20, 1 << 20, 64000, 64000, true},
		{"limited by credit", 100, 1000, 64000, 36, true},
		{"one byte", Overhead + 1, 1000, 64000, 1, true},
		{"overhead alone carries nothing", Overhead, 1000, 64000, 0, false},
		{"empty chunk", Overhead, 0, 64000, 0, true},
		{"no empty chunk either", Overhead - 1, 0, 64000, 0, false},
		{"no credit", 0, 10, 64000, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Sender
			if tt.credit > 0 {
				_ = s.Grant(tt.credit)
			}
			n, ok := s.Chunk(tt.want, tt.limit)
			if n != tt.n || ok != tt.ok {
				t.Fatalf("Chunk = %d, %v; want %d, %v", n, ok, tt.n, tt.ok)
			}
			if ok && !s.Spend(Cost(n)) {
				t.Fatal("the chunk cannot be paid")
			}
		})
	}
}

func TestMessageCost(t *testing.T) {
	for _, tt := range []struct {
		n, chunk int
		want     uint64
	}{{0, 10, 64}, {1, 10, 65}, {10, 10, 74}, {11, 10, 11 + 128}, {100, 10, 100 + 640}} {
		if got := MessageCost(tt.n, tt.chunk); got != tt.want {
			t.Errorf("MessageCost(%d, %d) = %d, want %d", tt.n, tt.chunk, got, tt.want)
		}
	}
}

func TestReceiver(t *testing.T) {
	r := NewReceiver(8 << 10)
	if err := r.Arrived(8<<10 - Overhead); err != nil {
		t.Fatal(err)
	}
	if err := r.Arrived(0); err == nil {
		t.Fatal("an empty chunk beyond the credit was accepted")
	}
	if r.Buffered() != 8<<10 {
		t.Fatalf("buffered %d: a refused chunk was counted", r.Buffered())
	}
	r.Consumed(4<<10 - 1)
	if g := r.Grant(time.Time{}, 0); g != 0 {
		t.Fatalf("granted %d before half a window", g)
	}
	r.Consumed(1)
	if g := r.Grant(time.Time{}, 0); g != 4<<10 {
		t.Fatalf("granted %d at half a window", g)
	}
	if g := r.Grant(time.Time{}, 0); g != 0 {
		t.Fatalf("granted %d twice", g)
	}
	r.Consumed(1 << 40)
	if r.Buffered() != 0 || !r.valid() {
		t.Fatalf("consuming too much broke the sums: %+v", r)
	}
}

func TestReceiverClampsItsWindow(t *testing.T) {
	for _, tt := range []struct {
		in          int
		first, most uint64
	}{
		{-1, MinWindow, MinWindow},
		{0, MinWindow, MinWindow},
		{100_000, 100_000, 100_000},
		{4 << 20, FirstWindow, 4 << 20},
		{MaxWindow + 1, FirstWindow, MaxWindow},
	} {
		r := NewReceiver(tt.in)
		if r.Window() != tt.first || First(tt.in) != tt.first || r.most != tt.most {
			t.Errorf("NewReceiver(%d) grants %d of %d, want %d of %d", tt.in, r.Window(), r.most, tt.first, tt.most)
		}
	}
}

// A pair of honest ends over a wire that delivers late, in order: the receiver
// never holds more than its window and the sender is never stuck for good.
func TestPairProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.OneOf(rapid.IntRange(MinWindow, 64<<10), rapid.IntRange(FirstWindow, 4<<20)).Draw(t, "window")
		rtt := rapid.SampledFrom([]time.Duration{0, Near - 1, Near, 50 * time.Millisecond}).Draw(t, "round trip")
		now := time.Unix(0, 0)
		limit := rapid.IntRange(1, 64<<10).Draw(t, "chunk")
		r := NewReceiver(window)
		var s Sender
		if err := s.Grant(r.Window()); err != nil {
			t.Fatal(err)
		}
		var data, held []int  // payloads on the wire, payloads buffered
		var credits []uint64  // grants on the wire
		var inFlight uint64   // sum of credits
		var sent, arrived int // payload bytes
		send := func(want int) bool {
			n, ok := s.Chunk(want, limit)
			if !ok {
				return false
			}
			if n > limit || n > want || !s.Spend(Cost(n)) {
				t.Fatalf("chunk of %d for %d (limit %d, credit %d)", n, want, limit, s.Credit())
			}
			data = append(data, n)
			sent += n
			return true
		}
		grant := func() {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "microseconds")) * time.Microsecond)
			if g := r.Grant(now, rtt); g > 0 {
				credits = append(credits, g)
				inFlight += g
			}
		}
		deliver := func() {
			if len(data) == 0 {
				return
			}
			if err := r.Arrived(data[0]); err != nil {
				t.Fatalf("an honest sender was accused: %v", err)
			}
			grant()
			arrived += data[0]
			held = append(held, data[0])
			data = data[1:]
		}
		consume := func() {
			if len(held) == 0 {
				return
			}
			r.Consumed(Cost(held[0]))
			held = held[1:]
			grant()
		}
		credit := func() {
			if len(credits) == 0 {
				return
			}
			if err := s.Grant(credits[0]); err != nil {
				t.Fatal(err)
			}
			inFlight -= credits[0]
			credits = credits[1:]
		}
		check := func(*rapid.T) {
			if r.Window() < First(window) || r.Window() > uint64(window) {
				t.Fatalf("a window of %d with %d at most", r.Window(), window)
			}
			if r.Buffered() > r.most {
				t.Fatalf("%d bytes buffered where %d may be", r.Buffered(), r.most)
			}
			var wire uint64
			for _, n := range data {
				wire += Cost(n)
			}
			if !r.valid() || s.Credit()+wire+inFlight != r.open {
				t.Fatalf("credit was lost or invented: %+v %+v wire %d, grants %d", s, r, wire, inFlight)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"":        check,
			"send":    func(t *rapid.T) { send(rapid.IntRange(0, 100<<10).Draw(t, "n")) },
			"deliver": func(*rapid.T) { deliver() },
			"consume": func(*rapid.T) { consume() },
			"credit":  func(*rapid.T) { credit() },
		})
		// Let everything arrive and be consumed: the sender must own more than
		// half a window again.
		for len(data) > 0 || len(held) > 0 || len(credits) > 0 {
			deliver()
			consume()
			credit()
		}
		if s.Credit() <= r.Window()/2 || sent != arrived {
			t.Fatalf("everything consumed, but credit is %d of a window of %d (%d of %d bytes arrived)", s.Credit(), r.Window(), arrived, sent)
		}
	})
}

// Whatever a hostile peer sends, no more than a window is ever held.
func TestHostileSenderProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewReceiver(rapid.IntRange(MinWindow, 32<<10).Draw(t, "window"))
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			n := rapid.IntRange(0, 64<<10).Draw(t, "n")
			if err := r.Arrived(n); err == nil && rapid.Bool().Draw(t, "consume") {
				r.Consumed(uint64(rapid.IntRange(0, 2*n+Overhead).Draw(t, "cost")))
				r.Grant(time.Time{}, 0)
			}
			if r.Buffered() > r.Window() || !r.valid() {
				t.Fatalf("held %d of %d: %+v", r.Buffered(), r.Window(), r)
			}
		}
	})
}

package flow

import (
	"fmt"
	"time"
)

// Limits of the accounting.
const (
	// Overhead is what a chunk costs beside its payload, in bytes of credit.
	Overhead = 64
	// MaxTotal is the most credit a sender accepts over the life of a tunnel,
	// in bytes. It keeps the sums far from overflow; 2^62 bytes are 4 EiB.
	MaxTotal = 1 << 62
	// MinWindow and MaxWindow bound the window of a Receiver, in bytes.
	MinWindow = 4 << 10
	MaxWindow = 1 << 30
)

// Cost is the credit that a chunk of n payload bytes takes.
func Cost(n int) uint64 { return uint64(n) + Overhead }

// MessageCost is the credit that a message of n bytes takes when it is cut into
// chunks of at most chunk bytes. An empty message is one empty chunk.
func MessageCost(n, chunk int) uint64 {
	chunks := max(1, (n+chunk-1)/chunk)
	return uint64(n) + uint64(chunks)*Overhead
}

// Violation is something the peer did that an honest one cannot do. The tunnel
// is to be closed.
type Violation struct {
	What        string // constant text
	Have, Asked uint64 // the limit in force and what the peer wanted, in bytes
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %d of %d bytes", v.What, v.Asked, v.Have)
}

// Sender accounts for the credit this end may still use. The zero value has
// none.
type Sender struct {
	credit  uint64 // granted and not spent
	granted uint64 // in all; credit <= granted <= MaxTotal
}

// Grant adds credit that the peer announced. A grant of nothing, and one that
// takes the total beyond MaxTotal, are violations and change nothing.
func (s *Sender) Grant(n uint64) error {
	if n == 0 {
		return &Violation{What: "credit of nothing"}
	}
	if n > MaxTotal-s.granted {
		return &Violation{What: "credit beyond the limit of a tunnel", Have: MaxTotal - s.granted, Asked: n}
	}
	s.granted += n
	s.credit += n
	return nil
}

// Credit is what is left, in bytes.
func (s *Sender) Credit() uint64 { return s.credit }

// Granted is what the peer has granted in all, in bytes.
func (s *Sender) Granted() uint64 { return s.granted }

// Spend takes n bytes of credit and reports whether they were there. It takes
// all of them or none.
func (s *Sender) Spend(n uint64) bool {
	if n > s.credit {
		return false
	}
	s.credit -= n
	return true
}

// Chunk is the largest payload, at most want and at most limit bytes, that the
// credit pays for now; ok is false when it does not even pay for one byte (or
// for the empty chunk, if want is 0). Chunk spends nothing.
func (s *Sender) Chunk(want, limit int) (n int, ok bool) {
	n = min(want, limit)
	if Cost(n) <= s.credit {
		return n, true
	}
	if want == 0 || s.credit <= Overhead {
		return 0, false
	}
	return int(s.credit - Overhead), true
}

// Receiver accounts for what the peer may have on its way to us.
type Receiver struct {
	window   uint64 // bounds open; grows to most
	most     uint64 // bounds open and buffered together
	open     uint64 // granted and not yet arrived
	buffered uint64 // arrived and not yet consumed
	pace     pace
}

// NewReceiver has granted First(most), which the caller announces to the peer in
// its opening frame. most bytes, clamped to MinWindow..MaxWindow, bound what is on
// its way and what is buffered.
func NewReceiver(most int) Receiver {
	first := First(most)
	return Receiver{window: first, most: clamp(most), open: first}
}

// Window is the window in force, in bytes.
func (r *Receiver) Window() uint64 { return r.window }

// Buffered is what has arrived and waits for the application, in bytes of cost.
func (r *Receiver) Buffered() uint64 { return r.buffered }

// Arrived accounts for a chunk of n payload bytes whose header was read. It is
// called before the payload is read or memory is taken for it.
func (r *Receiver) Arrived(n int) error {
	c := Cost(n)
	if c > r.open {
		return &Violation{What: "data beyond the credit", Have: r.open, Asked: c}
	}
	r.open -= c
	r.buffered += c
	return nil
}

// Consumed accounts for cost bytes that the application took (Cost of whole
// chunks, or any split of it). Taking more than is buffered is a defect of the
// caller; the excess is ignored.
func (r *Receiver) Consumed(cost uint64) {
	cost = min(cost, r.buffered)
	r.buffered -= cost
}

// spare is what could be granted.
func (r *Receiver) spare() uint64 { return min(r.window, r.most-r.buffered) - r.open }

// Due reports that Grant has something to announce, which is at least half a window:
// so credit costs two frames per window.
func (r *Receiver) Due() bool { return r.spare() >= r.window/2 }

// Grant is the credit to announce now, 0 unless it is Due. now is a clock that does
// not go back; rtt is the round trip to the sender without what waits on the way, 0
// if it is not known. By them the window may grow.
func (r *Receiver) Grant(now time.Time, rtt time.Duration) uint64 {
	if !r.Due() {
		return 0
	}
	if r.pace.short(now, rtt, r.spare(), r.window) {
		r.window += min(r.window, r.most-r.window)
	}
	n := r.spare()
	r.open += n
	return n
}

// valid checks the invariants of the receiver.
func (r *Receiver) valid() bool {
	return r.open <= r.window && r.window <= r.most && r.open+r.buffered <= r.most
}

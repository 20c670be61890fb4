package flow

import "fmt"

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
	window   uint64
	open     uint64 // granted and not yet arrived
	buffered uint64 // arrived and not yet consumed
	spare    uint64 // consumed and not yet granted again
}

// NewReceiver has granted one window; the caller announces it to the peer in
// its opening frame. The window is clamped to MinWindow..MaxWindow.
func NewReceiver(window int) Receiver {
	w := uint64(min(max(window, MinWindow), MaxWindow))
	return Receiver{window: w, open: w}
}

// Window is the window in bytes.
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
	r.spare += cost
}

// Grant is the credit to announce now: 0 while less than half a window has been
// consumed since the last grant, so that credit costs two frames per window.
func (r *Receiver) Grant() uint64 {
	if r.spare < r.window/2 {
		return 0
	}
	n := r.spare
	r.spare = 0
	r.open += n
	return n
}

// valid checks the invariant of the receiver: nothing is lost or invented.
func (r *Receiver) valid() bool { return r.open+r.buffered+r.spare == r.window }

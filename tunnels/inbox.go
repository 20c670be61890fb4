package tunnels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"iris/tunnels/flow"
)

// inbox is the receiving half of a tunnel end: what has arrived and waits for
// the application, bounded by the credit granted.
type inbox struct {
	grant  func(n uint64) // announces credit; called without mu
	stream Stream         // says how far the sender is

	mu      sync.Mutex // guards the following fields
	store   store
	flow    flow.Receiver
	err     error // why nothing more arrives; set once
	bytes   uint64
	end     bool // the peer's End has arrived
	open    bool // the last chunk that arrived was not the end of its message
	discard bool // nobody will take what still arrives
	soft    bool // err leaves what has arrived whole

	wake chan struct{} // capacity 1: something changed; one taker waits at most
	turn turn          // the taker's

	// Owned by the taker.
	partial  []byte // of a message that a cancelled Recv has begun
	mid      bool   // the byte view has taken a part of the message
	skipping bool   // the rest of an oversized message is dropped
}

func (in *inbox) init(s Stream, pool *segments, window int, grant func(uint64)) {
	in.stream = s
	in.store.pool = pool
	in.flow = flow.NewReceiver(window)
	in.grant = grant
	in.wake = make(chan struct{}, 1)
}

// Steps of the stream's reader.

// errDataAfterEnd and errEndInMessage are violations of the peer.
var (
	errDataAfterEnd = errors.New("data after the end")
	errEndTwice     = errors.New("a second end")
	errEndInMessage = errors.New("end in the middle of a message")
)

// arrive accounts for the header of a chunk. If keep, the reader asks room for
// its n bytes and then calls arrived; otherwise it drops them.
func (in *inbox) arrive(n int) (keep bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end {
		return false, errDataAfterEnd
	}
	if err := in.flow.Arrived(n); err != nil {
		return false, err
	}
	in.bytes += uint64(n)
	return !in.discard, nil
}

// room returns memory for 1..n bytes, n > 0, after filled bytes were written to
// the memory that the last call returned.
func (in *inbox) room(filled, n int) []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	if filled > 0 {
		in.store.fill(filled)
	}
	return in.store.room(n)
}

// arrived makes a chunk of n bytes visible, the last filled of which were just
// written.
func (in *inbox) arrived(filled, n int, more bool) {
	in.mu.Lock()
	if filled > 0 {
		in.store.fill(filled)
	}
	in.open = more
	if !in.discard {
		in.store.commit(n, more)
	}
	credit := in.due()
	in.mu.Unlock()
	if credit > 0 {
		in.grant(credit)
	}
	in.signal()
}

// ended accounts for the peer's End.
func (in *inbox) ended() error {
	in.mu.Lock()
	defer in.signal()
	defer in.mu.Unlock()
	if in.end {
		return errEndTwice
	}
	in.end = true
	if in.open && !in.discard {
		return errEndInMessage
	}
	return nil
}

// fail ends the half with err, unless it has failed before. soft leaves what
// has arrived whole to the application.
func (in *inbox) fail(err error, soft bool) {
	in.mu.Lock()
	if in.err == nil {
		in.err, in.soft = err, soft
		in.discard = true
		if !soft {
			in.store.reset()
		}
	}
	in.mu.Unlock()
	in.signal()
}

// drop is fail for an end that nobody reads any more. It returns how many bytes
// nobody has read.
func (in *inbox) drop(err error) (unread int) {
	in.mu.Lock()
	unread = in.store.unread()
	if in.err == nil || in.soft {
		in.err, in.soft = err, false
	}
	in.discard = true
	in.store.reset()
	in.mu.Unlock()
	in.signal()
	return unread
}

func (in *inbox) peerEnded() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.end
}

func (in *inbox) received() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.bytes
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Steps of the application.

// lock takes the turn to take.
func (in *inbox) lock(ctx context.Context) error {
	if !in.turn.lock(ctx) {
		return interrupted("receive", ctx)
	}
	return nil
}

// await waits for a chunk, or for the reason why none will come; head returns
// either. The error is that of ctx. Most receivers wait here for long, so there is
// little on their stacks.
func (in *inbox) await(ctx context.Context) error {
	for in.idle() {
		select {
		case <-in.wake:
		case <-ctx.Done():
			return interrupted("receive", ctx)
		}
	}
	return nil
}

// idle reports that there is nothing to take and more may come.
func (in *inbox) idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.store.marks.empty() && !in.end && in.err == nil
}

// head returns the first unread piece of a chunk, which stays valid until take, and
// how much of the message is known to have arrived. await comes before it.
func (in *inbox) head() (piece []byte, size int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	piece, m, ok := in.store.head()
	size = len(piece)
	if ok && (m.more || int(m.left) > len(piece)) {
		size = in.store.message()
	}
	switch {
	case ok:
		return piece, size, nil
	case in.err != nil && !(in.end && in.soft):
		return nil, 0, in.err
	}
	return nil, 0, io.EOF
}

// take consumes n bytes of the piece. last reports that they ended a message.
func (in *inbox) take(n int) (last bool) {
	in.mu.Lock()
	m, ok := in.store.marks.first()
	if !ok {
		in.mu.Unlock()
		return false // the tunnel failed meanwhile
	}
	done := in.store.take(n)
	cost := uint64(n)
	if done {
		cost += flow.Overhead
	}
	in.flow.Consumed(cost)
	credit := in.due()
	in.mu.Unlock()
	if credit > 0 {
		in.grant(credit)
	}
	return done && !m.more
}

// due is the credit to grant now. Called with mu.
func (in *inbox) due() uint64 {
	if !in.flow.Due() || in.end || in.err != nil { // nobody would use it after that
		return 0
	}
	return in.flow.Grant(time.Now(), in.stream.RoundTrip())
}

// recv is Tunnel.Recv.
func (in *inbox) recv(ctx context.Context, limit int) ([]byte, error) {
	if err := in.lock(ctx); err != nil {
		return nil, err
	}
	defer in.turn.unlock()
	if in.mid {
		return nil, ErrMidMessage
	}
	for {
		if err := in.await(ctx); err != nil {
			return nil, err
		}
		if msg, err := in.gather(limit); msg != nil || err != nil {
			return msg, err
		}
	}
}

// gather takes what await waited for. It returns the message that became whole by it,
// nil if none did.
func (in *inbox) gather(limit int) ([]byte, error) {
	piece, size, err := in.head()
	switch {
	case err != nil:
		in.partial = nil // it will never be whole
		return nil, err
	case in.skipping:
		in.skipping = !in.take(len(piece))
		return nil, nil
	case len(in.partial)+size > limit:
		in.partial = nil
		in.skipping = true
		return nil, fmt.Errorf("tunnel receive: %w: more than %d bytes", ErrMessageTooLarge, limit)
	}
	in.partial = grow(in.partial, size)
	in.partial = append(in.partial, piece...)
	if !in.take(len(piece)) {
		return nil, nil
	}
	msg := in.partial
	in.partial = nil
	return msg, nil
}

// grow makes room for n more bytes. A message that has arrived whole gets
// exactly its size; one that grows doubles.
func grow(b []byte, n int) []byte {
	if b == nil {
		return make([]byte, 0, n)
	}
	if cap(b)-len(b) >= n {
		return b
	}
	grown := make([]byte, len(b), max(2*cap(b), len(b)+n))
	copy(grown, b)
	return grown
}

package transport

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/budget"
	"iris/transport/wire"
)

// Lane is one prioritised stream of a link.
type Lane uint8

// The lanes, most urgent first.
const (
	Control Lane = iota // heartbeats, overlay and group maintenance
	Direct              // requests, replies, messages to one actor
	Fanout              // events, broadcasts
	Transit             // frames forwarded for others
	Bulk                // oversized frames in chunks; used by the link itself
	laneCount
)

var laneNames = [laneCount]string{"control", "direct", "fanout", "transit", "bulk"}

func (l Lane) String() string {
	if l < laneCount {
		return laneNames[l]
	}
	return fmt.Sprintf("lane(%d)", uint8(l))
}

// belongs reports whether frames of kind k travel on lane n. Kinds of the
// handshake, and those that the lanes themselves use, are not asked about. What
// is forwarded for others may be anything but our own conversation with a peer.
func belongs(k wire.Kind, n Lane) bool {
	switch {
	case k >= wire.KindLaneOpen:
		return false
	case n == Control:
		return k < wire.KindTell
	case n == Direct:
		return k >= wire.KindTell && k < wire.KindRoute
	case n == Fanout:
		return k >= wire.KindEvent
	case n == Transit:
		return k >= wire.KindGroupJoin
	}
	return false
}

// keepsPlace reports whether frames of this kind must be handled in the order
// in which they were sent. Requests and replies stand for themselves.
func keepsPlace(k wire.Kind) bool {
	switch k {
	case wire.KindAsk, wire.KindRequest, wire.KindReply:
		return false
	}
	return true
}

// urgency is the QUIC stream priority of the lane; lower goes first.
func (l Lane) urgency() int8 { return [laneCount]int8{0, 2, 4, 6, 7}[l] }

const (
	// maxWrite is the largest single write to a stream. Between two of them the writer
	// and quic-go wake each other, so a segment goes at once.
	maxWrite = segment
	// leastTaken is how much of a write a peer has to take in the time for one.
	leastTaken = 64 << 10
)

// sendStream is what a lane needs of a QUIC stream.
type sendStream interface {
	io.Writer
	SetWriteDeadline(time.Time) error
	Close() error
}

// lane is the outbound half of a lane: frames are encoded into buf by their
// senders and written by one goroutine, which the first frame starts.
type lane struct {
	name    Lane
	limit   int // bytes that may wait
	timeout time.Duration
	open    func() (sendStream, error) // called by the writer before its first write
	fail    func(error)                // tells the link that the lane is broken
	patient func() bool                // whether a write may take longer than timeout
	spawn   func(func())               // starts a goroutine owned by the link
	writes  *atomic.Uint64             // of the link; counts writes of all lanes
	traffic *atomic.Uint64             // of the link; nil for control
	carried *atomic.Uint64             // of the endpoint; nil for control
	abandon func([]filled)             // takes what will not be written; nil for control
	share   *budget.Share              // of all lanes; nil for control
	wake    chan struct{}              // holds a token when the writer that sleeps has something to do
	exited  chan struct{}              // closed when the writer goroutine has ended
	buffers *buffers

	mu      sync.Mutex // guards the following fields
	enc     *wire.Writer
	ready   []filled      // segments encoded and not yet taken by the writer, oldest first
	buf     []byte        // the segment being filled, after those in ready; nil if there is none
	within  int           // messages to actors in buf
	waiting int           // bytes in ready and buf
	frames  int           // put since the writer took something; all others are in sent
	writing int           // bytes that the writer has taken and not yet written
	granted int           // bytes of the share that the lane holds for all of them
	begun   time.Time     // when the write under way began; zero: there is none
	spare   []byte        // an empty small buffer to fill next, nil if there is none
	started bool          // the writer goroutine runs
	asleep  bool          // it waits for wake, or to be started; whoever clears this does that
	closing bool          // no further frame is taken
	broken  error         // why, when closing for a fault
	space   chan struct{} // closed when there is more room; nil while nobody asks
	sent    uint64        // frames put before
	volume  uint64        // bytes that the writer has taken, ever
	refused uint64        // frames that found no room, and whose sender did not wait for it
}

// filled is a segment, and how many messages to actors have their end in it.
type filled struct {
	data     []byte
	messages int
}

func newLane(name Lane, limit int, shared *buffers) *lane {
	return &lane{
		name: name, limit: limit, timeout: writeTimeout, buffers: shared, patient: func() bool { return false },
		enc: wire.NewWriter(), asleep: true, wake: make(chan struct{}, 1), exited: make(chan struct{}),
	}
}

// put encodes f into the buffer. It never blocks.
func (l *lane) put(f wire.Frame) error { return l.putSized(f, f.Size()) }

// putSized is put for who knows what f.Size says.
func (l *lane) putSized(f wire.Frame, size int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.putLocked(f, size, isMessage(f.Kind()))
	if err == actor.ErrOverloaded {
		l.refused++
	}
	return err
}

// putEvent is putSized for an event, which need not be on the heap for it.
func (l *lane) putEvent(e *wire.Event, size int) error {
	l.mu.Lock()
	err := l.admit(size)
	if err == nil {
		var buf []byte
		if buf, err = l.enc.AppendEvent(l.buf, e); err == nil {
			l.took(buf, true)
			if l.asleep {
				l.rouse()
			}
		}
	} else if err == actor.ErrOverloaded {
		l.refused++
	}
	l.mu.Unlock()
	return err
}

// putLocked puts f, which is, or completes, a message to actors or not.
func (l *lane) putLocked(f wire.Frame, size int, message bool) error {
	if err := l.admit(size); err != nil {
		return err
	}
	buf, err := l.enc.Append(l.buf, f)
	if err == nil {
		l.took(buf, message)
		if l.asleep {
			l.rouse()
		}
	}
	return err
}

// admit makes room in buf for a frame of about so many bytes. The error says why there is
// none.
func (l *lane) admit(size int) error {
	if l.closing {
		return actor.ErrUnreachable
	}
	if l.waiting > 0 && (l.waiting+size > l.limit || !l.grow(l.waiting+l.writing+size)) {
		return actor.ErrOverloaded
	}
	if len(l.buf) >= segment {
		l.ready = append(l.ready, filled{l.buf, l.within})
		l.buf, l.within = nil, 0
	}
	if l.buf == nil || cap(l.buf)-len(l.buf) < size {
		l.makeRoom(size)
	}
	return nil
}

// took goes on with buf, which has one frame more than before.
func (l *lane) took(buf []byte, message bool) {
	l.waiting += len(buf) - len(l.buf)
	if message {
		l.within++
	}
	l.frames++
	l.buf = buf
}

// rouse starts the writer, or wakes it. While it is at work nothing is to be done: it
// looks for frames before it sleeps.
func (l *lane) rouse() {
	l.asleep = false
	if l.started {
		l.wake <- struct{}{} // has room: only the one who clears asleep sends
		return
	}
	l.started = true
	l.spawn(l.write)
}

// makeRoom finds a buffer for n bytes more. What it does not find, the encoder
// allocates.
func (l *lane) makeRoom(n int) {
	if l.buf == nil {
		l.buf, l.spare = l.spare, nil
	}
	n += len(l.buf)
	if n <= cap(l.buf) || n <= smallBuffer {
		return
	}
	if buf := l.buffers.get(n); buf != nil {
		buf = append(buf, l.buf...)
		old := l.buf
		l.buf = buf
		l.release(old)
	}
}

// release takes back a buffer that nobody uses any more.
func (l *lane) release(buf []byte) {
	switch {
	case buf == nil:
	case cap(buf) > smallBuffer:
		l.buffers.put(buf)
	case l.buf == nil:
		l.buf = buf[:0]
	default:
		l.spare = buf[:0]
	}
}

// wait encodes f, waiting for space until ctx ends.
func (l *lane) wait(ctx context.Context, f wire.Frame) error {
	return l.waitAs(ctx, f, isMessage(f.Kind()))
}

// waitAs is wait for who knows whether f completes a message to actors.
func (l *lane) waitAs(ctx context.Context, f wire.Frame, message bool) error {
	for {
		l.mu.Lock()
		err := l.putLocked(f, f.Size(), message)
		if err != actor.ErrOverloaded {
			l.mu.Unlock()
			return err
		}
		space := l.roomLocked()
		l.mu.Unlock()
		select {
		case <-space:
		case <-ctx.Done():
			l.mu.Lock()
			l.refused++
			l.mu.Unlock()
			return fmt.Errorf("%w: %s lane full: %w", actor.ErrOverloaded, l.name, context.Cause(ctx))
		}
	}
}

// full reports whether the lane has no room even for a placeholder.
func (l *lane) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting > 0 && l.waiting+(*wire.Large)(nil).Size() > l.limit
}

// room returns what is closed when the lane has more room, or is shut.
func (l *lane) room() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roomLocked()
}

func (l *lane) roomLocked() <-chan struct{} {
	if l.space == nil {
		l.space = make(chan struct{})
	}
	return l.space
}

// roomier tells those who wait for room.
func (l *lane) roomier() {
	if l.space != nil {
		close(l.space)
		l.space = nil
	}
}

// queued returns the bytes that wait or are being written.
func (l *lane) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting + l.writing
}

// shut refuses further frames. What is queued is still written unless err
// says that the lane is broken.
func (l *lane) shut(err error) {
	if left := l.stop(err); len(left) > 0 && l.abandon != nil {
		l.abandon(left)
	}
}

// stop is shut but for what becomes of the segments that nobody will write. It returns
// them.
func (l *lane) stop(err error) (left []filled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.broken == nil {
		l.broken = err
	}
	if l.closing && err == nil {
		return nil
	}
	l.closing = true
	if l.broken != nil && l.waiting > 0 {
		left = append(l.ready, filled{l.buf, l.within})
	}
	if l.broken != nil {
		l.sent, l.volume = l.sent+uint64(l.frames), l.volume+uint64(l.waiting)
		l.ready, l.buf, l.spare, l.within, l.waiting, l.frames = nil, nil, nil, 0, 0, 0
		l.shrink(0)
	}
	l.roomier()
	if l.started && l.asleep {
		l.rouse()
	}
	return left
}

// finished waits until a lane that was shut has written everything. It
// reports whether the lane was ever used.
func (l *lane) finished(ctx context.Context, done <-chan struct{}) bool {
	l.mu.Lock()
	started := l.started
	l.mu.Unlock()
	if started {
		select {
		case <-l.exited:
		case <-ctx.Done():
		case <-done:
		}
	}
	return started
}

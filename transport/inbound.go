package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/transport/wire"
)

var errSilentFrame = errors.New("a frame was begun and not finished in time")

// Handler receives a decoded frame on the goroutine of the lane's reader. It
// must not block. The frame and its byte slices are valid during the call.
type Handler func(l *Link, f wire.Frame)

// inbound is the receiving half of a link: a reader per lane.
type inbound struct {
	l       *Link
	ordered [laneCount]chan bulkFrame // assembled frames for lanes that wait at their place

	mu    sync.Mutex // guards the following fields
	open  uint8      // lanes that the peer has opened, one bit each
	begun int        // lanes whose stream has come
	ended int        // lanes read to their end
	moved chan struct{}
}

func newInbound(l *Link) *inbound {
	in := &inbound{l: l, moved: make(chan struct{})}
	for n := range in.ordered {
		in.ordered[n] = make(chan bulkFrame)
	}
	return in
}

// readControl reads the control stream until the link ends.
func (in *inbound) readControl() {
	err := in.readFrames(Control, in.l.in)
	if errors.Is(err, io.EOF) {
		err = &wire.ProtocolError{Reason: "the control stream ended"}
	}
	in.l.failed(err)
}

// acceptLanes starts a reader for each lane that the peer opens.
func (in *inbound) acceptLanes() {
	for {
		s, err := in.l.conn.AcceptUniStream(in.l.conn.Context())
		if err != nil {
			in.l.failed(err)
			return
		}
		in.mu.Lock()
		in.begun++
		in.mu.Unlock()
		in.l.wg.Go(func() { in.readLane(s) })
	}
}

// refuseStreams ends the link when the peer opens a second control stream.
func (in *inbound) refuseStreams() {
	if _, err := in.l.conn.AcceptStream(in.l.conn.Context()); err == nil {
		in.l.end(LinkDown{Link: in.l, Code: wire.CodeAbuse, Reason: "second control stream"})
	}
}

func (in *inbound) readLane(s *quic.ReceiveStream) {
	r := newFrames(s, wire.MaxFrame)
	r.traffic, r.counter = &in.l.traffic, &in.l.skipped
	f, err := r.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		in.l.failed(err)
		return
	}
	open, ok := f.(*wire.LaneOpen)
	if !ok || !in.claim(Lane(open.Lane)) {
		in.l.failed(&wire.ProtocolError{Reason: "lane not opened as agreed"})
		return
	}
	r.told, r.received = r.came, &in.l.e.carried.in
	defer r.tell()
	lane := Lane(open.Lane)
	if lane == Bulk {
		err = in.readBulk(r)
	} else {
		err = in.readFrames(lane, r)
	}
	if !errors.Is(err, io.EOF) {
		in.l.failed(err)
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended++
	close(in.moved)
	in.moved = make(chan struct{})
}

// claim notes that the peer opened lane n; each may be opened once.
func (in *inbound) claim(n Lane) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if n <= Control || n >= laneCount || in.open&(1<<n) != 0 {
		return false
	}
	in.open |= 1 << n
	return true
}

// finished waits until every lane that has begun, and at least n, was read to
// its end.
func (in *inbound) finished(ctx context.Context, n int) {
	for {
		in.mu.Lock()
		n, ended, moved := max(n, in.begun), in.ended, in.moved
		in.mu.Unlock()
		if ended >= n {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-in.l.done:
			return
		}
	}
}

// readFrames dispatches the frames of lane n until it ends.
func (in *inbound) readFrames(n Lane, r *frames) (err error) {
	d := newDispatcher(in, r)
	defer d.contain(&err)
	defer d.flush()
	for {
		f, err := r.Next()
		if err != nil {
			return err
		}
		if d.again(f) {
			continue
		}
		if k := f.Kind(); k != wire.KindLarge && !belongs(k, n) {
			return &wire.ProtocolError{Kind: k, Reason: "on the " + n.String() + " lane"}
		}
		switch f := f.(type) {
		case *wire.Large:
			if n == Control {
				return &wire.ProtocolError{Kind: f.Kind(), Reason: "on the control stream"}
			}
			d.flush()
			select {
			case b := <-in.ordered[n]:
				if b.seq != f.Seq {
					b.room.release()
					return &wire.ProtocolError{Kind: f.Kind(), Reason: "out of order"}
				}
				d.assembled(b.frame, b.size)
				b.room.release()
			case <-in.l.done:
				return actor.ErrUnreachable
			}
		case *wire.Goodbye:
			in.l.answerGoodbye(f)
		case *wire.GoodbyeAck:
			select {
			case in.l.acked <- int(f.Lanes):
			default: // once is enough
			}
		case *wire.Hello, *wire.HelloAck:
			return &wire.ProtocolError{Kind: f.Kind(), Reason: "after the handshake"}
		default:
			if n == Control {
				in.l.moved(f.Kind())
			}
			d.dispatch(f)
		}
	}
}

// frames reads the frames of one lane and bounds the time that one frame may
// take, from its first byte to its last: a peer must not hold a reader with a
// frame that it never finishes.
type frames struct {
	*wire.Reader
	src     frameStream
	idle    func()         // called when no whole frame is at hand; nil: nobody asks
	traffic *atomic.Uint64 // counts reads; nil for control

	begun   time.Time // when the deadline in force was set; zero means none
	moved   bool      // a frame was completed since
	skipped uint64    // frames of unknown kinds by then; they move on too

	counted uint64         // of them
	counter *atomic.Uint64 // where they are counted; nil: nowhere

	came     uint64         // messages to actors
	told     uint64         // of them, those that were added to
	received *atomic.Uint64 // nil: they are not counted
}

type frameStream interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

func newFrames(src frameStream, maxFrame int) *frames {
	f := &frames{src: src}
	f.Reader = wire.NewReader(f, maxFrame)
	return f
}

// Next returns the next frame; see wire.Reader.
func (f *frames) Next() (wire.Frame, error) {
	frame, err := f.Reader.Next()
	f.moved = true
	if err == nil && isMessage(frame.Kind()) {
		f.came++
	}
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errSilentFrame
	}
	return frame, err
}

// Again is wire.Reader's. Such frames are messages to actors.
func (f *frames) Again() bool {
	if !f.Reader.Again() {
		return false
	}
	f.came++
	return true
}

// tell adds what has come to what the endpoint has received.
func (f *frames) tell() {
	if f.came != f.told && f.received != nil {
		f.received.Add(f.came - f.told)
		f.told = f.came
	}
}

// Read is called by the wire.Reader when it has no whole frame at hand.
func (f *frames) Read(p []byte) (int, error) {
	if f.idle != nil {
		f.idle()
	}
	if n := f.Skipped(); n != f.counted && f.counter != nil {
		f.counter.Add(n - f.counted)
		f.counted = n
	}
	f.tell()
	var err error
	switch pending := f.Pending(); {
	case !pending && !f.begun.IsZero():
		f.begun = time.Time{}
		err = f.src.SetReadDeadline(time.Time{})
	case pending:
		// A busy lane nearly always ends a read within a frame, so the deadline
		// moves on now and then, not for every frame.
		now := time.Now()
		moved := f.moved || f.Skipped() != f.skipped
		if f.begun.IsZero() || moved && now.Sub(f.begun) > frameTimeout/4 {
			f.begun, f.moved, f.skipped = now, false, f.Skipped()
			err = f.src.SetReadDeadline(now.Add(frameTimeout))
		}
	}
	if err != nil {
		return 0, err
	}
	n, err := f.src.Read(p)
	if f.traffic != nil {
		f.traffic.Add(1)
	}
	return n, err
}

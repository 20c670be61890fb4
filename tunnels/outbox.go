package tunnels

import (
	"context"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/transport/wire"
	"iris/tunnels/flow"
)

const (
	// chunkSize is the payload of the chunks we send: a whole frame of it, with
	// its header, fits into 64 KiB.
	chunkSize = 64<<10 - 64
	// outLimit is how many bytes may wait for the writer before Send blocks.
	outLimit = 128 << 10
	// keepBuffer is the largest write buffer that is recycled.
	keepBuffer = 512 << 10
	// busyBatch is the size from which the writer gives senders one scheduler
	// turn to add to the next batch.
	busyBatch = 1 << 10
	// fullBatch is after how many bytes the writer gives way, and the reader at the other
	// end, while messages go between the same nodes: a tunnel that runs flat out would keep
	// a processor for itself, and they would wait for it.
	fullBatch = 32 << 10
)

// outbox is the sending half of a tunnel end. Senders encode chunks into buf as
// credit allows; a writer goroutine, which runs only while there is something to
// write, swaps buf and writes it with one call. Credit and closing frames wait
// in fields of their own, so that any number of grants costs one frame.
type outbox struct {
	stream  Stream
	buffers *sync.Pool    // of *[]byte
	spawn   func(func())  // starts a goroutine that the node waits for
	tunnel  *Tunnel       // told of stalls, of a failed write and of the end
	patient time.Duration // until stalled

	mu         sync.Mutex // guards the following fields; the flags are together, for there are many tunnels
	flow       flow.Sender
	whole      uint64     // messages up to this cost are all or nothing
	buf        []byte     // frames for the writer
	opening    int        // bytes of buf that are the opening frame, while held
	credit     uint64     // to grant
	last       wire.Frame // the last frame, if set
	err        error      // why nothing more can be sent
	bytes      uint64     // payload bytes encoded
	stallSince time.Time  // since when it is starving
	held       bool       // the writer must not start yet
	writing    bool       // the writer runs
	sending    bool       // a message is on its way into buf
	closing    bool       // no further message begins
	end        bool       // End is due, once no message is on its way
	endSent    bool
	quit       bool // say that we do not read any more
	quitSent   bool
	peerEnded  bool // the peer sends no more
	peerLeft   bool // nor does it read
	dead       bool // the writer must not write any more
	fin        bool // the stream's write half ended in order
	starving   bool // a sender waits for credit
	stallTold  bool

	gone sync.Once     // tells tunnel that the half is done: FIN sent, or given up
	wake chan struct{} // capacity 1: something changed; one sender waits at most; guarded by mu, made when one waits first
	turn turn          // the sender's
}

func (out *outbox) init(credit uint64) error {
	if credit == 0 {
		return nil
	}
	out.whole = credit / 2
	return out.flow.Grant(credit)
}

func (out *outbox) signal() {
	out.mu.Lock()
	wake := out.wake
	out.mu.Unlock()
	select {
	case wake <- struct{}{}: // nil: nobody has ever waited
	default:
	}
}

// Steps of the application.

// lock takes the turn to send.
func (out *outbox) lock(ctx context.Context) error {
	if !out.turn.lock(ctx) {
		return interrupted("send", ctx)
	}
	return nil
}

// send queues msg as one message, waiting for credit and room. torn reports that
// ctx ended when a part of it was queued.
func (out *outbox) send(ctx context.Context, msg []byte) (torn bool, err error) {
	if ctx.Err() != nil {
		return false, interrupted("send", ctx)
	}
	if err := out.begin(ctx); err != nil {
		return false, err
	}
	defer out.finish()
	if cost := flow.MessageCost(len(msg), chunkSize); out.fits(cost) {
		return false, out.wait(ctx, func() bool {
			if !out.flow.Spend(cost) {
				return false
			}
			for {
				n := min(len(msg), chunkSize)
				out.put(msg[:n], n < len(msg))
				if msg = msg[n:]; len(msg) == 0 {
					return true
				}
			}
		})
	}
	for begun := false; ; begun = true {
		rest := msg
		err := out.wait(ctx, func() bool {
			n, ok := out.flow.Chunk(len(msg), chunkSize)
			if ok {
				out.flow.Spend(flow.Cost(n))
				out.put(msg[:n], n < len(msg))
				rest = msg[n:]
			}
			return ok
		})
		if err != nil {
			return begun && ctx.Err() != nil, err
		}
		if msg = rest; len(msg) == 0 {
			return false, nil
		}
	}
}

// write queues p for the byte view: chunks that are messages of their own, since
// a stream of bytes has no boundaries.
func (out *outbox) write(p []byte) (n int, err error) {
	ctx := context.Background()
	if err := out.begin(ctx); err != nil {
		return 0, err
	}
	defer out.finish()
	for n < len(p) {
		err := out.wait(ctx, func() bool {
			c, ok := out.flow.Chunk(len(p)-n, chunkSize)
			if ok {
				out.flow.Spend(flow.Cost(c))
				out.put(p[n:n+c], false)
				n += c
			}
			return ok
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (out *outbox) begin(ctx context.Context) error {
	if err := out.lock(ctx); err != nil {
		return err
	}
	out.mu.Lock()
	err := out.err
	if err == nil && out.closing {
		err = fmt.Errorf("tunnel send: sending side: %w", actor.ErrClosed)
	}
	out.sending = err == nil
	out.mu.Unlock()
	if err != nil {
		out.turn.unlock()
	}
	return err
}

func (out *outbox) finish() {
	out.mu.Lock()
	out.sending = false
	out.kick()
	out.mu.Unlock()
	out.turn.unlock()
}

// fits reports whether a message of that cost is sent all or nothing. The limit
// is half of the peer's first window: since the peer owes us less than half a
// window once it has consumed everything, such a credit always comes together.
func (out *outbox) fits(cost uint64) bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return cost <= out.whole
}

// wait calls step, with mu, when there is room to write, until it succeeds. What
// it then still lacks is credit.
func (out *outbox) wait(ctx context.Context, step func() bool) error {
	var timer *time.Timer
	var tick <-chan time.Time
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()
	for {
		out.mu.Lock()
		if err := out.err; err != nil {
			out.mu.Unlock()
			return err
		}
		starving := false
		if len(out.buf) < outLimit {
			if step() {
				out.starving = false
				out.kick()
				out.mu.Unlock()
				return nil
			}
			starving = true
		}
		var left time.Duration
		if starving {
			left = out.starve()
		}
		if out.wake == nil {
			out.wake = make(chan struct{}, 1)
		}
		wake := out.wake
		out.mu.Unlock()
		if left > 0 && timer == nil {
			timer = time.NewTimer(left)
			tick = timer.C
		}
		select {
		case <-wake:
		case <-tick:
			timer, tick = nil, nil
			out.tellStall()
		case <-ctx.Done():
			return interrupted("send", ctx)
		}
	}
}

// starve notes that a sender lacks credit and returns how long until that is to
// be reported, 0 if it has been. Called with mu.
func (out *outbox) starve() time.Duration {
	now := time.Now()
	if !out.starving {
		out.starving, out.stallSince, out.stallTold = true, now, false
	}
	if out.stallTold {
		return 0
	}
	return max(out.patient-now.Sub(out.stallSince), 1)
}

func (out *outbox) tellStall() {
	out.mu.Lock()
	tell := out.starving && !out.stallTold && time.Since(out.stallSince) >= out.patient
	out.stallTold = out.stallTold || tell
	out.mu.Unlock()
	if tell {
		out.tunnel.watch.stalled(out.tunnel)
	}
}

// put encodes a chunk whose credit was spent. Called with mu.
func (out *outbox) put(data []byte, more bool) {
	if out.buf == nil {
		out.buf = *out.buffers.Get().(*[]byte)
	}
	out.buf = appendData(out.buf, data, more)
	out.bytes += uint64(len(data))
}

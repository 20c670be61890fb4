package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// bulkOut sends oversized frames one after another in chunks on the bulk lane.
//
// A frame that must keep its place among the frames of its lane leaves a
// placeholder there, and the peer's reader of that lane waits at it: a large
// message delays the messages behind it in the same lane, and nothing else.
type bulkOut struct {
	l     *Link
	limit int

	mu      sync.Mutex // guards the following fields
	queue   []bulkItem
	bytes   int // of the queue and of the frame being sent
	seq     uint64
	placed  [laneCount]time.Time // when each lane was given a placeholder last
	running bool
	closing bool
	space   chan struct{} // closed and replaced when bytes falls or the link ends
}

type bulkItem struct {
	kind wire.Kind
	seq  uint64
	lane Lane // where its placeholder is; Control means none
	data []byte
	held int // bytes of the memory for lanes; 0 for one that went beyond it
}

func newBulkOut(l *Link) *bulkOut {
	return &bulkOut{l: l, limit: l.e.cfg.Limits.Message, space: make(chan struct{})}
}

func (b *bulkOut) trySend(n Lane, f wire.Frame) error {
	if f.Size() > b.limit {
		return fmt.Errorf("%w: %d bytes, limit %d", wire.ErrTooLarge, f.Size(), b.limit)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		return actor.ErrUnreachable
	}
	// A frame is always taken when nothing waits, so the limit bounds memory
	// without making the largest frame impossible.
	if b.bytes > 0 && b.bytes+f.Size() > b.limit {
		return actor.ErrOverloaded
	}
	if keepsPlace(f.Kind()) && b.l.lanes[n].full() { // known before the work of encoding
		return actor.ErrOverloaded
	}
	held, ok := b.reserve(f.Size())
	if !ok {
		return actor.ErrOverloaded
	}
	data, err := wire.Encode(f)
	if err != nil {
		b.l.e.lanes.Give(held)
		return err
	}
	item := bulkItem{kind: f.Kind(), seq: b.seq, data: data, held: held}
	if keepsPlace(f.Kind()) {
		item.lane = n
		if err := b.l.lanes[n].put(&wire.Large{Seq: item.seq}); err != nil {
			b.l.e.lanes.Give(held)
			return err
		}
		b.placed[n] = time.Now()
	}
	b.seq++
	b.l.e.large.out.Add(1)
	b.queue = append(b.queue, item)
	b.bytes += len(data)
	if !b.running {
		b.running = true
		b.l.wg.Go(b.run)
	}
	return nil
}

// reserve takes n bytes of the memory for lanes. When nothing waits here they need not be
// there, and none are taken. The caller holds mu.
func (b *bulkOut) reserve(n int) (held int, ok bool) {
	if b.l.e.lanes.Take(b.bytes, n) {
		return n, true
	}
	return 0, b.bytes == 0
}

func (b *bulkOut) send(ctx context.Context, n Lane, f wire.Frame) error {
	for {
		b.mu.Lock()
		space := b.space
		b.mu.Unlock()
		room := b.l.lanes[n].room()
		if err := b.trySend(n, f); err != actor.ErrOverloaded {
			return err
		}
		select {
		case <-space:
		case <-room: // it was the place in its lane that was wanting
		case <-ctx.Done():
			return fmt.Errorf("%w: bulk lane full: %w", actor.ErrOverloaded, context.Cause(ctx))
		}
	}
}

// run sends the queue until it is empty.
func (b *bulkOut) run() {
	for {
		b.mu.Lock()
		if len(b.queue) == 0 {
			b.running = false
			b.queue = nil
			b.notify()
			b.mu.Unlock()
			return
		}
		item := b.queue[0]
		b.queue[0] = bulkItem{}
		b.queue = b.queue[1:]
		b.mu.Unlock()
		if !b.transfer(item) {
			b.lose(item)
		}
		b.l.e.lanes.Give(item.held)
		b.mu.Lock()
		b.bytes -= len(item.data)
		b.notify()
		b.mu.Unlock()
	}
}

// transfer hands an item to the bulk lane. It reports false if the link has ended, which
// reports why, before the lane had all of it. What the lane has is counted there with
// the last chunk.
func (b *bulkOut) transfer(item bulkItem) bool {
	lane := b.l.lanes[Bulk]
	for rest := item.data; len(rest) > 0; {
		n := min(len(rest), wire.MaxChunk)
		last := n == len(rest)
		err := lane.waitAs(b.l.conn.Context(), &wire.Chunk{
			Seq: item.seq, Lane: uint8(item.lane), Total: uint64(len(item.data)), Last: last, Data: rest[:n],
		}, last && isMessage(item.kind))
		if err != nil {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// lose makes a dead letter of an item that the bulk lane did not get whole.
func (b *bulkOut) lose(item bulkItem) {
	if isMessage(item.kind) {
		b.l.unreachable(item.kind.String(), 1)
	}
}

// delays reports whether the peer may have stopped reading lane n because it
// waits at a placeholder.
func (b *bulkOut) delays(n Lane) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.placed[n].IsZero() && (b.bytes > 0 || time.Since(b.placed[n]) < bulkWrite)
}

func (b *bulkOut) notify() {
	close(b.space)
	b.space = make(chan struct{})
}

// finish waits until everything queued was handed to the bulk lane.
func (b *bulkOut) finish(ctx context.Context) {
	for {
		b.mu.Lock()
		b.closing = true
		running, space := b.running, b.space
		b.mu.Unlock()
		if !running {
			return
		}
		select {
		case <-space:
		case <-ctx.Done():
			return
		case <-b.l.done:
			return
		}
	}
}

// shut drops what is queued; the link has ended.
func (b *bulkOut) shut() {
	b.mu.Lock()
	left := b.queue
	b.closing, b.queue = true, nil
	b.notify()
	b.mu.Unlock()
	for i := range left {
		b.l.e.lanes.Give(left[i].held)
		b.lose(left[i])
	}
}

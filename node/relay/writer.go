package relay

import (
	"net"
	"time"

	"iris/node/relay/packet"
)

// piece is how much is written in one go of a large payload: whether the client
// reads is seen between two of them.
const piece = 64 << 10

// inSystem is how much of what is written may wait in the system, which would take some MiB
// otherwise: for a client that reads slowly it has room again so seldom that it seems to
// read nothing, and nobody counts that memory.
const inSystem = 256 << 10

// write sends batches until the last packet is out (nil) or the connection
// fails.
func (o *outbox) write() error {
	for {
		b, done := o.take()
		if b == nil {
			return done
		}
		n := b.Len()
		err := o.writeAll(b.Buffers())
		if err != nil {
			return err
		}
		o.sent(b, n)
	}
}

// writeAll writes parts together, but large ones in pieces. It notes that the client reads but for
// the last time, which is for sent.
func (o *outbox) writeAll(parts [][]byte) error {
	var together net.Buffers
	flush := func() error {
		_, err := together.WriteTo(o.conn)
		together = together[:0]
		return err
	}
	for _, part := range parts {
		if len(part) <= piece {
			together = append(together, part)
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		o.move(0)
		for len(part) > 0 {
			n := min(len(part), piece)
			if _, err := o.conn.Write(part[:n]); err != nil {
				return err
			}
			o.move(n)
			part = part[n:]
		}
	}
	return flush()
}

// move notes that the client has read n bytes more of the batch that is being written.
func (o *outbox) move(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved = time.Now()
	o.early += n
}

// take waits for the next batch; nil if there is none any more.
func (o *outbox) take() (*packet.Batch, error) {
	for {
		o.mu.Lock()
		if o.dead {
			o.mu.Unlock()
			return nil, errMuted
		}
		if len(o.queue) > 0 {
			b := o.queue[0]
			o.queue[0] = nil
			if o.queue = o.queue[1:]; len(o.queue) == 0 {
				o.queue = nil
			}
			o.mu.Unlock()
			return b, nil
		}
		muted := o.muted
		o.mu.Unlock()
		if muted {
			return nil, nil
		}
		<-o.wake
	}
}

// sent gives back a batch of n bytes, which have been written.
func (o *outbox) sent(b *packet.Batch, n int) {
	b.Reset()
	o.mu.Lock()
	o.backlog -= n
	o.early = 0
	o.ration.shrink(o.backlog)
	o.moved = time.Now()
	if len(o.spare) < spares {
		o.spare = append(o.spare, b)
	}
	o.makeRoom()
	due := o.due()
	o.mu.Unlock()
	for _, m := range due {
		m.do()
	}
}

// due takes the marks that have been reached. Called with mu.
func (o *outbox) due() []mark {
	n := 0
	for n < len(o.marks) && o.marks[n].at <= o.sum-uint64(o.backlog) {
		n++
	}
	due := o.marks[:n]
	if o.marks = o.marks[n:]; len(o.marks) == 0 {
		o.marks = nil
	}
	return due
}

// stalled reports whether the client has read nothing of what waits for a while.
func (o *outbox) stalled() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.backlog > 0 && time.Since(o.moved) >= stallTimeout
}

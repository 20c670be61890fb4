package relay

import (
	"errors"
	"net"
	"sync"
	"time"

	"iris/node/relay/packet"
)

const (
	fullBatch = 32 << 10  // bytes from which on a batch takes no further packet
	roomMark  = 512 << 10 // backlog below which tunnels go on
	spares    = 4         // batches kept for the next packets
)

var (
	errSlow  = errors.New("it does not read: 64 MiB wait to be sent")
	errFull  = errors.New("too much waits to be sent")
	errMuted = errors.New("the last packet was queued")
)

// piece is how much is written in one go of a large payload: whether the client
// reads is seen between two of them.
const piece = 256 << 10

// outbox is what waits to be sent to a client. Packets gather in batches while
// the writer is busy; it takes a batch as soon as it is free, so there is no
// timer that packets wait for.
type outbox struct {
	conn net.Conn

	mu      sync.Mutex // guards the following fields
	queue   []*packet.Batch
	spare   []*packet.Batch
	backlog int // bytes queued and being written
	moved   time.Time
	muted   bool // nothing more is taken
	dead    bool // nothing more is written either
	wake    chan struct{}
	room    chan struct{} // closed when the backlog has shrunk; nil if nobody waits
}

func (o *outbox) init(conn net.Conn) {
	o.conn, o.wake = conn, make(chan struct{}, 1)
}

// put queues packets that must not be lost, all or none. It does not block:
// errSlow if too much waits already, errMuted after the last packet.
func (o *outbox) put(list ...packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.within(maxBacklog, list)
}

// offer is put for packets that may be lost, as what comes for a full mailbox is,
// all or none: they leave room for the others. errFull if too much waits; errSlow if moreover
// the client has read nothing for a while.
func (o *outbox) offer(list ...packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.within(maxOffered, list)
	if err == errSlow && time.Since(o.moved) < stallTimeout {
		return errFull
	}
	return err
}

// within queues packets unless more than limit waits. Called with mu.
func (o *outbox) within(limit int, list []packet.Packet) error {
	switch {
	case o.muted:
		return errMuted
	case o.backlog > limit:
		return errSlow
	case o.backlog == 0:
		o.moved = time.Now()
	}
	for _, p := range list {
		o.add(p)
	}
	return nil
}

// last queues p as the last packet.
func (o *outbox) last(p packet.Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.muted {
		o.add(p)
		o.mute()
	}
}

// kill drops what is queued; the writer ends.
func (o *outbox) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead, o.queue = true, nil
	o.mute()
}

// mute ends the queue. Called with mu.
func (o *outbox) mute() {
	o.muted = true
	o.makeRoom()
	o.signal()
}

// add appends p to the last batch, or to a new one. Called with mu.
func (o *outbox) add(p packet.Packet) {
	n := len(o.queue)
	if n == 0 || o.queue[n-1].Len() >= fullBatch {
		b := o.batch()
		if n > 0 {
			b.Like(o.queue[n-1])
		}
		o.queue = append(o.queue, b)
		n++
	}
	b := o.queue[n-1]
	before := b.Len()
	b.Add(p)
	o.backlog += b.Len() - before
	o.signal()
}

// batch returns an empty one. Called with mu.
func (o *outbox) batch() *packet.Batch {
	n := len(o.spare)
	if n == 0 {
		return new(packet.Batch)
	}
	b := o.spare[n-1]
	o.spare = o.spare[:n-1]
	return b
}

// waiting returns how many bytes are queued and being written.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.backlog
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// makeRoom wakes those who wait in pace. Called with mu.
func (o *outbox) makeRoom() {
	if o.room != nil && (o.muted || o.backlog < roomMark) {
		close(o.room)
		o.room = nil
	}
}

// pace waits while much is queued, so that a tunnel goes as fast as the client
// reads. false if stop is closed first.
func (o *outbox) pace(stop <-chan struct{}) bool {
	for {
		o.mu.Lock()
		if o.muted || o.backlog < roomMark {
			o.mu.Unlock()
			return true
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-stop:
			return false
		}
	}
}

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
		o.sent(b, n)
		if err != nil {
			return err
		}
	}
}

// writeAll writes parts together, but large ones in pieces.
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
		for len(part) > 0 {
			n := min(len(part), piece)
			if _, err := o.conn.Write(part[:n]); err != nil {
				return err
			}
			o.move()
			part = part[n:]
		}
	}
	return flush()
}

// move notes that the client reads.
func (o *outbox) move() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved = time.Now()
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

// sent gives back a batch of n bytes.
func (o *outbox) sent(b *packet.Batch, n int) {
	b.Reset()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.backlog -= n
	o.moved = time.Now()
	if len(o.spare) < spares {
		o.spare = append(o.spare, b)
	}
	o.makeRoom()
}

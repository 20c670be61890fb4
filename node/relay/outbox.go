package relay

import (
	"errors"
	"net"
	"sync"

	"iris/node/relay/packet"
)

const (
	fullBatch = 32 << 10  // bytes from which on a batch takes no further packet
	roomMark  = 512 << 10 // backlog below which tunnels go on
	spares    = 4         // batches kept for the next packets
)

var (
	errSlow  = errors.New("it reads too slowly: 64 MiB wait to be sent")
	errMuted = errors.New("the last packet was queued")
)

// outbox is what waits to be sent to a client. Packets gather in batches while
// the writer is busy; it takes a batch as soon as it is free, so there is no
// timer that packets wait for.
type outbox struct {
	conn net.Conn

	mu      sync.Mutex // guards the following fields
	queue   []*packet.Batch
	spare   []*packet.Batch
	backlog int  // bytes queued and being written
	muted   bool // nothing more is taken
	dead    bool // nothing more is written either
	wake    chan struct{}
	room    chan struct{} // closed when the backlog has shrunk; nil if nobody waits
}

func (o *outbox) init(conn net.Conn) {
	o.conn, o.wake = conn, make(chan struct{}, 1)
}

// put queues packets, all or none. It does not block: errSlow if too much waits
// already, errMuted after the last packet.
func (o *outbox) put(list ...packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.muted:
		return errMuted
	case o.backlog > maxBacklog:
		return errSlow
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
		o.queue = append(o.queue, o.batch())
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
		parts := net.Buffers(b.Buffers())
		_, err := parts.WriteTo(o.conn)
		o.sent(b, n)
		if err != nil {
			return err
		}
	}
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
	if len(o.spare) < spares {
		o.spare = append(o.spare, b)
	}
	o.makeRoom()
}

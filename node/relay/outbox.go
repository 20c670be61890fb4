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
	errSlow  = errors.New("it does not read what waits for it")
	errFull  = errors.New("too much waits to be sent")
	errMuted = errors.New("the last packet was queued")
)

// outbox is what waits to be sent to a client. Packets gather in batches while
// the writer is busy; it takes a batch as soon as it is free, so there is no
// timer that packets wait for.
type outbox struct {
	conn net.Conn
	slow func() // is called when too much waits for a client that does not read

	mu      sync.Mutex // guards the following fields
	queue   []*packet.Batch
	spare   []*packet.Batch
	backlog int         // bytes queued and being written
	sum     uint64      // bytes queued since the beginning
	moved   time.Time   // when the client last read, or had read everything
	heavy   time.Time   // when the backlog last grew beyond halfBacklog
	muted   bool        // nothing more is taken
	dead    bool        // nothing more is written either
	marks   []mark      // in their order
	watcher *time.Timer // nil if nobody looks whether the client reads
	wake    chan struct{}
	room    chan struct{} // closed when the backlog has shrunk; nil if nobody waits
}

// mark is what is to be done when the first at bytes of all have been written.
type mark struct {
	at uint64
	do func()
}

func (o *outbox) init(conn net.Conn, slow func()) {
	o.conn, o.slow, o.wake = conn, slow, make(chan struct{}, 1)
	if sized, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = sized.SetWriteBuffer(inSystem)
	}
}

// put queues packets that must not be lost, all or none. It does not block:
// errSlow if too much waits for a client that does not read, errMuted after the last
// packet.
func (o *outbox) put(list ...packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(list) == 0:
		return nil
	case o.muted:
		return errMuted
	case o.backlog > maxBacklog && !o.reads(time.Now()):
		return errSlow
	}
	o.addAll(list)
	return nil
}

// offer is put for packets that may be lost, as what comes for a full mailbox is,
// all or none: they leave room for the others. errFull if too much waits.
func (o *outbox) offer(list ...packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(list) == 0:
		return nil
	case o.muted:
		return errMuted
	case o.backlog <= maxOffered:
		o.addAll(list)
		return nil
	}
	return errFull
}

// reads reports whether a client that has too much to read is only a little slow: it has read some of
// it while so much waited, or that came so fast that it could not yet. Called with mu.
func (o *outbox) reads(now time.Time) bool {
	if o.backlog > mostBacklog || now.Sub(o.moved) >= stallTimeout {
		return false
	}
	return o.moved.After(o.heavy) || now.Sub(o.heavy) < doubt
}

// addAll queues packets. Called with mu.
func (o *outbox) addAll(list []packet.Packet) {
	if o.backlog == 0 {
		o.moved = time.Now()
	}
	light := o.backlog <= halfBacklog
	for _, p := range list {
		o.add(p)
	}
	if light && o.backlog > halfBacklog {
		o.heavy = time.Now()
	}
	if o.backlog > halfBacklog && o.watcher == nil {
		o.watcher = time.AfterFunc(doubt, o.watch)
	}
}

// watch looks after a client for which much waits, as long as that lasts.
func (o *outbox) watch() {
	o.mu.Lock()
	o.watcher = nil
	watched, now := !o.muted && o.backlog > halfBacklog, time.Now()
	slow := watched && (o.backlog > maxBacklog && !o.reads(now) || now.Sub(o.moved) >= stallTimeout)
	if watched && !slow {
		o.watcher = time.AfterFunc(doubt, o.watch)
	}
	o.mu.Unlock()
	if slow {
		o.slow()
	}
}

// after calls do when everything that is queued now has been written, at once or from the
// goroutine of the writer. do must not block. It is not called if the connection ends before.
func (o *outbox) after(do func()) {
	o.mu.Lock()
	if o.backlog > 0 {
		o.marks = append(o.marks, mark{o.sum, do})
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	do()
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
	if o.watcher != nil {
		o.watcher.Stop()
	}
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
	o.sum += uint64(b.Len() - before)
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

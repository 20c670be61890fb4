package relay

import (
	"errors"
	"net"
	"sync"
	"time"

	"iris/internal/budget"
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
	errPace  = errors.New("it reads too slowly, and the relay is short of memory for what waits to be sent")
)

// outbox is what waits to be sent to a client. Packets gather in batches while
// the writer is busy; it takes a batch as soon as it is free, so there is no
// timer that packets wait for.
type outbox struct {
	conn net.Conn
	slow func(error) // is called when too much waits for a client that does not read

	mu      sync.Mutex // guards the following fields
	queue   []*packet.Batch
	spare   []*packet.Batch
	ration  ration      // for the backlog
	backlog int         // bytes queued and being written
	early   int         // bytes of the backlog that are written
	sum     uint64      // bytes queued since the beginning
	moved   time.Time   // when the client last read, or had read everything
	heavy   time.Time   // when the backlog last grew beyond halfBacklog
	mile    milestone   // while it holds some of the share
	muted   bool        // nothing more is taken
	dead    bool        // nothing more is written either
	marks   []mark      // in their order
	watcher *time.Timer // nil if nobody looks whether the client reads
	wake    chan struct{}
	room    chan struct{} // closed when the backlog has shrunk; nil if nobody waits
}

// milestone is a place in what a client reads, and when it had got there.
type milestone struct {
	at    uint64
	since time.Time
}

// mark is what is to be done when the first at bytes of all have been written.
type mark struct {
	at uint64
	do func()
}

func (o *outbox) init(conn net.Conn, share *budget.Share, slow func(error)) {
	o.conn, o.slow, o.wake = conn, slow, make(chan struct{}, 1)
	o.ration.share = share
	if sized, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = sized.SetWriteBuffer(inSystem)
	}
}

// put queues small packets that must not be lost, all or none. It does not block:
// errSlow if too much waits for a client that does not read, errMuted after the last
// packet.
func (o *outbox) put(list ...packet.Packet) error {
	err := o.owe(vital, list...)
	if err == errFull {
		return errSlow
	}
	return err
}

// owe is put for packets of some urgency: errFull if they are not vital and the share of all
// clients has no room.
func (o *outbox) owe(u urgency, list ...packet.Packet) error {
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
	return o.addAll(u, list)
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
		return o.addAll(losable, list)
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

// addAll queues packets, or returns errFull. Called with mu.
func (o *outbox) addAll(u urgency, list []packet.Packet) error {
	alone := o.ration.held == 0
	if !o.ration.grow(o.backlog, size(list), u) {
		return errFull
	}
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
	if alone && o.ration.held > 0 {
		o.mile = milestone{o.read(), time.Now()}
	}
	if o.ration.held > 0 && o.watcher == nil {
		o.watcher = time.AfterFunc(doubt, o.watch)
	}
	return nil
}

// read returns how many bytes of all the client has read. Called with mu.
func (o *outbox) read() uint64 { return o.sum - uint64(o.backlog-o.early) }

// watch looks after a client for which much waits, as long as that lasts.
func (o *outbox) watch() {
	o.mu.Lock()
	o.watcher = nil
	watched := !o.muted && o.ration.held > 0
	var wrong error
	if watched {
		wrong = o.judge(time.Now())
	}
	if watched && wrong == nil {
		o.watcher = time.AfterFunc(doubt, o.watch)
	}
	o.mu.Unlock()
	if wrong != nil {
		o.slow(wrong)
	}
}

// judge returns why a client for which much waits is to be dropped, nil if it is not. Who keeps
// some of the share while little is left must read, and not only a little. Called with mu.
func (o *outbox) judge(now time.Time) error {
	if o.read()-o.mile.at >= readPace {
		o.mile = milestone{o.read(), now}
	}
	switch {
	case o.backlog > maxBacklog && !o.reads(now), o.backlog > halfBacklog && now.Sub(o.moved) >= stallTimeout:
		return errSlow
	case o.ration.tight() && now.Sub(o.mile.since) >= stallTimeout:
		return errPace
	}
	return nil
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
	o.ration.shrink(0) // but for the batch that is being written, not for long
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

package client

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"iris/node/relay/packet"
)

const (
	// fullOutbox is the size in octets from which on senders wait.
	fullOutbox = 512 << 10
	// moreControl is how much the control packets of one batch may exceed that
	// and one message: some 100 000 of them, while the relay reads nothing.
	moreControl = 4 << 20
)

var errStuck = errors.New("the relay sends and does not read")

// outbox collects packets while earlier ones are written. Messages wait until
// it is below fullOutbox. Control packets do not: the reader sends them, which
// must never wait for the writer. When they exceed the bound nevertheless, the
// connection is over.
type outbox struct {
	wake chan struct{} // 1 slot: there is something to write; closed by close
	most int           // octets

	mu     sync.Mutex
	batch  *packet.Batch // guarded by mu
	spare  *packet.Batch // guarded by mu; nil while being written
	room   bell          // guarded by mu
	closed error         // guarded by mu; no more packets
	stuck  atomic.Bool   // closed because of the bound
}

// newOutbox returns an outbox for messages of at most message octets.
func newOutbox(message int) *outbox {
	return &outbox{
		wake: make(chan struct{}, 1), most: fullOutbox + message + moreControl,
		batch: new(packet.Batch), spare: new(packet.Batch),
	}
}

// put adds a control packet without waiting.
func (o *outbox) put(p packet.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.batch.Len() >= o.most && o.closed == nil {
		o.stuck.Store(true)
		o.shut(dropped(errStuck))
	}
	return o.add(p)
}

// add adds a packet. Needs mu.
func (o *outbox) add(p packet.Packet) error {
	if o.closed != nil {
		return o.closed
	}
	o.batch.Add(p)
	select {
	case o.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// try adds a packet if there is room, or returns what to wait for.
func (o *outbox) try(p packet.Packet) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed == nil && o.batch.Len() >= fullOutbox {
		return o.room.heard(), nil
	}
	return nil, o.add(p)
}

// send adds a packet as soon as there is room.
func (o *outbox) send(ctx context.Context, p packet.Packet) error {
	for {
		room, err := o.try(p)
		if room == nil {
			return err
		}
		if err := o.wait(ctx, room); err != nil {
			return err
		}
	}
}

// wait waits for a bell of the outbox.
func (o *outbox) wait(ctx context.Context, room <-chan struct{}) error {
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close refuses all further packets with err, and ends run.
func (o *outbox) close(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed == nil {
		o.shut(err)
	}
}

// shut is close for an outbox that is open. Needs mu.
func (o *outbox) shut(err error) {
	o.closed = err
	o.room.ring()
	close(o.wake)
}

// run writes packets to w until close or an error of w.
func (o *outbox) run(w io.Writer) error {
	for range o.wake {
		batch := o.take()
		bufs := net.Buffers(batch.Buffers())
		if _, err := bufs.WriteTo(w); err != nil {
			return err
		}
		batch.Reset()
		o.mu.Lock()
		o.spare = batch
		o.mu.Unlock()
	}
	return nil
}

// take returns what there is to write.
func (o *outbox) take() *packet.Batch {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.batch
	o.batch, o.spare = o.spare, nil
	o.room.ring()
	return b
}

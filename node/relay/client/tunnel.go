package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"iris/node/relay/packet"
)

// stage is how far a tunnel is.
//
//	opening ──► open ──► closing ──► over
//	   │                    ▲
//	   └──► abandoned ──────┘
type stage uint8

const (
	opening   stage = iota // TunInit sent
	abandoned              // and the caller gave up: closed as soon as it is open
	open                   // both ways
	closing                // TunClose sent
	over                   // TunClosed came, or the connection ended
)

// Tunnel is an ordered stream of messages to or from a member of a cluster,
// throttled by its receiver. Its methods may be called by any goroutine at any
// time.
type Tunnel struct {
	conn     *Conn
	id       uint64
	accepted bool
	sending  chan struct{} // 1 slot, taken by the sender of a message
	settled  chan struct{} // closed when the relay has answered TunInit
	ended    chan struct{} // closed when the tunnel is over

	mu    sync.Mutex
	stage stage // guarded by mu
	flow  flow  // guarded by mu; but most, which is constant
	limit int   // octets of a chunk; set before anybody else has the tunnel
	paid  bell  // guarded by mu; credit came, or the end
	came  bell  // guarded by mu; a message came, or the end
	err   error // guarded by mu; why it ended, for Recv
}

func (c *Conn) newTunnel(id uint64) *Tunnel {
	return &Tunnel{
		conn: c, id: id, sending: make(chan struct{}, 1), settled: make(chan struct{}), ended: make(chan struct{}),
		flow: flow{window: packet.ClientWindow, most: c.cfg.Message},
	}
}

// Send sends a message of at least one octet. It blocks while the receiver has
// granted no credit, that is until all but 64 MiB and what the network holds
// has been received. The message must not be changed any more. When ctx ends
// halfway the receiver drops the part that has come and the tunnel stays
// usable. The errors are ErrClosed, ErrInvalid and that of ctx.
func (t *Tunnel) Send(ctx context.Context, message []byte) error {
	if len(message) == 0 || len(message) > t.flow.most {
		return fmt.Errorf("%w: message of %d octets, 1 to %d", ErrInvalid, len(message), t.flow.most)
	}
	select {
	case t.sending <- struct{}{}:
	case <-t.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.sending }()
	for chunk := range packet.Chunks(t.id, message, t.limit) {
		if err := t.sendChunk(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// sendChunk waits for credit and room, and then sends the chunk.
func (t *Tunnel) sendChunk(ctx context.Context, chunk packet.TunTransfer) error {
	for {
		change, err := t.trySend(chunk)
		if change == nil {
			return err
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// trySend sends the chunk, or returns what to wait for.
func (t *Tunnel) trySend(chunk packet.TunTransfer) (change <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stage != open {
		return nil, ErrClosed
	}
	if !t.flow.pays(len(chunk.Payload)) {
		return t.paid.heard(), nil
	}
	change, err = t.conn.out.try(chunk) // under mu: nothing follows TunClose
	if change == nil && err == nil {
		t.flow.spend(len(chunk.Payload))
	}
	return change, err
}

// Recv returns the next message, which belongs to the caller, and grants its
// octets to the sender again. It blocks until there is one. After the other end
// has closed the tunnel it returns the messages that have come, then io.EOF;
// after Close ErrClosed, after a failure an error that wraps ErrClosed.
func (t *Tunnel) Recv(ctx context.Context) ([]byte, error) {
	for {
		message, came, err := t.tryRecv()
		if came == nil {
			return message, err
		}
		select {
		case <-came:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryRecv returns a message, or what to wait for.
func (t *Tunnel) tryRecv() ([]byte, <-chan struct{}, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if message := t.flow.take(); message != nil {
		t.regrant(len(message))
		return message, nil, nil
	}
	if t.err != nil {
		return nil, nil, t.err
	}
	return nil, t.came.heard(), nil
}

// regrant returns credit to the relay. Needs mu.
func (t *Tunnel) regrant(n int) {
	if n > 0 && t.stage == open {
		_ = t.conn.out.put(packet.TunAllow{Tunnel: t.id, Space: uint64(n)}) // or the tunnel is over
	}
}

// Close ends the tunnel and waits until the relay has answered, 10 s at most.
// What was sent goes to the other end before; what came and was not received is
// dropped. It may be called again. The error is that of a relay that does not
// answer; a tunnel that has ended by itself is none.
func (t *Tunnel) Close() error {
	t.mu.Lock()
	t.shut(ErrClosed)
	t.flow.drop()
	t.mu.Unlock()
	late := time.NewTimer(closeTimeout)
	defer late.Stop()
	select {
	case <-t.ended:
		return nil
	case <-late.C:
		return fmt.Errorf("%w: close of a tunnel: %w", ErrTimeout, errSilent)
	}
}

// shut asks the relay for the end of an open tunnel. Needs mu.
func (t *Tunnel) shut(why error) {
	if t.err == nil || why == ErrClosed {
		t.err = why
	}
	if t.stage == open {
		t.stage = closing
		_ = t.conn.out.put(packet.TunClose{Tunnel: t.id}) // or the connection has ended, and the tunnel with it
	}
	t.paid.ring()
	t.came.ring()
}

// end ends the tunnel for good. The reader calls it, once: it forgets the tunnel
// before.
func (t *Tunnel) end(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
	case errors.Is(why, errGraceful):
		t.err = io.EOF
	default:
		t.err = fmt.Errorf("%w: %w", ErrClosed, why)
	}
	if t.stage == opening || t.stage == abandoned {
		close(t.settled)
	}
	t.stage = over
	t.paid.ring()
	t.came.ring()
	close(t.ended)
}

// allow takes credit from the relay.
func (t *Tunnel) allow(space uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flow.grant(space)
	t.paid.ring()
}

// arrive takes a chunk from the relay. A chunk that no honest sender sends ends
// the tunnel, and only that: the relay passes on what the other end says.
func (t *Tunnel) arrive(chunk packet.TunTransfer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stage != open {
		t.conn.count.strays.Add(1) // on its way while we closed
		return
	}
	discarded, err := t.flow.arrive(chunk)
	if err != nil {
		t.shut(fmt.Errorf("%w: %w", ErrClosed, err))
		return
	}
	t.regrant(discarded)
	t.came.ring()
}

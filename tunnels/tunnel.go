package tunnels

import (
	"context"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// lingerTimeout bounds how long an end that is over waits for the other one to
// notice, and how long a failed write waits for the reader to learn why.
const lingerTimeout = 2 * time.Second

// Tunnel is one end of an ordered, reliable, throttled stream of messages. All
// methods may be called from any goroutine. Concurrent Sends take turns, message
// by message, and so do concurrent Recvs.
//
// Every method but Recv and Read sees the end of the tunnel at once; these two
// first return what has arrived whole if the other end closed or the link was
// lost, and fail at once if the tunnel was aborted. Every error of a tunnel that
// has ended is an *Error and wraps actor.ErrClosed, and actor.ErrLost if the
// link went.
type Tunnel struct {
	id      string
	cluster string
	peer    id.ID
	stream  Stream
	frames  *frameReader
	config  *Config // of the node
	watch   watcher
	since   time.Time
	opened  bool // by this end
	in      inbox
	out     outbox

	mu         sync.Mutex // guards the following fields
	reason     error      // why the tunnel is over; nil while it is not, or if both ends closed
	writeErr   error      // why the writer failed
	over       bool       // aborted, lost, or both halves ended
	readerGone bool
	writerGone bool
	released   bool       // finished was closed
	keeper     *actor.PID // iris/tunnels/<id>; nil until there is one
	linger     *time.Timer
	unread     int // payload bytes that were dropped by Close

	finished chan struct{} // closed when the stream is done with, both ways
}

// watcher is told about a tunnel. Its methods do not block and do not call back.
type watcher interface {
	stalled(*Tunnel)
	violated(*Tunnel, error)
	ended(*Tunnel) // exactly once: the stream is done with
}

// setup is what a tunnel end is made from.
type setup struct {
	id, cluster string
	peer        id.ID
	stream      Stream
	frames      *frameReader
	credit      uint64 // granted by the peer
	config      *Config
	memory      *memory
	spawn       func(func())
	watch       watcher
	opened      bool // by this end
}

// memory is recycled among the tunnels of a node.
type memory struct {
	segments segments
	buffers  sync.Pool  // of *[]byte
	readers  *sync.Pool // of *bufio.Reader
}

func newMemory() *memory {
	m := &memory{readers: newReaders()}
	m.buffers.New = func() any {
		b := make([]byte, 0, outLimit+chunkSize+dataHeader)
		return &b
	}
	return m
}

// newTunnel makes an end whose opening frames were exchanged. The goroutines
// begin with start.
func newTunnel(s setup) (*Tunnel, error) {
	t := &Tunnel{
		id: s.id, cluster: s.cluster, peer: s.peer, stream: s.stream, frames: s.frames,
		config: s.config, watch: s.watch, since: time.Now(), opened: s.opened,
		finished: make(chan struct{}),
	}
	t.out.stream, t.out.buffers, t.out.spawn = s.stream, &s.memory.buffers, s.spawn
	t.out.patient = s.config.StallAfter
	t.out.tunnel = t
	t.in.init(s.stream, &s.memory.segments, s.config.Window, t.out.grant)
	return t, t.out.init(s.credit)
}

// start begins to read and to write.
func (t *Tunnel) start() {
	t.out.spawn(t.read)
	t.out.release()
}

// ID names this end in events and logs. It is unique on its node.
func (t *Tunnel) ID() string { return t.id }

// Cluster is the cluster that was asked to serve the tunnel.
func (t *Tunnel) Cluster() string { return t.cluster }

// Peer is the node at the other end, 32 hex digits.
func (t *Tunnel) Peer() string { return t.peer.String() }

// Sent returns how many bytes of messages are on their way or have arrived, also of one that is being sent.
func (t *Tunnel) Sent() uint64 { return t.out.sent() }

// Done is closed when nothing travels any more in either direction. What has
// arrived can still be received.
func (t *Tunnel) Done() <-chan struct{} { return t.finished }

// Send sends msg as one message of any length and returns when all of it is on
// its way; msg is not kept. It blocks while the receiving application has not
// granted credit.
//
// If ctx ends before any of the message was queued, Send fails (actor.ErrTimeout
// for a deadline) and the tunnel goes on. That is always so for messages of up
// to half of what the receiver grants at first, 511 KiB unless it is configured to
// grant less. A longer one travels as credit comes; if ctx ends in the middle of it the tunnel is aborted
// with ErrSendCancelled, for half a message must not pass as a whole one.
func (t *Tunnel) Send(ctx context.Context, msg []byte) error {
	torn, err := t.out.send(ctx, msg)
	if torn {
		t.Abort(fmt.Errorf("%w: %w", ErrSendCancelled, context.Cause(ctx)))
		return fmt.Errorf("%w (tunnel aborted: %w)", err, ErrSendCancelled)
	}
	return err
}

// Recv returns the next message, which is the caller's own. It blocks by ctx; a
// Recv that gave up loses nothing. The error is io.EOF when the other end sends
// no more and everything was received, ErrMessageTooLarge for a message beyond
// the limit (the next Recv returns the one after it), ErrMidMessage after the
// byte view has read a part of a message.
func (t *Tunnel) Recv(ctx context.Context) ([]byte, error) {
	return t.in.recv(ctx, t.config.MaxMessage)
}

// CloseSend says that no further message follows; the other end gets io.EOF
// after the last one. A Send in progress is completed first. It does not block
// and is idempotent.
func (t *Tunnel) CloseSend() error {
	if err := t.failure(); err != nil {
		return err
	}
	t.out.closeSend()
	return nil
}

// Close ends this end's use of the tunnel: what was sent reaches the other end,
// which then gets io.EOF; what arrives here from now on is dropped, and further
// Sends of the other end fail with actor.ErrClosed. Close waits until the other
// end has everything, at most Config.CloseTimeout, after which it aborts the
// tunnel and fails. An error means that the last messages may be lost. Close is
// idempotent; it is a no-op on a tunnel that has ended, whose error it returns
// unless the tunnel ended in order.
func (t *Tunnel) Close() error {
	dropped := t.in.drop(&Error{Tunnel: t.id, Peer: t.Peer(), What: whatClosed})
	t.mu.Lock()
	t.unread += dropped
	t.mu.Unlock()
	t.out.leave()
	timeout := time.NewTimer(t.config.CloseTimeout)
	defer timeout.Stop()
	select {
	case <-t.finished:
	case <-timeout.C:
		err := fmt.Errorf("close: %w", actor.ErrTimeout)
		t.Abort(err)
		return fmt.Errorf("tunnel %s: %w after %v", t.id, err, t.config.CloseTimeout)
	}
	return t.failure()
}

// Abort ends the tunnel in both directions at once. What is queued or under way
// is lost. Both ends' calls fail with an *Error that has the text of reason; at
// this end it also wraps reason. Abort does not block; after the first end of a
// tunnel it does nothing.
func (t *Tunnel) Abort(reason error) {
	t.abort(wire.CodeOK, whatAborted, reason)
}

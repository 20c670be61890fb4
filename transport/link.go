package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// Link is the connection to one peer. Its methods may be called from any
// goroutine.
type Link struct {
	e       *Endpoint
	peer    id.ID
	name    string     // peer in the form that PIDs use
	hello   wire.Hello // what the peer said of itself; read-only
	dialed  bool
	conn    *quic.Conn
	control *quic.Stream
	in      *frames // of the control stream; used by its reader only
	lanes   [laneCount]*lane
	bulk    *bulkOut
	inbound *inbound

	suspect atomic.Bool
	parting atomic.Bool // the peer has said GOODBYE
	leaving atomic.Bool // we have, or are about to
	writes  atomic.Uint64
	skipped atomic.Uint64 // see Stats
	traffic atomic.Uint64 // see Stats
	acked   chan int      // the lanes named in the peer's GOODBYE-ACK
	telling sync.Once     // see tellLost
	told    atomic.Bool   // it has been done

	wg    sync.WaitGroup // every goroutine of the link but the actor's
	done  chan struct{}  // closed when the link has ended
	mu    sync.Mutex     // guards the following fields
	heard heard          // of the peer, as Stalled last saw it
	cause LinkDown       // final once done is closed
	ended bool
	pid   *actor.PID // of the link's actor, once it runs
}

func newLink(e *Endpoint, peer id.ID, conn *quic.Conn, control *quic.Stream, dialed bool) *Link {
	l := &Link{
		e: e, peer: peer, name: peer.String(), dialed: dialed, conn: conn, control: control,
		in:    newFrames(control, wire.MaxControl),
		acked: make(chan int, 1), done: make(chan struct{}),
	}
	l.in.counter = &l.skipped
	for n := range laneCount {
		x := newLane(n, e.cfg.Limits.Lane, &e.buffers)
		x.open, x.fail, x.spawn, x.writes = l.opener(n), l.laneFailed, l.wg.Go, &l.writes
		if n != Control {
			x.traffic, x.share = &l.traffic, e.lanes
			x.carried, x.abandon = &e.carried.out, l.abandoned
		}
		x.patient = func() bool { return l.bulk.delays(n) }
		l.lanes[n] = x
	}
	l.lanes[Control].timeout = controlWrite
	l.lanes[Control].enc.SetLimit(wire.MaxControl)
	l.lanes[Control].limit = controlQueue
	l.lanes[Bulk].timeout, l.lanes[Bulk].abandon = bulkWrite, l.abandonedChunks
	l.bulk = newBulkOut(l)
	l.inbound = newInbound(l)
	return l
}

// Peer returns the id that the peer proved in the TLS handshake.
func (l *Link) Peer() id.ID { return l.peer }

// Name returns the peer's id in the form that PIDs use. It was made once for the link:
// who needs it for every message takes it from here.
func (l *Link) Name() string { return l.name }

// Hello returns what the peer said of itself when the link came up.
func (l *Link) Hello() wire.Hello { return l.hello }

// RemoteAddr returns the address that the peer's packets come from.
func (l *Link) RemoteAddr() net.Addr { return l.conn.RemoteAddr() }

// Dialed reports whether this node opened the connection.
func (l *Link) Dialed() bool { return l.dialed }

// Up reports whether the link has not ended.
func (l *Link) Up() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// Suspect reports whether the router suspects the peer; balancers and routes
// then prefer others.
func (l *Link) Suspect() bool { return l.suspect.Load() }

// SetSuspect is for the router.
func (l *Link) SetSuspect(s bool) { l.suspect.Store(s) }

// Stats is a snapshot of a link's counters.
type Stats struct {
	RTT             time.Duration // smoothed; 100 ms before the first sample
	RTTVar          time.Duration // mean deviation
	PacketsSent     uint64
	PacketsReceived uint64
	PacketsLost     uint64
	BytesSent       uint64
	BytesReceived   uint64
	Writes          uint64         // writes of frames to any lane
	Skipped         uint64         // frames received of a kind that this node does not know, or does not handle
	Traffic         uint64         // grows with all that moves either way but heartbeats, exchanges of peers and of the overlay
	Queued          [laneCount]int // bytes waiting per lane
}

// Stats returns the link's counters. It is cheap enough to poll.
func (l *Link) Stats() Stats {
	c := l.conn.ConnectionStats()
	s := Stats{
		RTT: c.SmoothedRTT, RTTVar: c.MeanDeviation,
		PacketsSent: c.PacketsSent, PacketsReceived: c.PacketsReceived, PacketsLost: c.PacketsLost,
		BytesSent: c.BytesSent, BytesReceived: c.BytesReceived, Writes: l.writes.Load(), Skipped: l.skipped.Load(), Traffic: l.traffic.Load(),
	}
	for n, x := range l.lanes {
		s.Queued[n] = x.queued()
	}
	return s
}

// TrySend encodes f into the lane. It never blocks. Errors:
// actor.ErrOverloaded when the lane is full, actor.ErrUnreachable when the
// link has ended, wire.ErrTooLarge when f is beyond the limit. f and its byte
// slices may be reused when TrySend returns.
func (l *Link) TrySend(n Lane, f wire.Frame) error {
	if n == Control {
		l.moved(f.Kind())
	}
	size := f.Size()
	if size > l.e.cfg.Limits.Frame && n != Control {
		return l.bulk.trySend(n, f)
	}
	return l.lanes[n].putSized(f, size)
}

// TryEvent is TrySend of a wire.Event with these fields on the fanout lane. They come one by
// one because a frame that goes to an interface has to be on the heap.
func (l *Link) TryEvent(topic, typ string, data []byte, trace string, twin bool) error {
	var e wire.Event // set field by field: a literal would be made elsewhere and copied
	e.Topic, e.Body.Type, e.Body.Data, e.Trace, e.Twin = topic, typ, data, trace, twin
	size := e.Size()
	if size > l.e.cfg.Limits.Frame {
		return l.bulk.trySend(Fanout, &wire.Event{Topic: topic, Body: wire.Body{Type: typ, Data: data}, Trace: trace, Twin: twin})
	}
	return l.lanes[Fanout].putEvent(&e, size)
}

// Send is TrySend that waits for space until ctx ends; the error then wraps
// both actor.ErrOverloaded and the context's cause.
func (l *Link) Send(ctx context.Context, n Lane, f wire.Frame) error {
	if n == Control {
		l.moved(f.Kind())
	}
	if f.Size() > l.e.cfg.Limits.Frame && n != Control {
		return l.bulk.send(ctx, n, f)
	}
	return l.lanes[n].wait(ctx, f)
}

// moved counts a frame of control that is more than upkeep of the link itself.
// On the other lanes writes and reads are counted, which costs frames nothing.
func (l *Link) moved(k wire.Kind) {
	switch k {
	case wire.KindHeartbeat, wire.KindHeartbeatAck, wire.KindProbeResult, wire.KindPeers, wire.KindSuspects, wire.KindOverlay:
	default:
		l.traffic.Add(1)
	}
}

// Close ends the link. With wire.CodeLeave and wire.CodeOK it drains first, in
// the background: queued frames are written, the peer confirms that it has
// read them, then the connection closes. Other codes close at once.
func (l *Link) Close(code wire.Code, reason string) {
	if code == wire.CodeLeave || code == wire.CodeOK {
		l.leaving.Store(true)
		l.e.spawn(func() {
			ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
			defer cancel()
			l.drain(ctx, code, reason)
		})
		return
	}
	l.end(LinkDown{Link: l, Code: code, Reason: reason})
}

// drain is the graceful end of a link; it blocks until the link has ended.
func (l *Link) drain(ctx context.Context, code wire.Code, reason string) {
	l.leaving.Store(true)
	opened := l.finishLanes(ctx)
	if l.lanes[Control].put(&wire.Goodbye{Code: code, Reason: reason, Lanes: uint8(opened)}) == nil {
		select {
		case lanes := <-l.acked:
			l.inbound.finished(ctx, lanes) // the answer may overtake what the peer has sent
		case <-ctx.Done():
		case <-l.done:
		}
	}
	l.end(LinkDown{Link: l, Code: code, Reason: reason})
}

// finishLanes refuses further data frames and waits until those queued were
// written. It returns the number of data lanes that were ever opened.
func (l *Link) finishLanes(ctx context.Context) int {
	l.bulk.finish(ctx)
	opened := 0
	for _, x := range l.lanes[Direct:] {
		x.shut(nil)
		if x.finished(ctx, l.done) {
			opened++
		}
	}
	return opened
}

// answerGoodbye runs when the peer says GOODBYE: everything that the peer
// wrote is read, everything of ours is written, then it is acknowledged. A peer
// that does not close then is helped: our lanes are shut, the link is of no use.
func (l *Link) answerGoodbye(g *wire.Goodbye) {
	if !l.parting.CompareAndSwap(false, true) {
		return
	}
	lanes, down := int(g.Lanes), LinkDown{Link: l, Code: g.Code, Reason: g.Reason, Remote: true}
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		l.inbound.finished(ctx, lanes)
		opened := l.finishLanes(ctx)
		_ = l.lanes[Control].put(&wire.GoodbyeAck{Lanes: uint8(opened)}) // if it fails, the link has ended
		gone := time.NewTimer(drainTimeout)
		defer gone.Stop()
		select {
		case <-gone.C:
			l.end(down)
		case <-l.done:
		}
	})
}

// end closes the connection and records why, once.
func (l *Link) end(down LinkDown) {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.ended, l.cause = true, down
	pid := l.pid // none yet: the actor will see that the link has ended
	l.mu.Unlock()
	_ = l.conn.CloseWithError(quic.ApplicationErrorCode(down.Code), down.Reason) // idempotent
	for _, x := range l.lanes {
		x.shut(actor.ErrUnreachable)
	}
	l.bulk.shut()
	close(l.done)
	if pid != nil {
		l.e.sys.Send(pid, nil, linkEnded{})
	}
}

// failed ends the link for an error that the connection or a lane reported.
func (l *Link) failed(err error) {
	var proto *wire.ProtocolError
	if errors.As(err, &proto) {
		l.e.sys.Events().Publish(&actor.ProtocolViolation{Peer: l.name, Reason: proto.Error()})
		l.end(LinkDown{Link: l, Code: wire.CodeProtocol, Reason: proto.Error()})
		return
	}
	if cause := context.Cause(l.conn.Context()); cause != nil {
		err = cause // the connection's own reason says more than a stream's
	}
	down := explain(err)
	down.Link = l
	l.end(down)
}

func (l *Link) laneFailed(err error) {
	if errors.Is(err, actor.ErrUnreachable) {
		return
	}
	var timeout net.Error
	if l.conn.Context().Err() == nil && errors.As(err, &timeout) && timeout.Timeout() {
		l.end(LinkDown{Link: l, Code: wire.CodeStuck, Reason: fmt.Sprintf("peer stopped reading: %v", err)})
		return
	}
	l.failed(err)
}

// opener returns the function by which a lane's writer gets its stream.
func (l *Link) opener(n Lane) func() (sendStream, error) {
	if n == Control {
		return func() (sendStream, error) { return l.control, nil }
	}
	return func() (sendStream, error) {
		ctx, cancel := context.WithTimeout(l.conn.Context(), writeTimeout) // the peer must let us
		defer cancel()
		s, err := l.conn.OpenUniStreamSync(ctx)
		if err != nil {
			return nil, fmt.Errorf("open %s lane: %w", n, err)
		}
		s.SetPriority(n.urgency(), false)
		first, err := wire.NewWriter().Append(nil, &wire.LaneOpen{Lane: uint8(n)})
		if err == nil {
			_, err = s.Write(first)
		}
		return s, err
	}
}

// start runs the goroutines of an installed link. It is called by the link's
// actor.
func (l *Link) start() {
	l.wg.Go(l.inbound.readControl)
	l.wg.Go(l.inbound.acceptLanes)
	l.wg.Go(l.inbound.refuseStreams)
}

// stop ends the link, if it has not, and waits for its goroutines.
func (l *Link) stop(code wire.Code, reason string) {
	l.end(LinkDown{Link: l, Code: code, Reason: reason})
	<-l.done // whoever ended it may be about to: lanes start no writer any more
	l.wg.Wait()
}

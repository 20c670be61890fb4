package tunnels

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
	"iris/tunnels/flow"
)

// Incoming is the message that hands a tunnel to the handler of a member. The
// sending node knows by then that a member took it; whether to answer, read or
// close is the handler's business. A handler that has no use for it must Abort
// or Close it.
//
// The tunnel outlives the Receive in which it came and may be used from any
// goroutine; receive its messages on a goroutine of your own, for Recv blocks.
// It is aborted when the member stops for good (a restart by its supervisor
// does not count).
//
// Sender: iris/tunnels. Reply: none. If it is lost in the mailbox, the tunnel is
// aborted.
type Incoming struct{ Tunnel *Tunnel }

// accept serves a stream that a peer has opened. It runs on a goroutine of its
// own and returns when the tunnel is in the hands of its member.
func (ts *Tunnels) accept(from id.ID, s Stream) {
	if err := ts.enter(); err != nil {
		if _, _, err := readOpen(s, ts.memory.readers, lingerTimeout); err != nil {
			giveUp(s, wire.CodeLeave)
		} else {
			ts.refuse(s, wire.CodeLeave, errStopping)
		}
		return
	}
	defer ts.work.Done()
	cut := context.AfterFunc(ts.ctx, func() { giveUp(s, wire.CodeLeave) })
	frames, open, err := readOpen(s, ts.memory.readers, ts.config.OpenTimeout)
	cut()
	if err != nil {
		if isViolation(err) {
			ts.publish(&actor.ProtocolViolation{Peer: from.String(), Reason: "tunnel: " + err.Error()})
		}
		giveUp(s, wire.CodeProtocol)
		return
	}
	if err := ts.reserve(from); err != nil {
		ts.refuse(s, wire.CodeBusy, err)
		return
	}
	member, err := ts.config.Local(open.Cluster)
	if err != nil {
		ts.unreserve(from)
		ts.refuse(s, refusalCode(err), err)
		return
	}
	t, err := ts.build(from, open.Cluster, s, frames, open.Credit, false)
	if err != nil {
		ts.unreserve(from)
		ts.refuse(s, refusalCode(err), err)
		return
	}
	t.out.first(&wire.TunnelAccept{Credit: flow.First(ts.config.Window)})
	err = ts.config.System.Deliver(member, &actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Tell, Cluster: open.Cluster, Origin: from.String()},
		Message:  &Incoming{Tunnel: t},
		From:     from.String(),
		Tracker:  handover{t},
	})
	if err != nil {
		t.refuse(refusalCode(err), err)
		t.start()
		return
	}
	if err := ts.adopt(t, member); err != nil {
		t.abort(wire.CodeInternal, whatAborted, err)
	}
	t.start()
}

// readOpen reads the opening frame within the time it may take.
func readOpen(s Stream, pool *sync.Pool, within time.Duration) (*frameReader, *wire.TunnelOpen, error) {
	late := time.AfterFunc(within, func() { giveUp(s, wire.CodeHelloTimeout) })
	defer late.Stop()
	frames := newFrameReader(s, pool)
	h, err := frames.next()
	if err != nil {
		return nil, nil, err
	}
	open, ok := h.frame.(*wire.TunnelOpen)
	if !ok {
		return nil, nil, &violation{"a tunnel begins with TunnelOpen"}
	}
	if open.Credit > flow.MaxTotal {
		return nil, nil, &violation{"credit beyond the limit of a tunnel"}
	}
	return frames, open, nil
}

// refuse answers an opening that never became a tunnel.
func (ts *Tunnels) refuse(s Stream, code wire.Code, reason error) {
	late := time.AfterFunc(lingerTimeout, func() { giveUp(s, code) })
	defer late.Stop()
	if _, err := s.Write(encode(&wire.TunnelRefuse{Code: code, Reason: reasonText(reason)})); err == nil {
		_ = s.Close() // fails only if it was cancelled
	}
	s.CancelRead(code)
}

// refusalCode says err to the opener; refusal is its inverse.
func refusalCode(err error) wire.Code {
	switch {
	case errors.Is(err, actor.ErrNoMembers), errors.Is(err, actor.ErrClosed):
		return wire.CodeLeave
	case errors.Is(err, actor.ErrOverloaded):
		return wire.CodeBusy
	case errors.Is(err, actor.ErrUnreachable):
		return wire.CodeLeave // the member has just stopped
	}
	return wire.CodeInternal
}

// handover watches over an Incoming in its member's mailbox.
type handover struct{ t *Tunnel }

// Done implements actor.Tracker.
func (h handover) Done(_, _ time.Duration, executed bool) {
	if !executed {
		h.t.Abort(errNotTaken)
	}
}

// Failed implements actor.Tracker; an Incoming has no reply.
func (handover) Failed() {}

// Load implements actor.Tracker; an Incoming has no reply to carry it.
func (handover) Load() actor.Load { return actor.Load{} }

var errNotTaken = fmt.Errorf("the member did not take the tunnel: %w", actor.ErrUnreachable)

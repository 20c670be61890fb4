package actor

import (
	"errors"
	"fmt"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
)

// isLocal reports whether pid names an actor of this node. "nonhost" is what protoactor calls a node without an address.
func (s *System) isLocal(pid *PID) bool {
	return pid.Address == s.node || pid.Address == "" || pid.Address == "nonhost"
}

// Send delivers msg at most once to an actor, a name or a pending reply, here or elsewhere. sender may be nil. It never
// blocks and never fails towards the caller: what cannot be delivered is a dead letter, and the sender, if there is
// one, gets a *RequestFailed.
//
// The process that protoactor caches inside a PID is never used: a PID object may be shared with another system.
func (s *System) Send(to, sender *PID, msg any) {
	if to != nil && to.Id == replyID && !isName(to) {
		s.replyTo(to, msg)
		return
	}
	s.count.sent.Add(1)
	switch {
	case to == nil:
		s.drop(DeadNoTarget, &PID{}, sender, msg, fmt.Errorf("nil target: %w", ErrUnreachable))
	case s.isLocal(to):
		c := s.cells.get(to.Id)
		if c == nil {
			s.drop(DeadNoActor, to, sender, msg, ErrNoActor)
			return
		}
		s.sendCell(c, sender, msg)
	case isName(to):
		s.sendName(to, sender, msg)
	default:
		if err := s.tell(to, sender, msg); err != nil {
			s.drop(reasonOf(err), to, sender, msg, err)
		}
	}
}

func (s *System) sendCell(c *cell, sender *PID, msg any) {
	err := c.mb.post(enveloped(s.node, sender, msg), false)
	if err != nil {
		s.drop(reasonOf(err), c.pid, sender, msg, err)
	}
}

// enveloped is the form in which msg waits in a mailbox of this node.
func enveloped(node string, sender *PID, msg any) any {
	t, traced := msg.(*Traced)
	switch {
	case traced:
		return t.inbound(node, sender)
	case sender != nil:
		return &proto.MessageEnvelope{Message: msg, Sender: sender}
	default:
		return msg
	}
}

// sendName sends to a cluster, its members or a topic. A request by an actor comes back as a message to it.
func (s *System) sendName(to, sender *PID, msg any) {
	n := s.names.Load()
	if n == nil {
		s.drop(DeadUnnamed, to, sender, msg, fmt.Errorf("no resolver of names: %w", ErrUnreachable))
		return
	}
	asker := s.local(sender)
	if asker == nil || to.Address != addressCluster {
		if err := (*n).Send(to, sender, msg); err != nil {
			s.drop(reasonOf(err), to, sender, msg, err)
		}
		return
	}
	(*n).Request(to, sender, msg, DefaultTimeout, func(reply any, err error) {
		if err != nil {
			reply = &RequestFailed{Target: to, Err: err}
		}
		s.count.sent.Add(1)
		if asker.mb.post(reply, true) != nil {
			s.dead(DeadLate, asker.pid, nil, reply)
		}
	})
}

// tell hands a message to the transport.
func (s *System) tell(to, sender *PID, msg any) error {
	r := s.remote.Load()
	if r == nil {
		return fmt.Errorf("no transport: %w", ErrUnreachable)
	}
	return (*r).Tell(to, sender, msg)
}

// reasonOf names the dead letter of a failed send.
func reasonOf(err error) DeadReason {
	var codec *CodecError
	switch {
	case errors.As(err, &codec):
		return DeadCodec
	case errors.Is(err, ErrOverloaded):
		return DeadOverflow
	case errors.Is(err, ErrDenied):
		return DeadDenied
	case errors.Is(err, ErrNoActor):
		return DeadNoActor
	case errors.Is(err, ErrNoMembers):
		return DeadUnnamed
	case errors.Is(err, ErrClosed):
		return DeadClosed
	default:
		return DeadUnreachable
	}
}

// drop makes msg a dead letter, unless err says that it is one already, and tells its sender.
func (s *System) drop(r DeadReason, to, sender *PID, msg any, err error) {
	if !IsCounted(err) {
		s.dead(r, to, sender, msg)
	}
	s.fail(sender, to, err)
}

// dead counts and reports a dead letter.
func (s *System) dead(r DeadReason, to, sender *PID, msg any) { s.letters.add(r, to, sender, msg) }

// fail tells sender that what it sent to target failed with err. It never answers a failure with a failure.
func (s *System) fail(sender, target *PID, err error) {
	switch {
	case sender == nil || isName(sender):
	case sender.Id == replyID:
		s.answer(sender.Address, sender.RequestId, nil, err, Load{})
	case s.isLocal(sender):
		c := s.cells.get(sender.Id)
		if c == nil {
			return
		}
		s.count.sent.Add(1)
		if msg := (&RequestFailed{Target: target, Err: err}); c.mb.post(msg, false) != nil {
			s.dead(DeadOverflow, sender, nil, msg)
		}
	default:
		s.count.sent.Add(1)
		msg := failureOf(target, err)
		if s.tell(sender, nil, msg) != nil {
			s.dead(DeadUnreachable, sender, nil, msg)
		}
	}
}

// replyTo sends msg to a PID made from a pending reply, outside of the handler that got the request.
func (s *System) replyTo(to *PID, msg any) {
	msg, _ = Untraced(msg)
	if err, ok := msg.(error); ok {
		s.answer(to.Address, to.RequestId, nil, s.handlerError("", err), Load{})
		return
	}
	s.answer(to.Address, to.RequestId, msg, nil, Load{})
}

// reply answers the asker of in.
func (s *System) reply(in *Inbound, msg any, err error) {
	var load Load
	if in.Tracker != nil {
		load = in.Tracker.Load()
	}
	s.answer(in.From, in.ReplyTo, msg, err, load)
}

// answer completes request id of node, here or there.
func (s *System) answer(node string, id uint32, msg any, err error, load Load) {
	if node == s.node || node == "" {
		s.replies.Complete(s.node, id, Reply{From: s.node, Message: msg, Err: err, Load: load})
		return
	}
	r := s.remote.Load()
	if r == nil {
		s.lost(DeadUnreachable, &PID{Address: node, Id: replyID}, nil, msg)
		return
	}
	if failed := (*r).Reply(node, id, msg, err, load); failed != nil {
		s.unanswered(*r, node, id, msg, err, failed, load)
	}
}

// unanswered deals with a reply that could not be sent.
func (s *System) unanswered(r Remote, node string, id uint32, msg any, err, failed error, load Load) {
	to := &PID{Address: node, Id: replyID}
	var codec *CodecError
	if errors.As(failed, &codec) && err == nil { // the asker should not have to wait for its timeout
		s.lost(DeadCodec, to, nil, msg)
		failed = r.Reply(node, id, nil, &RemoteError{Node: s.node, Code: CodeFailed, Text: codec.Error()}, load)
	}
	if failed != nil {
		s.lost(reasonOf(failed), to, nil, msg)
	}
}

// lost makes an answer, a watch or a stop a dead letter. Those are in the books only when they are lost: then as sent, too.
func (s *System) lost(r DeadReason, to, sender *PID, msg any) {
	s.count.sent.Add(1)
	s.dead(r, to, sender, msg)
}

// askRemote hands a request to the transport.
func (s *System) askRemote(to *PID, id uint32, ttl time.Duration, msg any) error {
	r := s.remote.Load()
	if r == nil {
		return fmt.Errorf("no transport: %w", ErrUnreachable)
	}
	return (*r).Ask(to, id, ttl, msg)
}

// handlerError is what an asker gets for an error answered by a handler. The errors of this package promise things about
// the request (such as "not executed") that are not true of it any more, so they travel as text.
func (s *System) handlerError(actor string, err error) error {
	var re *RemoteError
	if errors.As(err, &re) {
		return re
	}
	return &RemoteError{Node: s.node, Actor: actor, Code: CodeFailed, Text: err.Error()}
}

// request sends msg to a PID or name and calls done exactly once with the outcome, possibly before it returns. The id,
// if not 0, can be cancelled in the reply table.
func (s *System) request(to, sender *PID, msg any, ttl time.Duration, done func(Reply)) uint32 {
	if ttl <= 0 {
		ttl = DefaultTimeout
	}
	s.count.sent.Add(1)
	switch {
	case to == nil || to.Id == replyID:
		s.dead(DeadNoTarget, to, sender, msg)
		done(Reply{Err: fmt.Errorf("no target: %w", ErrUnreachable)})
		return 0
	case isName(to):
		n := s.names.Load()
		if n == nil {
			s.dead(DeadUnnamed, to, sender, msg)
			done(Reply{Err: fmt.Errorf("no resolver of names: %w", ErrUnreachable)})
			return 0
		}
		(*n).Request(to, sender, msg, ttl, func(v any, err error) { done(Reply{Message: v, Err: err}) })
		return 0
	}
	node, local := to.Address, s.isLocal(to)
	if local {
		node = s.node
	}
	deadline := time.Now().Add(ttl)
	id, err := s.replies.Open(node, deadline, done)
	if err != nil {
		s.dead(reasonOf(err), to, sender, msg)
		done(Reply{Err: err})
		return 0
	}
	if local { // what is refused is a dead letter by then
		msg, trace := Untraced(msg)
		err = s.deliver(s.cells.get(to.Id), &Inbound{
			Delivery: Delivery{Kind: Request, Origin: s.node, Deadline: deadline, Trace: trace},
			Message:  msg, Size: int(sizeOf(msg)), From: s.node, ReplyTo: id,
		}, to.Id)
	} else if err = s.askRemote(to, id, ttl, msg); err != nil {
		s.dead(reasonOf(err), to, sender, msg)
	}
	if err != nil && s.replies.Cancel(id) {
		done(Reply{From: node, Err: err})
	}
	return id
}

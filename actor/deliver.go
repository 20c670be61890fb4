package actor

import (
	"fmt"
	"strings"
	"time"
)

// sender is the PID that stands for whoever sent in, nil if nobody can be answered.
func (in *Inbound) sender() *PID {
	switch {
	case in.ReplyTo != 0:
		return &PID{Address: in.From, Id: replyID, RequestId: in.ReplyTo}
	case in.SenderID != "":
		node := in.From
		if in.SenderNode != "" {
			node = in.SenderNode
		}
		return &PID{Address: node, Id: in.SenderID}
	default:
		return nil
	}
}

// Deliver posts in to a local actor, on any goroutine, without blocking. ErrOverloaded (mailbox full) and ErrNoActor (an
// ErrUnreachable) mean that it was not and will not be executed; then Tracker.Done is not called and nobody is
// answered, except that the sending actor of a Tell gets a *RequestFailed.
func (s *System) Deliver(to *PID, in *Inbound) error {
	if to == nil || !s.isLocal(to) {
		return fmt.Errorf("not an actor of this node: %w", ErrNoActor)
	}
	return s.deliver(s.cells.get(to.Id), in, to.Id)
}

func (s *System) deliver(c *cell, in *Inbound, id string) error {
	err := offer(c, in)
	if err != nil {
		s.refuse(in, id, err)
	}
	return err
}

// Offer is Deliver for who tries several actors with one message: what is refused is not counted, and nobody is told. If no
// actor takes it, the last refusal is to be counted, see Refused.
func (s *System) Offer(to *PID, in *Inbound) error {
	if to == nil || !s.isLocal(to) {
		return fmt.Errorf("not an actor of this node: %w", ErrNoActor)
	}
	return offer(s.cells.get(to.Id), in)
}

// Refused counts what an Offer to an actor could not deliver, as Deliver does.
func (s *System) Refused(to *PID, in *Inbound, err error) { s.refuse(in, to.Id, err) }

func offer(c *cell, in *Inbound) error {
	if c == nil {
		return ErrNoActor
	}
	if in.Tracker != nil && in.Posted.IsZero() {
		in.Posted = time.Now()
	}
	return c.mb.post(in, false)
}

// DeliverBundle posts the messages of b to a local actor, in one step, on any goroutine, without blocking. It returns how
// many were taken, the first of them; the others are dead letters.
func (s *System) DeliverBundle(to *PID, b *Bundle) (taken int) {
	err := error(ErrNoActor)
	if s.isLocal(to) {
		if c := s.cells.get(to.Id); c != nil {
			p := b.parcel()
			if taken, err = c.mb.postParcel(p); taken == 0 {
				p.release()
			}
		}
	}
	if taken < b.n {
		s.letters.note(reasonOf(err), pidKey{s.node, to.Id}, typeText(b.typ(taken)), "", uint64(b.n-taken))
	}
	return taken
}

// leftoverParcel disposes of what was left of a parcel when its actor stopped.
func (s *System) leftoverParcel(c *cell, p *parcel) {
	s.letters.note(DeadLeftover, keyOf(c.pid), typeText(p.b.typ(p.next)), "", uint64(p.end-p.next))
}

// typeText is for people: the type of a message of which the name on the wire is known.
func typeText(name string) string {
	if name == "" {
		return "actor.Bytes"
	}
	return name
}

// refuse reports an Inbound that was not accepted. Requests are answered by the caller.
func (s *System) refuse(in *Inbound, id string, err error) {
	to := &PID{Address: s.node, Id: id}
	s.dead(reasonOf(err), to, in.sender(), in.Message)
	if in.ReplyTo == 0 && in.SenderID != "" {
		s.fail(in.sender(), to, err)
	}
}

// Remote nodes may address user actors, members of clusters, readers of topics and the actor that answers questions about
// this node, nothing else.
const (
	inspectID     = rootName + "/inspect"
	userPrefix    = userID + "/"
	clusterPrefix = clustersID + "/"
	readerPrefix  = rootName + "/readers/"
)

func addressable(id string) bool {
	return strings.HasPrefix(id, userPrefix) || strings.HasPrefix(id, clusterPrefix) || strings.HasPrefix(id, readerPrefix) || id == inspectID
}

// DeliverRemote is Deliver for an id named by a peer: ErrDenied (an ErrNoActor, so that peers cannot probe for names)
// for actors that are not addressable from outside.
func (s *System) DeliverRemote(targetID string, in *Inbound) error {
	if !addressable(targetID) {
		s.dead(DeadDenied, &PID{Address: s.node, Id: targetID}, in.sender(), in.Message)
		return ErrDenied
	}
	if f, ok := in.Message.(*wireFailure); ok {
		in.Message = f.failed()
	}
	s.checkSender(in)
	return s.deliver(s.cells.get(targetID), in, targetID)
}

// checkSender makes sure that answering in does not lead to actors of this node which the peer could not address itself.
func (s *System) checkSender(in *Inbound) {
	node := in.SenderNode
	if (node == s.node || node == "nonhost" || strings.HasPrefix(node, "$")) && !addressable(in.SenderID) {
		in.SenderID, in.SenderNode = "", ""
	}
}

// Refuse disposes of an inbound message that was given up before it could be delivered, for example because it could not
// be decoded; in.Message may be nil. It is a dead letter, and the sending actor of a Tell gets a *RequestFailed.
// Requests are answered by the caller.
func (s *System) Refuse(targetID string, in *Inbound, messageType string, err error) {
	s.letters.note(reasonOf(err), pidKey{s.node, targetID}, messageType, in.From+"/"+in.SenderID, 1)
	if in.ReplyTo == 0 && in.SenderID != "" {
		s.checkSender(in)
		s.fail(in.sender(), &PID{Address: s.node, Id: targetID}, err)
	}
}

// Dropped records n messages given up by a layer above as dead letters: counted by reason and reported like those of the
// system itself. target and sender are for people.
func (s *System) Dropped(r DeadReason, target, messageType, sender string, n uint64) {
	s.letters.note(min(r, deadReasons-1), pidKey{"", target}, messageType, sender, n)
}

// Lost is Dropped for one that is no message to an actor: an answer, a watch, the upkeep of a layer above. Those are in the
// books only when they are lost, so it counts as sent, too.
func (s *System) Lost(r DeadReason, target, messageType, sender string) {
	s.count.sent.Add(1)
	s.Dropped(r, target, messageType, sender, 1)
}

// Undelivered disposes of a message to an actor of another node that was taken over and then could not be sent: it is a
// dead letter, and sender, if not nil, gets a *RequestFailed.
func (s *System) Undelivered(to, sender *PID, messageType string, err error) {
	s.letters.note(reasonOf(err), keyOf(to), messageType, address(sender), 1)
	s.fail(sender, to, err)
}

// leftover disposes of a message that was queued when its actor stopped.
func (s *System) leftover(c *cell, msg any) {
	switch m := msg.(type) {
	case *continuation, *timed, *idleTick, *poison, *notice:
	case *spawnRequest:
		m.finish(nil, fmt.Errorf("spawn %s: supervisor stopped: %w", m.name, ErrNoActor))
	case *Inbound:
		s.dead(DeadLeftover, c.pid, m.sender(), m.Message)
		s.unexecuted(c, m, ErrNoActor)
	default:
		msg, sender := unwrap(msg)
		s.drop(DeadLeftover, c.pid, sender, msg, ErrNoActor)
	}
}

// unexecuted answers an accepted Inbound that will not be handled, and tells its tracker.
func (s *System) unexecuted(c *cell, in *Inbound, err error) {
	if in.ReplyTo != 0 {
		s.reply(in, nil, err)
	} else if in.SenderID != "" {
		s.fail(in.sender(), c.pid, err)
	}
	if in.Tracker != nil {
		in.Tracker.Done(time.Since(in.Posted), 0, false)
	}
}

// expired disposes of a request whose deadline passed in the queue.
func (s *System) expired(c *cell, in *Inbound) {
	s.dead(DeadExpired, c.pid, in.sender(), in.Message)
	s.unexecuted(c, in, ErrExpired)
}

// forward passes an Inbound on. A request that leaves this node is asked anew: its asker accepts an answer from nobody but
// this node. trace replaces that of in.
func (s *System) forward(to *PID, in *Inbound, trace string) {
	if to == nil {
		s.drop(DeadNoTarget, to, in.sender(), in.Message, fmt.Errorf("nil target: %w", ErrUnreachable))
		return
	}
	if s.isLocal(to) && to.Id != replyID {
		copied := &Inbound{
			Delivery: in.Delivery, Message: in.Message, Size: in.Size, From: in.From, ReplyTo: in.ReplyTo,
			SenderID: in.SenderID, SenderNode: in.SenderNode,
		}
		copied.Trace = trace
		if err := s.Deliver(to, copied); err != nil && in.ReplyTo != 0 {
			s.reply(in, nil, err)
		}
		return
	}
	if in.ReplyTo == 0 {
		s.Send(to, in.sender(), withTrace(in.Message, trace))
		return
	}
	ttl := time.Duration(0)
	if !in.Deadline.IsZero() {
		ttl = max(time.Until(in.Deadline), time.Millisecond)
	}
	s.request(to, nil, withTrace(in.Message, trace), ttl, func(r Reply) { s.answer(in.From, in.ReplyTo, r.Message, r.Err, r.Load) })
}

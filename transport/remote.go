package transport

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// remote is the actor system's way to other nodes: it turns sends, watches and
// replies to remote PIDs into frames of the direct lane, and such frames into
// deliveries. It keeps no state.
type remote struct{ e *Endpoint }

var _ actor.Remote = remote{}

// bind installs the remote in the actor system and its frame handlers.
func (r remote) bind() {
	e := r.e
	e.sys.SetRemote(r)
	e.Handle(wire.KindTell, func(l *Link, f wire.Frame) { r.onTell(l, f.(*wire.Tell)) })
	e.Handle(wire.KindAsk, func(l *Link, f wire.Frame) { r.onAsk(l, f.(*wire.Ask)) })
	e.Handle(wire.KindReply, func(l *Link, f wire.Frame) { r.onReply(l, f.(*wire.Reply)) })
	e.Handle(wire.KindWatch, func(l *Link, f wire.Frame) {
		w := f.(*wire.Watch)
		e.sys.RemoteWatch(l.Name(), w.Watcher, w.Watchee)
	})
	e.Handle(wire.KindUnwatch, func(l *Link, f wire.Frame) {
		w := f.(*wire.Unwatch)
		e.sys.RemoteUnwatch(l.Name(), w.Watcher, w.Watchee)
	})
	e.Handle(wire.KindTerminated, func(l *Link, f wire.Frame) {
		t := f.(*wire.Terminated)
		e.sys.RemoteTerminated(l.Name(), t.Who, t.Watcher, int(t.Why))
	})
	e.Handle(wire.KindStop, func(l *Link, f wire.Frame) {
		s := f.(*wire.Stop)
		e.sys.RemoteStop(l.Name(), s.Target, s.Poison)
	})
}

// send gives f to the post, which then may keep it, or to the link of the node.
func (r remote) send(node string, f wire.Frame) (kept bool, err error) {
	var n id.ID
	l := (*r.e.named.Load())[node]
	if l != nil {
		n = l.peer
	} else if n, err = id.Parse(node); err != nil {
		return false, actor.ErrUnreachable
	}
	if r.e.post != nil {
		if taken, err := r.e.post(n, f); taken {
			return true, err
		}
	}
	if l == nil {
		return false, actor.ErrUnreachable
	}
	return false, l.TrySend(Direct, f)
}

// Frames of the kinds of which there are many, for use again unless the post kept them.
var (
	tells   = sync.Pool{New: func() any { return new(wire.Tell) }}
	asks    = sync.Pool{New: func() any { return new(wire.Ask) }}
	replies = sync.Pool{New: func() any { return new(wire.Reply) }}
)

func (r remote) Tell(to, sender *actor.PID, msg any) error {
	msg, trace := actor.Untraced(msg)
	typ, data, err := actor.Encode(msg)
	if err != nil {
		return err
	}
	f := tells.Get().(*wire.Tell)
	*f = wire.Tell{Target: to.Id, Body: wire.Body{Type: typ, Data: data}, Trace: trace}
	if sender != nil {
		f.Sender, f.SenderReq = sender.Id, sender.RequestId
		if sender.Address != r.e.sys.Node() {
			if f.SenderNode, err = id.Parse(sender.Address); err != nil {
				return err
			}
		}
	}
	kept, err := r.send(to.Address, f)
	if !kept {
		*f = wire.Tell{}
		tells.Put(f)
	}
	return err
}

func (r remote) Ask(to *actor.PID, req uint32, ttl time.Duration, msg any) error {
	msg, trace := actor.Untraced(msg)
	typ, data, err := actor.Encode(msg)
	if err != nil {
		return err
	}
	f := asks.Get().(*wire.Ask)
	*f = wire.Ask{ID: req, Target: to.Id, TTLMs: TTL(ttl), Body: wire.Body{Type: typ, Data: data}, Trace: trace}
	kept, err := r.send(to.Address, f)
	if !kept {
		*f = wire.Ask{}
		asks.Put(f)
	}
	return err
}

func (r remote) Reply(node string, req uint32, msg any, err error, load actor.Load) error {
	f := replies.Get().(*wire.Reply)
	*f = wire.Reply{ID: req, HasLoad: load != actor.Load{}, Load: wire.Load{
		InFlight: load.InFlight, LatencyMicros: load.LatencyMicros, Draining: load.Draining, Members: load.Members,
	}}
	f.Status, f.Text = Status(err)
	if err == nil {
		if f.Body.Type, f.Body.Data, err = actor.Encode(msg); err != nil {
			r.unsendable(f, node, msg, err)
		}
	}
	kept, err := r.send(node, f)
	if err != nil && errors.Is(err, wire.ErrTooLarge) {
		r.unsendable(f, node, msg, err)
		kept, err = r.send(node, f)
	}
	if !kept {
		*f = wire.Reply{}
		replies.Put(f)
	}
	return err
}

// unsendable makes f say why the reply could not be sent: the asker should not have
// to wait for its deadline.
func (r remote) unsendable(f *wire.Reply, node string, msg any, err error) {
	r.e.sys.Lost(actor.DeadCodec, "reply to "+node, fmt.Sprintf("%T", msg), "")
	f.Status, f.Text, f.Body = wire.StatusError, "reply not sent: "+err.Error(), wire.Body{}
}

func (r remote) Watch(watcher, watchee *actor.PID) error {
	return r.sendNew(watchee.Address, &wire.Watch{Watcher: watcher.Id, Watchee: watchee.Id})
}

func (r remote) Unwatch(watcher, watchee *actor.PID) error {
	return r.sendNew(watchee.Address, &wire.Unwatch{Watcher: watcher.Id, Watchee: watchee.Id})
}

func (r remote) Terminated(watcher, who *actor.PID, why int) error {
	return r.sendNew(watcher.Address, &wire.Terminated{Who: who.Id, Watcher: watcher.Id, Why: uint8(why)})
}

func (r remote) Stop(pid *actor.PID, poison bool) error {
	return r.sendNew(pid.Address, &wire.Stop{Target: pid.Id, Poison: poison})
}

// sendNew sends a frame that is not used again.
func (r remote) sendNew(node string, f wire.Frame) error {
	_, err := r.send(node, f)
	return err
}

func (r remote) onTell(l *Link, f *wire.Tell) {
	in := &actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Tell, Origin: l.Name(), Trace: f.Trace},
		Size:     len(f.Body.Data), From: l.Name(), SenderID: f.Sender,
	}
	if !f.SenderNode.IsZero() {
		in.SenderNode = f.SenderNode.String()
	}
	var err error
	if in.Message, err = actor.Decode(f.Body.Type, f.Body.Data); err != nil {
		r.e.sys.Refuse(f.Target, in, f.Body.Type, err)
		return
	}
	_ = r.e.sys.DeliverRemote(f.Target, in) // a refused message is a dead letter by then
}

func (r remote) onAsk(l *Link, f *wire.Ask) {
	in := &actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Request, Origin: l.Name(), Deadline: Deadline(time.Now(), f.TTLMs), Trace: f.Trace},
		Size:     len(f.Body.Data), From: l.Name(), ReplyTo: f.ID,
	}
	var err error
	if in.Message, err = actor.Decode(f.Body.Type, f.Body.Data); err != nil {
		r.e.sys.Refuse(f.Target, in, f.Body.Type, err)
	} else {
		err = r.e.sys.DeliverRemote(f.Target, in)
	}
	if err != nil {
		_ = r.Reply(l.Name(), f.ID, nil, err, actor.Load{}) // the asker's link is full or gone; its deadline ends it
	}
}

func (r remote) onReply(l *Link, f *wire.Reply) {
	reply := actor.Reply{From: l.Name(), Err: ErrorOf(l.Name(), f.Status, f.Text)}
	if f.HasLoad {
		reply.Load = actor.Load{InFlight: f.Load.InFlight, LatencyMicros: f.Load.LatencyMicros, Members: f.Load.Members, Draining: f.Load.Draining}
	}
	if reply.Err == nil {
		reply.Message, reply.Err = actor.Decode(f.Body.Type, f.Body.Data)
	}
	r.e.sys.Replies().Complete(l.Name(), f.ID, reply) // a late one is counted there
}

// TTL is the form in which the time left of a request travels: milliseconds,
// rounded up, at least 1; 0 means no limit.
func TTL(left time.Duration) uint32 {
	ms := left / time.Millisecond
	if left%time.Millisecond > 0 { // adding first would overflow for the longest
		ms++
	}
	return uint32(min(max(ms, 1), 1<<31))
}

// Deadline is the time at which a request that arrived at now with ttl ends.
func Deadline(now time.Time, ttl uint32) time.Time {
	if ttl == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(ttl) * time.Millisecond)
}

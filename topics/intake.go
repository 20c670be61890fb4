package topics

import (
	"slices"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// maxOpen is how many topics and clusters an intake tells apart in one go.
const maxOpen = 16

// intake takes the events, broadcasts and requests that one lane of a link brings. What came
// together for one topic or cluster goes to its members here in one step:
//
//	Frame ──► one gathered per name ──┐
//	Flush ────────────────────────────┴──► actor.Bundle ──► one mailbox entry per member
//
// A message that is alone, or large, goes as an actor.Inbound of its own.
type intake struct {
	t     *Topics
	from  string // node at the other end
	keep  func(n int) bool
	last  *gathered // whom the frame before was for; nil if nobody, or nothing is open
	open  []*gathered
	known map[gatheredKey]*gathered // open ones, and others as long as they are few

	to   *gathered  // whom the frame before was for; nil if nobody here takes it
	body *wire.Body // of it

	requests requests
}

var _ transport.Intake = (*intake)(nil)

type gatheredKey struct {
	kind actor.Kind
	name string
}

// gathered is what came for one topic or cluster since the last Flush.
type gathered struct {
	gatheredKey
	g        *group
	set      []*member      // who gets it; nil if this is not open
	head     *actor.Inbound // what the messages have in common; nil before the first
	messages *actor.Gather  // nil if this is not open
}

func (t *Topics) newIntake(from id.ID, keep func(n int) bool) transport.Intake {
	return &intake{t: t, from: from.String(), keep: keep, known: map[gatheredKey]*gathered{}, requests: requests{node: from}}
}

// Frame takes an event, a broadcast or a request. Who has reliable events by their own trees
// does not take them twice.
func (in *intake) Frame(f wire.Frame) {
	switch f := f.(type) {
	case *wire.Event:
		x := in.find(actor.Event, f.Topic)
		if x != nil && f.Twin && x.g.takes.Load() {
			x = nil
		}
		in.gather(x, &f.Body, f.Trace)
	case *wire.Broadcast:
		in.gather(in.find(actor.Broadcast, f.Cluster), &f.Body, f.Trace)
	case *wire.Request:
		in.request(f)
	}
}

// gather takes a message for x, which is nil if nobody here gets it.
func (in *intake) gather(x *gathered, body *wire.Body, trace string) {
	if x != nil && (x.head == nil || x.head.Trace != trace) {
		x.hand()
		x.head = x.inbound(in.from, trace)
	}
	in.to, in.body = x, body
	in.Again()
}

// Again takes what Frame took last, with other data.
func (in *intake) Again() {
	if in.to != nil && !in.to.messages.Add(in.body.Type, in.body.Data) {
		in.to.hand()
		in.to.more(in.body, in.keep)
	}
}

// find returns where messages of that name are gathered; nil if nobody here takes
// them. The group is looked up once between two calls of Flush.
func (in *intake) find(kind actor.Kind, name string) *gathered {
	if x := in.last; x != nil && x.kind == kind && x.name == name {
		return x
	}
	key := gatheredKey{kind, name}
	x := in.known[key]
	if x == nil || x.set == nil {
		if x = in.begin(key, x); x == nil {
			return nil
		}
	}
	in.last = x
	return x
}

// begin opens x, which is made if it is nil. Two that are open have no member in
// common: what comes for one actor keeps its order.
func (in *intake) begin(key gatheredKey, x *gathered) *gathered {
	g := in.t.find(groupKind(key.kind), key.name)
	if g == nil {
		return nil
	}
	set := *g.local.Load()
	if len(set) == 0 {
		return nil
	}
	if len(in.open) == maxOpen || slices.ContainsFunc(in.open, func(o *gathered) bool { return meet(o.set, set) }) {
		in.Flush()
	}
	if x == nil {
		if len(in.known) >= maxOpen {
			in.Flush()
			clear(in.known)
		}
		x = &gathered{gatheredKey: key}
		in.known[key] = x
	}
	x.g, x.set, x.messages = g, set, in.t.gathers.Get().(*actor.Gather)
	in.open = append(in.open, x)
	return x
}

func groupKind(k actor.Kind) uint8 {
	if k == actor.Event {
		return wire.GroupTopic
	}
	return wire.GroupCluster
}

// meet reports whether two sets have an actor in common, or are too large to tell.
func meet(a, b []*member) bool {
	if len(a)*len(b) > 64 {
		return true
	}
	for _, m := range a {
		for _, o := range b {
			if m.pid.Id == o.pid.Id {
				return true
			}
		}
	}
	return false
}

// Flush hands on all that was gathered.
func (in *intake) Flush() {
	for i, x := range in.open {
		x.hand()
		in.t.gathers.Put(x.messages)
		x.set, x.messages = nil, nil
		in.open[i] = nil
	}
	in.open, in.last, in.to, in.body = in.open[:0], nil, nil, nil // a large body is no longer accounted for
	in.requests.flush()
}

// inbound is how messages to x from a node begin.
func (x *gathered) inbound(from, trace string) *actor.Inbound {
	in := &actor.Inbound{Delivery: actor.Delivery{Kind: x.kind, Origin: from, Trace: trace}, From: from}
	if x.kind == actor.Event {
		in.Topic = x.g.key.Name
	} else {
		in.Cluster = x.g.key.Name
	}
	return in
}

// more takes a message when nothing is gathered: it is the first, or too large.
func (x *gathered) more(body *wire.Body, keep func(n int) bool) {
	if !x.messages.Add(body.Type, body.Data) {
		x.alone(body.Type, body.Data, keep)
	}
}

// hand gives what was gathered to every member: all share one bundle. A member whose
// mailbox is full misses what does not fit.
func (x *gathered) hand() {
	switch x.messages.Len() {
	case 0:
		return
	case 1:
		x.alone(x.messages.Type(), x.messages.Data(), nil)
		x.messages.Reset()
		return
	}
	b := x.messages.Bundle(x.head)
	taken := 0
	for _, m := range x.set {
		taken += x.g.t.sys.DeliverBundle(m.pid, b)
	}
	x.g.delivered.Add(uint64(taken))
	b.Release()
}

// alone gives one message to every member: decoded once, the value is shared. keep
// tells whether its bytes may be kept; it may be nil.
func (x *gathered) alone(typ string, data []byte, keep func(n int) bool) {
	t := x.g.t
	var msg any
	if typ == "" && keep != nil && keep(len(data)) {
		msg = actor.Bytes(data)
	} else {
		var err error
		if msg, err = actor.Decode(typ, data); err != nil {
			t.dropped(err, x.g.name(), typ, uint64(len(x.set)))
			return
		}
	}
	taken := uint64(0)
	for _, m := range x.set {
		in := *x.head
		in.Message, in.Size = msg, len(data)
		if t.sys.Deliver(m.pid, &in) == nil { // else it is a dead letter
			taken++
		}
	}
	x.g.delivered.Add(taken)
}

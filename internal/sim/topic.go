package sim

import (
	"fmt"
	"slices"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/topics/reliable"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// stripes is the number of trees of a topic.
const stripes = scribe.Stripes

// Topic is one topic of a world: at each node that takes part in it the machines
// of its trees, and the one that moves its events along them.
type Topic struct {
	f        *forest
	index    int32
	group    wire.Group
	reliable bool
	keys     [stripes]id.ID
	parts    []*part // by handle
	running  int     // of them
	members  int     // of them
	audit    audit
}

// part is what a node has of a topic, made by the first event for it.
type part struct {
	h         pastry.Handle
	trees     [stripes]*scribe.Machine
	routes    [stripes]scribe.Route
	data      *reliable.Machine
	wakes     [stripes + 1]pastry.Time // in the heap; 0: none
	member    bool
	since     pastry.Time // of the subscription
	published pastry.Time // last
	busy      bool        // being stepped: not to be dropped
	met       []pastry.Handle
	meets     int
}

// maxMet is how many of those it exchanged messages with a node is still linked to.
const maxMet = 48

// meet notes that there is a link to a node.
func (p *part) meet(h pastry.Handle) {
	switch {
	case slices.Contains(p.met, h):
	case len(p.met) < maxMet:
		p.met = append(p.met, h)
	default:
		p.met[p.meets%maxMet] = h
		p.meets++
	}
}

// knows reports whether the node has measured the round trip to h: there is, or was a
// moment ago, a link for the trees or for the overlay.
func (p *part) knows(f *forest, h pastry.Handle) bool {
	return slices.Contains(p.met, h) || f.w.members[p.h].node.RTT(h) > 0
}

// rtt is the measured round trip to a node, 0 without one.
func (p *part) rtt(f *forest, h pastry.Handle) time.Duration {
	if !p.knows(f, h) {
		return 0
	}
	return f.way(p.h, h)
}

// forget is how long a publisher's part outlives its last message.
const forget = 2 * time.Minute

// NewTopic adds a topic to the world.
func (w *World) NewTopic(name string, isReliable bool) *Topic {
	f := w.plant()
	t := &Topic{f: f, index: int32(len(f.topics)), group: wire.Group{Kind: wire.GroupTopic, Name: name}, reliable: isReliable}
	if isReliable {
		t.group.Kind = wire.GroupReliable
	}
	for i := range t.keys {
		t.keys[i] = scribe.StripeKey(id.Hash("topic", name), i, stripes)
	}
	t.audit.streams = map[reliable.Stream]*written{}
	f.topics = append(f.topics, t)
	return t
}

// at returns the part of a node, nil if it has none.
func (t *Topic) at(h pastry.Handle) *part {
	if int(h) >= len(t.parts) {
		return nil
	}
	return t.parts[h]
}

// part returns the part of a running node, made anew if need be.
func (t *Topic) part(h pastry.Handle) *part {
	if p := t.at(h); p != nil {
		return p
	}
	if int(h) >= len(t.parts) {
		t.parts = append(t.parts, make([]*part, len(t.f.w.members)-len(t.parts))...)
	}
	self := t.f.w.book.ID(h)
	p := &part{h: h, busy: true}
	rtt := func(n id.ID) time.Duration { return p.rtt(t.f, t.f.latest[n]) }
	p.data = reliable.New(reliable.Config{Self: self, Stripes: stripes, Reliable: t.reliable, RTT: rtt, Rand: t.f.rng})
	t.parts[h] = p
	t.running++
	for i := range p.trees {
		p.trees[i] = scribe.New(scribe.Config{Self: self, Key: t.keys[i], RTT: rtt, Rand: t.f.rng})
		p.routes[i] = t.route(h, i)
		t.tree(p, i, p.routes[i])
	}
	p.busy = false
	return p
}

// route is how the overlay of a node sees the key of a stripe.
func (t *Topic) route(h pastry.Handle, stripe int) (r scribe.Route) {
	w := t.f.w
	n := w.members[h].node
	next, self := n.NextHop(t.keys[stripe])
	if r.Root = self; !self && next != pastry.None {
		r.Next = w.book.ID(next)
	}
	if self {
		for _, l := range n.Nearest(t.keys[stripe], 3) {
			r.Leaves = append(r.Leaves, w.book.ID(l))
		}
	}
	return r
}

// rerouted tells the machines of a node what its last step changed.
func (f *forest) rerouted(h pastry.Handle) {
	if f.blind > f.w.now {
		return
	}
	for _, t := range f.topics {
		p := t.at(h)
		if p == nil {
			continue
		}
		for i := range p.trees {
			r, old := t.route(h, i), &p.routes[i]
			if r.Root == old.Root && r.Next == old.Next && slices.Equal(r.Leaves, old.Leaves) {
				continue
			}
			*old = r
			t.tree(p, i, r)
		}
		t.retire(p)
	}
	for _, l := range f.lists {
		l.rerouted(h)
	}
}

// Subscribe sets whether a node takes the events of the topic.
func (t *Topic) Subscribe(h pastry.Handle, want bool) {
	p := t.part(h)
	if p.member != want {
		p.member, p.since = want, t.f.w.now
		if want {
			t.members++
			t.audit.restart(h) // at the place where its parents are
		} else {
			t.members--
		}
	}
	t.data(p, reliable.Local{Want: want})
	for i := range p.trees {
		t.tree(p, i, scribe.Subscribe{Want: want})
	}
	t.retire(p)
}

// Publish lets a node publish an event.
func (t *Topic) Publish(h pastry.Handle) {
	p := t.part(h)
	p.published = t.f.w.now
	t.data(p, reliable.Publish{Body: wire.Body{Data: []byte("event")}})
	s, seq, _ := p.data.Published()
	t.audit.wrote(s, seq, p)
}

// tree steps the machine of a stripe and lets the data follow it.
func (t *Topic) tree(p *part, stripe int, e scribe.Event) {
	f, m := t.f, p.trees[stripe]
	var out scribe.Out
	m.Step(f.clock(p.h), e, &out)
	f.stepped(p.h, stripe, len(out.Sends))
	for _, s := range out.Sends {
		f.post(p.h, s.To, parcel{msg: s.Msg, topic: t.index, stripe: int8(stripe)})
	}
	if out.Changed {
		k := m.Tree()
		t.data(p, reliable.Place{
			Stripe: stripe, InTree: k.Entry == f.w.book.ID(p.h), Root: k.Root, Parent: k.Parent, Children: k.Children,
			Entry: k.Entry, Copies: k.Copies, Sample: k.Sample,
		})
	}
	for _, n := range out.Attaches {
		t.data(p, reliable.Attach{Stripe: stripe, To: n})
	}
	t.arm(p, stripe, out.Wake)
	if f.w.Check {
		t.hold(p, m.Valid())
	}
}

// data steps the machine that moves the events.
func (t *Topic) data(p *part, e reliable.Event) {
	f := t.f
	var out reliable.Out
	p.data.Step(f.clock(p.h), e, &out)
	f.stepped(p.h, stripes, len(out.Sends)<<8|len(out.Ups))
	for _, s := range out.Sends {
		f.post(p.h, s.To, parcel{msg: s.Msg, topic: t.index, stripe: toData})
	}
	for _, u := range out.Ups {
		t.up(p, u)
	}
	t.arm(p, stripes, out.Wake)
	if f.w.Check {
		t.hold(p, p.data.Valid())
	}
}

func (t *Topic) hold(p *part, err error) {
	if err != nil {
		t.f.w.fail("topic at %v, %v: %w", t.f.w.book.ID(p.h).Short(), t.f.w.now, err)
	}
}

// stepped takes a step into the hash.
func (f *forest) stepped(h pastry.Handle, machine, effects int) {
	f.w.steps++
	f.w.mix(uint64(f.w.now))
	f.w.mix(uint64(h)<<32 | uint64(machine)<<24 | uint64(effects))
}

// clock is what a node's clock shows now.
func (f *forest) clock(h pastry.Handle) time.Time {
	return epoch.Add(f.w.members[h].skew.local(f.w.now))
}

// arm puts the wake-up of a machine into the heap.
func (t *Topic) arm(p *part, machine int, at time.Time) {
	if at.IsZero() {
		return
	}
	when := max(t.f.w.members[p.h].skew.world(at.Sub(epoch)), t.f.w.now, 1)
	if p.wakes[machine] != 0 && p.wakes[machine] <= when {
		return
	}
	p.wakes[machine] = when
	t.f.mail.push(event{at: when, seq: t.f.w.order(), node: p.h, msg: -1 - t.index*(stripes+1) - int32(machine)})
}

// machine returns the part and machine that a wake-up is for.
func (f *forest) machine(e *event) (t *Topic, p *part, machine int) {
	i := -1 - e.msg
	t = f.topics[i/(stripes+1)]
	return t, t.at(e.node), int(i % (stripes + 1))
}

// rearm moves a wake-up that came while the node stood still.
func (f *forest) rearm(e *event, was pastry.Time) {
	if i := -1 - e.msg; i >= listWake {
		if s := f.lists[i-listWake].at(e.node); s != nil && s.wake == was {
			s.wake = e.at
		}
		return
	}
	if _, p, k := f.machine(e); p != nil && p.wakes[k] == was {
		p.wakes[k] = e.at
	}
}

func (f *forest) wake(e *event) {
	if i := -1 - e.msg; i >= listWake {
		f.lists[i-listWake].woke(e)
		return
	}
	t, p, k := f.machine(e)
	if p == nil || p.wakes[k] != e.at { // superseded
		return
	}
	p.wakes[k] = 0
	if k < stripes {
		t.tree(p, k, scribe.Tick{})
	} else {
		t.data(p, reliable.Tick{})
	}
	t.retire(p)
}

// retire drops a part of which nothing is left.
func (t *Topic) retire(p *part) {
	if p.busy || p.member || p.published != 0 && t.f.w.now-p.published < forget {
		return
	}
	for i := range p.trees {
		if !p.trees[i].Idle() {
			return
		}
	}
	if t.at(p.h) == p {
		t.drop(p.h)
	}
}

// drop forgets the part of a node.
func (t *Topic) drop(h pastry.Handle) {
	if p := t.at(h); p != nil {
		if p.member {
			t.members--
		}
		t.parts[h] = nil
		t.running--
	}
}

// sweep drops what publishers kept for a while.
func (t *Topic) sweep() {
	for _, p := range t.parts {
		if p != nil {
			t.retire(p)
		}
	}
}

// up takes what the subscriber of a node gets.
func (t *Topic) up(p *part, u reliable.Up) {
	if !p.member {
		t.hold(p, fmt.Errorf("an event without a subscription"))
		return
	}
	t.audit.up(t, p, u)
}

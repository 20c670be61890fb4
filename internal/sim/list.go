package sim

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/topics/tree"
	"iris/transport/wire"
)

// List is a small group of a world: at each node that takes part in it the machine
// that keeps its member list. Who is the root of the group is found through the
// overlay; from then on everything goes direct.
type List struct {
	f     *forest
	index int32
	group wire.Group
	key   id.ID
	parts []*seat // by handle
	seq   uint64  // numbers questions for the root

	taken func(s *seat, from pastry.Handle, msg any) // what is no frame of the machines
	moved func(s *seat)                              // the view of s changed
	mourn func(s *seat, n id.ID)                     // the node of s takes n for dead
}

// seat is what a node has of a list, made by the first event for it.
type seat struct {
	h       pastry.Handle
	m       *tree.Machine
	ring    tree.Ring
	wake    pastry.Time
	asking  uint64 // the question that is out; 0: none
	members uint32
	joined  bool // the root knows
	view    *tree.View
	used    bool // the view, since the last tick
	busy    bool
}

const (
	toList    = -3
	listWake  = 1 << 20 // wake-ups of lists are counted from here
	giveUp    = 5 * time.Second
	listJoin  = 1 // the waiters of a machine
	listAsk   = 2
	questions = 1 << 63 // bit of the ids of questions: they are no lookups
)

// NewList adds a group to the world that is kept as a list.
func (w *World) NewList(g wire.Group) *List {
	f := w.plant()
	l := &List{f: f, index: int32(len(f.lists)), group: g, key: tree.Key(g)}
	f.lists = append(f.lists, l)
	return l
}

func (l *List) at(h pastry.Handle) *seat {
	if int(h) >= len(l.parts) {
		return nil
	}
	return l.parts[h]
}

// seat returns the seat of a running node, made anew if need be.
func (l *List) seat(h pastry.Handle) *seat {
	if s := l.at(h); s != nil {
		return s
	}
	if int(h) >= len(l.parts) {
		l.parts = append(l.parts, make([]*seat, len(l.f.w.members)-len(l.parts))...)
	}
	s := &seat{h: h, busy: true, m: tree.New(tree.Config{
		Self: l.f.w.book.ID(h), Group: l.group, Index: uint32(l.index), Epoch: uint64(l.f.clock(h).UnixMicro()),
	})}
	l.parts[h] = s
	s.ring = l.ring(h)
	l.step(s, s.ring)
	s.busy = false
	return s
}

// ring is how the overlay of a node sees the key of the list.
func (l *List) ring(h pastry.Handle) tree.Ring {
	const nearest = 5
	w := l.f.w
	n := w.members[h].node
	r := tree.Ring{Structured: true}
	for _, x := range n.Nearest(l.key, nearest) {
		r.Nearest = append(r.Nearest, w.book.ID(x))
	}
	_, self := n.NextHop(l.key)
	if r.Nearest == nil && !self {
		return r
	}
	i, me := 0, w.book.ID(h)
	for i < len(r.Nearest) && id.Closer(l.key, r.Nearest[i], me) {
		i++
	}
	r.Nearest = slices.Insert(r.Nearest, i, me)
	r.Nearest = r.Nearest[:min(len(r.Nearest), nearest)]
	r.Root = r.Nearest[0]
	return r
}

// rerouted tells the machine of a node what changed in the ring.
func (l *List) rerouted(h pastry.Handle) {
	s := l.at(h)
	if s == nil {
		return
	}
	if r := l.ring(h); r.Root != s.ring.Root || !slices.Equal(r.Nearest, s.ring.Nearest) {
		s.ring = r
		l.step(s, r)
	}
}

// down tells the machine of a node that another is gone.
func (l *List) down(h pastry.Handle, n id.ID) {
	if s := l.at(h); s != nil {
		r := s.ring
		r.Down = []id.ID{n}
		l.step(s, r)
		if l.mourn != nil {
			l.mourn(s, n)
		}
	}
}

// Join makes a node a member of the list; with 0 members it leaves.
func (l *List) Join(h pastry.Handle, members uint32) {
	s := l.seat(h)
	s.members, s.joined = members, false
	l.step(s, tree.Join{Members: members, Waiter: listJoin})
}

// View returns the list as a node has it, nil while it does not; then it asks.
func (l *List) View(h pastry.Handle) *tree.View {
	s := l.seat(h)
	if s.used = true; s.view.Live(l.f.clock(h)) {
		return s.view
	}
	l.step(s, tree.Ask{Waiter: listAsk})
	if s.view.Live(l.f.clock(h)) {
		return s.view
	}
	return nil
}

// step steps the machine of a node and performs what it wants.
func (l *List) step(s *seat, e tree.Event) {
	f := l.f
	var out tree.Out
	s.m.Step(f.clock(s.h), e, &out)
	f.stepped(s.h, toList&0xff, len(out.Sends)<<8|len(out.Answers))
	if s.view = out.View; out.Changed && l.moved != nil {
		l.moved(s)
	}
	for _, x := range out.Sends {
		f.post(s.h, x.To, parcel{msg: x.Frame, topic: l.index, stripe: toList})
	}
	for _, a := range out.Answers {
		if a.Waiter == listJoin {
			s.joined = a.Code == tree.CodeOK
		}
	}
	if out.Locate && s.asking == 0 {
		l.locate(s)
	}
	if !out.Wake.IsZero() {
		when := max(f.w.members[s.h].skew.world(out.Wake.Sub(epoch)), f.w.now, 1)
		if s.wake == 0 || when < s.wake {
			s.wake = when
			f.mail.push(event{at: when, seq: f.w.order(), node: s.h, msg: -1 - listWake - l.index})
		}
	}
	if out.Idle && !s.busy && s.members == 0 && s.asking == 0 {
		l.parts[s.h] = nil
	}
}

// question asks a node's overlay, in a moment, for the root of the list.
type question struct {
	id    uint64
	ended bool // it was out for giveUp
}

// locate asks the overlay for the root.
func (l *List) locate(s *seat) {
	l.seq++
	s.asking = questions | uint64(l.index)<<40 | l.seq
	l.f.put(l.f.w.now, s.h, s.h, parcel{msg: question{id: s.asking}, topic: l.index, stripe: toList})
	l.f.put(l.f.w.now+giveUp, s.h, s.h, parcel{msg: question{s.asking, true}, topic: l.index, stripe: toList})
}

// query handles a question or an answer that the overlay delivers at a node. It
// answers later: this runs within a step of the node.
func (f *forest) query(at pastry.Handle, m *pastry.Msg) {
	index := int32(m.ID >> 40 & 0xffff)
	if m.ID&questions == 0 || int(index) >= len(f.lists) {
		return
	}
	q, _ := m.Body.(pastry.Query)
	f.put(f.w.now, m.Origin, at, parcel{msg: heard{m.ID, q}, topic: index, stripe: toList})
}

// heard is a question or an answer that came through the overlay.
type heard struct {
	id uint64
	pastry.Query
}

// take handles what arrives at a node for the list.
func (l *List) take(h, from pastry.Handle, msg any) {
	w := l.f.w
	switch m := msg.(type) {
	case wire.Frame:
		l.step(l.seat(h), tree.Recv{From: w.book.ID(from), Frame: m})
	case question:
		s := l.at(h)
		switch {
		case s == nil || s.asking != m.id:
		case m.ended:
			s.asking = 0
			l.step(s, tree.Located{})
		default:
			w.step(h, &pastry.Event{Kind: pastry.Send, Msg: &pastry.Msg{Key: l.key, ID: m.id, Body: pastry.Query{}}})
		}
	case heard:
		if !m.Answer {
			w.step(h, &pastry.Event{Kind: pastry.Send, Msg: &pastry.Msg{Key: w.book.ID(from), ID: m.id, Body: pastry.Query{Answer: true, Node: h}}})
			return
		}
		if s := l.at(h); s != nil && s.asking == m.id {
			s.asking = 0
			l.step(s, tree.Located{Node: w.book.ID(m.Node)})
		}
	default:
		if s := l.at(h); s != nil && l.taken != nil {
			l.taken(s, from, msg)
		}
	}
}

// woke is a wake-up of the machine of a node.
func (l *List) woke(e *event) {
	s := l.at(e.node)
	if s == nil || s.wake != e.at {
		return
	}
	s.wake = 0
	used := s.used
	s.used = false
	l.step(s, tree.Tick{Used: used})
}

// Agreed reports whether every member is acknowledged and every view is the list of
// all members.
func (l *List) Agreed() bool {
	w := l.f.w
	members := 0
	for _, s := range l.parts {
		if s != nil && s.members > 0 {
			members++
			if !s.joined {
				return false
			}
		}
	}
	for _, s := range l.parts {
		if s == nil || s.view == nil {
			continue
		}
		if len(s.view.Entries) != members {
			return false
		}
		for _, e := range s.view.Entries {
			if x := l.at(l.f.latest[e.Node]); x == nil || x.members == 0 || w.members[x.h].node == nil {
				return false
			}
		}
	}
	return true
}

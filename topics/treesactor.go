package topics

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/topics/reliable"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// treesActor is iris/topics/trees/<kind>/<name>: the shell around the machines of
// one group, a tree of package scribe for each stripe and what package reliable
// moves along them.
//
//	lane readers, publishers ──▶ inbox ──▶ scribe ×2 ──▶ reliable ──▶ members here
//	                                          └─ frames ──┴──▶ Router.Post, fanout lane
//
// A restart makes new machines. They go on where the subscribers here are, after
// the neighbours of the old ones were told to look for others.
type treesActor struct {
	t       *Topics
	tr      *trees
	routes  *router.Routes
	stripes [scribe.Stripes]stripe
	data    *reliable.Machine
	treeOut scribe.Out
	dataOut reliable.Out
	ups     []reliable.Up // of the last step, still to be delivered
	lost    []id.ID       // neighbours to whom the last step could not send data
	sending *publication  // the one whose step runs
	posted  struct {      // one frame serves all edges
		data  *reliable.Data
		frame wire.Frame
	}
	counted reliable.Counters // reported as dead letters so far

	dataWake time.Time
	listed   time.Time // until when what came because of the list must be known again
	repayAt  time.Time // when to try again to tell subscribers what they miss; zero: nobody
	wake     time.Time
	cancel   func()
	member   bool
	moved    bool // a tree differs from what the router was asked to keep
	kept     []id.ID
	links    map[id.ID]link // to the neighbours, when last seen
	told     treesState     // to the list's actor
	offered  uint64         // entries of the inbox when this actor last offered to end
}

// stripe is one tree.
type stripe struct {
	machine *scribe.Machine
	tree    scribe.Tree
	route   scribe.Route
	routed  bool
	wake    time.Time
	parent  id.ID // reported last
}

// turnItems is how much of its inbox an actor works off before it looks at its
// other messages.
const turnItems = 128

func (a *treesActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *drain:
		a.drain(ctx)
	case *ring:
		a.route()
		for _, n := range msg.down {
			a.down(n)
		}
	case *tick:
		if !msg.at.Equal(a.wake) {
			return
		}
		a.wake = time.Time{}
		a.tick()
	case *actor.Restarting, *actor.Stopping:
		a.end()
		return
	default:
		return
	}
	a.settle(ctx)
}

func (a *treesActor) start(ctx actor.Context) {
	a.routes, a.links = a.t.router.Routes(), map[id.ID]link{}
	seed := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for i := range a.stripes {
		a.stripes[i].machine = scribe.New(scribe.Config{Self: a.t.self, Key: stripeKey(a.tr.key, i), RTT: a.rtt, Rand: seed})
	}
	a.data = reliable.New(reliable.Config{
		Self: a.t.self, Stripes: scribe.Stripes, Reliable: a.tr.key.Kind == wire.GroupReliable, RTT: a.rtt, Rand: seed,
	})
	if p := a.tr.current; p != nil { // a crash took it
		a.tr.current = nil
		p.answer(sent{err: actor.ErrLost})
	}
	a.step(reliable.Restore{State: a.tr.state})
	a.routes = nil
	a.route()
	a.tr.started(ctx.Self())
	a.intend()
	a.drain(ctx)
}

func (a *treesActor) rtt(n id.ID) time.Duration {
	p, _ := a.routes.Peer(n)
	return p.RTT
}

// end keeps what a successor goes on with, and lets the neighbours go.
func (a *treesActor) end() {
	if a.data == nil {
		return
	}
	s := a.data.State()
	for _, u := range a.ups { // what was not delivered is still to come
		k, first := u.Gap.Stream, u.Gap.From
		if u.Data != nil {
			k, first = u.Data.Stream, u.Seq
		}
		for i := range s.Marks {
			if m := &s.Marks[i]; m.Stream == k && m.Low >= first {
				m.Low, m.High = first-1, first-1
			}
		}
	}
	a.tr.state = s
	a.tr.settled.Store(false)
	for i := range a.stripes {
		t := a.stripes[i].machine.Tree()
		if !t.Parent.IsZero() {
			a.post(t.Parent, scribe.Frame(a.tr.key, i, &scribe.Leave{}))
		}
		for _, c := range t.Children {
			a.post(c, scribe.Frame(a.tr.key, i, &scribe.Ack{Code: scribe.Dropped}))
		}
	}
}

// drain works off the inbox.
func (a *treesActor) drain(ctx actor.Context) {
	for range turnItems {
		x, poked, ok := a.tr.in.take()
		if poked {
			a.intend()
		}
		if !ok {
			return
		}
		switch m := x.what.(type) {
		case scribe.Message:
			a.recv(x.from, x.stripe, m)
		case reliable.Message:
			if d, ok := m.(*reliable.Data); ok && !a.member {
				a.listed = time.Now().Add(listedFor)
				a.step(reliable.Listed{From: x.from, Data: d})
			} else {
				a.step(reliable.Recv{From: x.from, Msg: m})
			}
		case *publication:
			a.publish(m)
		case reliable.Lost:
			a.step(m)
		}
	}
	ctx.Send(ctx.Self(), &drain{})
}

// recv takes a message of a neighbour in a tree. Of places that cost the same, for
// nothing was measured yet, not everybody is to take the first.
func (a *treesActor) recv(from id.ID, i int, m scribe.Message) {
	if ack, ok := m.(*scribe.Ack); ok && ack.Code == scribe.Redirect {
		rand.Shuffle(len(ack.Others), func(i, j int) { ack.Others[i], ack.Others[j] = ack.Others[j], ack.Others[i] })
	}
	a.tree(i, scribe.Recv{From: from, Msg: m})
}

// intend carries out what this node wants.
func (a *treesActor) intend() {
	member, mode := a.tr.intent()
	if member != a.member {
		a.member = member
		a.step(reliable.Local{Want: member})
		for i := range a.stripes {
			a.tree(i, scribe.Subscribe{Want: member})
		}
	}
	a.tree(0, scribe.SetMode{Mode: mode})
}

// route tells the trees how the overlay sees their keys now.
func (a *treesActor) route() {
	r := a.t.router.Routes()
	if r == a.routes {
		return
	}
	a.routes = r
	for i := range a.stripes {
		s, key := &a.stripes[i], stripeKey(a.tr.key, i)
		next, root := r.NextHop(key)
		if next.IsZero() && !root {
			continue // not known here at the moment
		}
		e := scribe.Route{Root: root}
		if root {
			e.Leaves = slices.DeleteFunc(r.Nearest(key, 4), func(n id.ID) bool { return n == a.t.self })
		} else {
			e.Next = next
		}
		if s.routed && s.route.Root == e.Root && s.route.Next == e.Next && slices.Equal(s.route.Leaves, e.Leaves) {
			continue
		}
		s.route, s.routed = e, true
		a.tree(i, e)
	}
}

func (a *treesActor) down(n id.ID) {
	delete(a.links, n)
	for i := range a.stripes {
		a.tree(i, scribe.Down{Node: n})
	}
	a.step(reliable.Down{Node: n})
}

// tick does what is due.
func (a *treesActor) tick() {
	a.route()
	a.relink()
	now := time.Now()
	for i := range a.stripes {
		if w := a.stripes[i].wake; !w.IsZero() && !now.Before(w) {
			a.tree(i, scribe.Tick{})
		}
	}
	if !a.dataWake.IsZero() && !now.Before(a.dataWake) {
		a.step(reliable.Tick{})
	}
	a.repay()
}

// tree steps the tree of a stripe and lets the data follow: what resumes an edge
// goes right behind the join.
func (a *treesActor) tree(i int, e scribe.Event) {
	s, out := &a.stripes[i], &a.treeOut
	out.Reset()
	s.machine.Step(time.Now(), e, out)
	s.wake = out.Wake
	for _, m := range out.Sends {
		a.post(m.To, scribe.Frame(a.tr.key, i, m.Msg))
	}
	if out.Changed {
		t := s.machine.Tree()
		s.tree, a.moved = t, true
		a.tr.shape[i].Store(&t)
		a.step(reliable.Place{
			Stripe: i, InTree: t.Entry == a.t.self, Root: t.Root, Parent: t.Parent, Children: t.Children,
			Entry: t.Entry, Copies: t.Copies, Sample: t.Sample,
		})
		a.parents(s)
	}
	for _, n := range out.Attaches {
		a.step(reliable.Attach{Stripe: i, To: n})
	}
}

// parents reports a new parent.
func (a *treesActor) parents(s *stripe) {
	p := s.tree.Parent
	if p.IsZero() || p == s.parent {
		return
	}
	ev := &actor.TreeParentChanged{Topic: a.tr.key.Name, Parent: p.String()}
	if !s.parent.IsZero() {
		ev.Previous = s.parent.String()
	}
	s.parent = p
	a.t.sys.Events().Publish(ev)
}

// step steps the data machine and does what it wants.
func (a *treesActor) step(e reliable.Event) {
	out := &a.dataOut
	out.Reset()
	a.data.Step(time.Now(), e, out)
	a.dataWake = out.Wake
	for _, s := range out.Sends {
		a.send(s)
	}
	a.ups = out.Ups
	for len(a.ups) > 0 {
		u := a.ups[0]
		a.ups = a.ups[1:] // before: an event that kills this actor is not to kill the next
		a.up(u)
	}
	a.count()
	a.mourn()
}

// count reports what the data machine of a plain topic dropped as dead letters;
// what a reliable topic loses is a gap.
func (a *treesActor) count() {
	c := a.data.Counters
	if a.tr.key.Kind == wire.GroupTopic {
		if n := c.Homeless - a.counted.Homeless; n > 0 {
			a.t.dropped(actor.ErrUnreachable, a.tr.name(), "event without a way", n)
		}
		if n := c.Late - a.counted.Late; n > 0 {
			a.t.sys.Dropped(actor.DeadLate, a.tr.name(), "event overtaken by a later one", "", n)
		}
	}
	a.counted = c
}

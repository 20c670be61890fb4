package topics

import (
	"iris/actor"
	"iris/internal/id"
	"iris/topics/reliable"
	"iris/topics/scribe"
	"iris/transport"
	"iris/transport/wire"
)

// handleTrees installs the handlers of the frames of trees. They run on the lane
// readers' goroutines and do not block.
func (t *Topics) handleTrees() {
	for _, k := range []wire.Kind{
		wire.KindTreeJoin, wire.KindTreeAck, wire.KindTreeLeave, wire.KindTreeReplica, wire.KindTreeInvite,
	} {
		t.net.Handle(k, t.onTree)
	}
	for _, k := range []wire.Kind{
		wire.KindTopicData, wire.KindTopicSync, wire.KindTopicDigest, wire.KindTopicPull, wire.KindTopicEnter,
	} {
		t.net.Handle(k, t.onTopic)
	}
}

// treesKind reports whether a group has trees.
func treesKind(g wire.Group) bool { return g.Kind == wire.GroupTopic || g.Kind == wire.GroupReliable }

// onTree takes a frame by which trees are built.
func (t *Topics) onTree(from id.ID, f wire.Frame) {
	g := treeGroup(f)
	m, stripe, err := scribe.Parse(f)
	if err != nil || !treesKind(g) {
		t.passOver(actor.DeadCodec, g, f, from)
		return
	}
	t.enqueue(g, f, item{from: from, stripe: stripe, what: m, size: f.Size()}, func() bool {
		switch m := m.(type) {
		case *scribe.Join:
			return m.Kind == scribe.Overlay
		case *scribe.Replica:
			return len(m.Children) > 0
		}
		return false
	})
}

// onTopic takes a frame that carries events, or mends what was lost.
func (t *Topics) onTopic(from id.ID, f wire.Frame) {
	g := topicGroup(f)
	m, err := reliable.Parse(f)
	if err != nil || !treesKind(g) {
		t.passOver(actor.DeadCodec, g, f, from)
		return
	}
	t.enqueue(g, f, item{from: from, what: m, size: f.Size()}, func() bool {
		d, ok := m.(*reliable.Data)
		return ok && t.listed(g, from, d)
	})
}

// passOver counts a frame that is not handled. Only those that carry events are messages.
func (t *Topics) passOver(r actor.DeadReason, g wire.Group, f wire.Frame, from id.ID) {
	if f.Kind() == wire.KindTopicData {
		t.sys.Dropped(r, "trees/"+g.Name, f.Kind().String(), from.String(), 1)
		return
	}
	t.sys.Lost(r, "trees/"+g.Name, f.Kind().String(), from.String())
}

// listed reports whether an event of a plain topic was sent by its publisher to
// this node because members here are on the list, and not in the trees yet.
func (t *Topics) listed(g wire.Group, from id.ID, d *reliable.Data) bool {
	if g.Kind != wire.GroupTopic || d.Hops > 0 || d.Publisher != from {
		return false
	}
	members := t.find(wire.GroupTopic, g.Name)
	return members != nil && len(*members.local.Load()) > 0
}

// enqueue hands a message to the actor of its group. If there is none, makes says
// whether the message makes one; else it is answered as that would.
func (t *Topics) enqueue(g wire.Group, f wire.Frame, x item, makes func() bool) {
	for {
		tr := t.treesOf(g)
		if tr == nil && makes() {
			by := x.from
			if _, data := x.what.(*reliable.Data); data {
				by = id.ID{} // members here are the reason
			}
			tr = t.plant(g, by)
		}
		if tr == nil {
			t.stray(g, x)
			return
		}
		switch err := tr.put(x); err {
		case nil:
			return
		case errWithered:
		default:
			t.passOver(reasonOf(err), g, f, x.from)
			return
		}
	}
}

// stray answers a message for trees that this node has no part in, so that the
// sender learns it, and passes on what is on its way to the root.
func (t *Topics) stray(g wire.Group, x item) {
	answer := func(m scribe.Message) { t.mail(x.from, scribe.Frame(g, x.stripe, m)) }
	switch m := x.what.(type) {
	case *scribe.Join:
		next, _ := t.router.Routes().NextHop(stripeKey(g, x.stripe))
		if next == t.self {
			next = id.ID{} // there are too many trees here
		}
		if m.Kind == scribe.Refresh {
			answer(&scribe.Ack{Seq: m.Seq, Code: scribe.Dropped})
		} else {
			answer(&scribe.Ack{Seq: m.Seq, Code: scribe.Unrooted, Next: next})
		}
	case *scribe.Ack:
		if m.Code == scribe.Accepted {
			answer(&scribe.Leave{})
		}
	case *reliable.Data:
		x.stripe = scribe.StripeOf(m.Publisher, scribe.Stripes)
		if m.Hops == 0 { // one of us believes that there is an edge
			answer(&scribe.Leave{})
			return
		}
		on := *m
		on.Hops++
		t.pass(g, x.stripe, on.Hops, &on)
	case *reliable.Digest:
		if m.Hops == 0 || len(m.Marks) == 0 {
			return
		}
		on := *m
		on.Hops++
		t.pass(g, scribe.StripeOf(m.Marks[0].Publisher, scribe.Stripes), on.Hops, &on)
	}
}

// pass sends a publisher's message on towards the root of its stripe. If that is
// this node there are no subscribers.
func (t *Topics) pass(g wire.Group, stripe int, hops uint8, m reliable.Message) {
	next, root := t.router.Routes().NextHop(stripeKey(g, stripe))
	if root || next.IsZero() || hops > maxTreeHops {
		return
	}
	t.mail(next, reliable.Frame(g, m))
}

// maxTreeHops is how many nodes outside the tree a message may pass.
const maxTreeHops = 32

// mail sends a frame that may be lost.
func (t *Topics) mail(n id.ID, f wire.Frame) { _ = t.router.Post(n, transport.Fanout, f) }

func treeGroup(f wire.Frame) wire.Group {
	switch f := f.(type) {
	case *wire.TreeJoin:
		return f.Group
	case *wire.TreeAck:
		return f.Group
	case *wire.TreeLeave:
		return f.Group
	case *wire.TreeReplica:
		return f.Group
	case *wire.TreeInvite:
		return f.Group
	}
	return wire.Group{}
}

func topicGroup(f wire.Frame) wire.Group {
	switch f := f.(type) {
	case *wire.TopicData:
		return f.Group
	case *wire.TopicSync:
		return f.Group
	case *wire.TopicDigest:
		return f.Group
	case *wire.TopicPull:
		return f.Group
	case *wire.TopicEnter:
		return f.Group
	}
	return wire.Group{}
}

package topics

import (
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// StripeKey returns the point of the ring of one tree of a topic, where its root is.
func StripeKey(topic string, reliable bool, stripe int) id.ID {
	return stripeKey(treesGroup(topic, reliable), stripe)
}

func treesGroup(topic string, reliable bool) wire.Group {
	if reliable {
		return wire.Group{Kind: wire.GroupReliable, Name: topic}
	}
	return wire.Group{Kind: wire.GroupTopic, Name: topic}
}

// Children returns whom this node passes events of a topic on to in one of its trees.
func (t *Topics) Children(topic string, reliable bool, stripe int) []id.ID {
	tr := t.treesOf(treesGroup(topic, reliable))
	if tr == nil || stripe < 0 || stripe >= len(tr.shape) {
		return nil
	}
	if s := tr.shape[stripe].Load(); s != nil {
		return s.Children
	}
	return nil
}

// GroupInfo is who is in a cluster or topic.
type GroupInfo struct {
	Nodes    []id.ID // that serve the cluster, or are on the list of the topic, by id
	Trees    bool    // events of the topic go along trees, in which there may be more nodes
	Reliable bool    // of Nodes, some take reliable events, which have trees of their own
}

// Leased describes a cluster or topic by the list that this node sends by; false if it has
// none now. It asks nobody, and a list that only people look at is not kept for them.
// kind is actor.Request or actor.Event.
func (t *Topics) Leased(kind actor.Kind, name string) (GroupInfo, bool) {
	g := t.find(groupKind(kind), name)
	if g == nil {
		return GroupInfo{}, false
	}
	v := g.view.Load()
	if !v.Live(time.Now()) {
		return GroupInfo{}, false
	}
	return groupInfo(v.Entries, v.Mode), true
}

// Kept describes a cluster or topic by the list that this node keeps as its root; nobody
// is in one that it keeps no list of.
func (t *Topics) Kept(kind actor.Kind, name string) GroupInfo {
	g := t.find(groupKind(kind), name)
	if g == nil {
		return GroupInfo{}
	}
	l := g.kept.Load()
	if l == nil {
		return GroupInfo{}
	}
	return groupInfo(l.Entries, l.Mode)
}

func groupInfo(entries []wire.Entry, mode scribe.Mode) GroupInfo {
	i := GroupInfo{Nodes: make([]id.ID, len(entries)), Trees: mode == scribe.Trees}
	for at := range entries {
		i.Nodes[at] = entries[at].Node
		i.Reliable = i.Reliable || entries[at].Reliable
	}
	return i
}

// keep notes the list that this node keeps as the root.
func (g *group) keep(l tree.Listed, reigns bool) {
	old := g.kept.Load()
	switch {
	case !reigns && old != nil:
		g.kept.Store(nil)
	case reigns && (old == nil || old.Mode != l.Mode || !same(old.Entries, l.Entries)):
		g.kept.Store(&l)
	}
}

// same reports whether two lists, which nobody changes, are one.
func same(a, b []wire.Entry) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// Known calls f for every node that this node knows to be in some cluster or topic, some of
// them more than once.
func (t *Topics) Known(f func(id.ID)) {
	for _, g := range t.all() {
		if v := g.view.Load(); v != nil {
			for i := range v.Entries {
				f(v.Entries[i].Node)
			}
		}
	}
}

package topics

import (
	"iris/internal/best"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// TopicInfo describes a topic that has a subscriber or publisher here, or passes through.
type TopicInfo struct {
	Name        string
	Trees       bool // its plain events go along trees, not to a list
	Reliable    bool
	Subscribers int
	Root        id.ID // where its list is kept; zero if it is not known here
	Published   uint64
	Delivered   uint64 // to subscribers here
	Forwarded   uint64 // to other nodes
	Gaps        uint64
	Missed      uint64      // events in those gaps
	Listed      []id.ID     // nodes to which events of this node go directly; only of one asked for by name
	Places      []TreePlace // of this node in its trees
}

// TreePlace is a place in one tree.
type TreePlace struct {
	Reliable bool // of the trees of reliable subscribers
	Stripe   int
	Root     id.ID   // zero if it is not known
	Parent   id.ID   // zero at the root
	Children []id.ID // shared: read only
	Depth    int     // steps to the root
}

// Topics describes the topics that this node has to do with, in the order of their names:
// those after a name, at most limit. total counts all.
func (t *Topics) Topics(after string, limit int) (list []TopicInfo, total int) {
	page := best.New(limit, func(a, b string) bool { return a < b })
	t.eachTopic(func(name string) {
		if total++; name > after {
			page.Offer(name)
		}
	})
	for _, name := range page.Sorted() {
		list = append(list, t.topicInfo(name))
	}
	return list, total
}

// EachTopic calls f with those topics that Topics describes whose names want takes, in any order. Only they are looked into.
// f must not keep what it gets.
func (t *Topics) EachTopic(want func(name string) bool, f func(*TopicInfo)) {
	t.eachTopic(func(name string) {
		if want(name) {
			i := t.topicInfo(name)
			f(&i)
		}
	})
}

func (t *Topics) eachTopic(f func(name string)) {
	for _, g := range t.all() {
		if g.key.Kind == wire.GroupTopic && g.busyTopic() {
			f(g.key.Name)
		}
	}
	for _, tr := range t.allTrees() {
		if t.lonely(tr) {
			f(tr.key.Name)
		}
	}
}

// lonely reports whether trees pass through a node that has no other part in their topic,
// and are the ones to list of two.
func (t *Topics) lonely(tr *trees) bool {
	if g := t.find(wire.GroupTopic, tr.key.Name); g != nil && g.busyTopic() || !tr.inTree() {
		return false
	}
	if tr.key.Kind == wire.GroupTopic {
		return true
	}
	plain := t.treesOf(wire.Group{Kind: wire.GroupTopic, Name: tr.key.Name})
	return plain == nil || !plain.inTree()
}

// busyTopic reports whether there is a subscriber or a publisher here, or was lately.
func (g *group) busyTopic() bool { return len(*g.local.Load()) > 0 || g.view.Load() != nil }

// Topic describes one topic with the nodes its events go to; false if this node has nothing to do with it.
func (t *Topics) Topic(name string) (TopicInfo, bool) {
	i := t.topicInfo(name)
	g := t.find(wire.GroupTopic, name)
	if g == nil && len(i.Places) == 0 {
		return TopicInfo{}, false
	}
	if g != nil {
		if v := g.view.Load(); v != nil {
			for at := range v.Entries {
				i.Listed = append(i.Listed, v.Entries[at].Node)
			}
		}
	}
	return i, true
}

func (t *Topics) topicInfo(name string) TopicInfo {
	i := TopicInfo{Name: name, Root: t.router.Routes().Root(tree.Key(wire.Group{Kind: wire.GroupTopic, Name: name}))}
	if g := t.find(wire.GroupTopic, name); g != nil {
		i.fill(g)
	}
	for _, kind := range []uint8{wire.GroupTopic, wire.GroupReliable} {
		if tr := t.treesOf(wire.Group{Kind: kind, Name: name}); tr != nil {
			i.place(tr)
		}
	}
	return i
}

// fill adds what the group knows.
func (i *TopicInfo) fill(g *group) {
	if r := g.way.Load(); r != nil {
		r.harvest(g)
	}
	i.Subscribers = len(*g.local.Load())
	i.Published, i.Forwarded, i.Delivered = g.published.Load(), g.forwarded.Load(), g.delivered.Load()
	i.Reliable = g.surely || g.takes.Load()
	if v := g.view.Load(); v != nil {
		i.Trees = v.Mode == scribe.Trees
		if i.Root.IsZero() {
			i.Root = v.Root
		}
	}
}

// place adds what trees know.
func (i *TopicInfo) place(tr *trees) {
	i.Forwarded += tr.forwarded.Load()
	i.Gaps += tr.gaps.Load()
	i.Missed += tr.missed.Load()
	reliable := tr.key.Kind == wire.GroupReliable
	for stripe := range tr.shape {
		s := tr.shape[stripe].Load()
		if s == nil || !placed(s) {
			continue
		}
		p := TreePlace{Reliable: reliable, Stripe: stripe, Parent: s.Parent, Children: s.Children, Depth: len(s.Path)}
		switch {
		case s.Root:
			p.Root = tr.t.self
		case len(s.Path) > 0 && s.Rooted:
			p.Root = s.Path[len(s.Path)-1]
		}
		i.Places = append(i.Places, p)
		i.Reliable = i.Reliable || reliable
		i.Trees = i.Trees || !reliable && s.Mode == scribe.Trees
	}
}

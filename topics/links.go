package topics

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// firstLinks is how long senders wait at most for the links to the members of a
// list that has just come.
const firstLinks = time.Second

// links is what a tree actor does in the structured form about links: it keeps
// those to the root and to the members of the view in use, and holds a first view
// back from those who wait for it until its links are up, or have failed.
type links struct {
	root  id.ID
	nodes []id.ID   // of the view
	kept  bool      // the router was told
	until time.Time // senders wait no longer than this; zero: none waits
	from  time.Time // but at least until then, see crossing
}

// begin ends what an actor before this one wished.
func (l *links) begin(a *treeActor, self *actor.PID) {
	if *l = (links{}); a.t.structured() {
		a.t.router.Keep(self, nil)
	}
}

// answer ends the waiting of senders, or begins the waiting for links.
func (l *links) answer(a *treeActor, err error) {
	now := time.Now()
	switch {
	case err != nil || !a.t.structured() && !now.Before(l.from):
		l.until = time.Time{}
		a.g.resolve(err)
	case !l.until.IsZero():
	case a.t.structured():
		l.until = now.Add(firstLinks)
	default:
		l.until = l.from
	}
}

// check follows the root and the view; it runs after each step.
func (l *links) check(a *treeActor, self *actor.PID) {
	if !a.t.structured() {
		if l.kept {
			a.t.router.Keep(self, nil)
			*l = links{until: l.until, from: l.from}
		}
	} else if root, nodes := a.m.Root(), a.wanted(); root != l.root || !slices.Equal(nodes, l.nodes) {
		l.root, l.nodes, l.kept = root, nodes, true
		wish := nodes
		if !root.IsZero() {
			wish = append(slices.Clone(nodes), root)
		}
		a.t.router.Keep(self, wish)
	}
	now := time.Now()
	if l.until.IsZero() || now.Before(l.from) {
		return
	}
	if !now.Before(l.until) || !slices.ContainsFunc(l.nodes, a.missing) {
		l.until = time.Time{}
		a.g.resolve(nil)
	}
}

// due returns when check is to run even if nothing happens.
func (l *links) due() time.Time {
	if !l.until.IsZero() && time.Now().Before(l.from) {
		return l.from
	}
	return l.until
}

// crossing holds events back for a moment when the topic becomes trees, or a list
// again: those sent the other way just now are to arrive before. In a tree they have
// farther to go.
func (l *links) crossing(g *group, before, now *tree.View) {
	if before == nil || now == nil || before.Mode == now.Mode {
		return
	}
	pause := calmList
	if now.Mode == scribe.List {
		pause = calmTrees
	}
	l.from = time.Now().Add(pause)
	g.held.Store(l.from.UnixNano())
}

// How long events are held back after the last one to a list, or into trees.
const (
	calmList  = 100 * time.Millisecond
	calmTrees = 300 * time.Millisecond
)

func (a *treeActor) missing(n id.ID) bool { return n != a.t.self && a.t.net.Link(n) == nil }

// wanted returns the nodes that this one sends to, may choose, or as root has yet
// to see alive.
func (a *treeActor) wanted() []id.ID { return append(a.chosen(), a.m.Copied()...) }

// chosen returns the nodes of the view that this one sends to or may choose.
func (a *treeActor) chosen() []id.ID {
	v := a.m.View()
	if v == nil {
		return nil
	}
	if a.g.key.Kind == wire.GroupCluster {
		a.g.mu.Lock()
		defer a.g.mu.Unlock()
		return a.g.bal.Nodes()
	}
	nodes := make([]id.ID, len(v.Entries))
	for i := range v.Entries {
		nodes[i] = v.Entries[i].Node
	}
	return nodes
}

// earliest returns the earlier of two times that are set.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

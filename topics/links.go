package topics

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
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
}

// begin ends what an actor before this one wished.
func (l *links) begin(a *treeActor, self *actor.PID) {
	if *l = (links{}); a.t.structured() {
		a.t.router.Keep(self, nil)
	}
}

// answer ends the waiting of senders, or begins the waiting for links.
func (l *links) answer(a *treeActor, err error) {
	if err != nil || !a.t.structured() {
		l.until = time.Time{}
		a.g.resolve(err)
	} else if l.until.IsZero() {
		l.until = time.Now().Add(firstLinks)
	}
}

// check follows the root and the view; it runs after each step.
func (l *links) check(a *treeActor, self *actor.PID) {
	if !a.t.structured() {
		if l.kept {
			a.t.router.Keep(self, nil)
			*l = links{until: l.until}
		}
	} else if root, nodes := a.m.Root(), a.wanted(); root != l.root || !slices.Equal(nodes, l.nodes) {
		l.root, l.nodes, l.kept = root, nodes, true
		wish := nodes
		if !root.IsZero() {
			wish = append(slices.Clone(nodes), root)
		}
		a.t.router.Keep(self, wish)
	}
	if !l.until.IsZero() && (!slices.ContainsFunc(l.nodes, a.missing) || !time.Now().Before(l.until)) {
		l.until = time.Time{}
		a.g.resolve(nil)
	}
}

func (a *treeActor) missing(n id.ID) bool { return n != a.t.self && a.t.net.Link(n) == nil }

// wanted returns the nodes that this one sends to, or may choose.
func (a *treeActor) wanted() []id.ID {
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

package topics

import (
	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// crossing is what a tree actor has told the trees of its topic.
type crossing struct {
	member    bool        // this node is to be in them
	of        *trees      // who was told
	announced scribe.Mode // as root
}

// event is the state of the trees in the terms of the list's machine.
func (s *treesState) event() tree.Trees {
	return tree.Trees{Rooted: s.rooted, Root: s.root, Members: s.members, Mode: s.mode}
}

// takeUp tells a machine that was just made how it is with the trees.
func (a *treeActor) takeUp(ctx actor.Context, members bool) {
	tr := a.t.treesOf(a.g.key)
	if tr == nil || a.g.key.Kind != wire.GroupTopic {
		return
	}
	a.trees.member = tr.wanted()
	e := tree.Trees{Mode: scribe.Trees}
	if s := tr.report.Load(); s != nil {
		e = s.event()
	}
	e.Member = a.trees.member && members
	a.step(ctx, e)
}

// cross carries out what the machine wants of the trees.
func (a *treeActor) cross() {
	if a.g.key.Kind != wire.GroupTopic {
		return
	}
	c := &a.trees
	for tries := 0; c.member != a.out.Trees && tries < 3; tries++ { // trees may just be leaving the table
		tr := a.t.treesOf(a.g.key)
		if tr == nil && a.out.Trees {
			if tr = a.t.plant(a.g.key, id.ID{}); tr == nil {
				break // too many: the list serves as long, and the next step tries again
			}
		}
		if tr == nil || tr.want(a.out.Trees) {
			c.member = a.out.Trees
		}
	}
	a.announce()
}

// announce lets the trees say how the topic is kept, if this node is their root.
func (a *treeActor) announce() {
	mode := scribe.Trees // what trees assume by themselves
	if a.out.Reign {
		mode = a.out.Mode
	}
	tr := a.t.treesOf(a.g.key)
	if tr == nil && a.out.Reign && mode == scribe.Trees {
		tr = a.t.plant(a.g.key, id.ID{}) // to count who is in them
	}
	if c := &a.trees; c.of != tr || c.announced != mode {
		c.of, c.announced = tr, mode
		if tr != nil {
			tr.announce(mode)
		}
	}
}

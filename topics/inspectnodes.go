package topics

import (
	"context"
	"errors"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
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

// Nodes returns the nodes that serve a cluster, or that are on the list of a topic, as an
// asker learns them: it asks the root if need be, until ctx ends. trees says that events of the
// topic go along trees, in which there may be more nodes. A cluster or topic that nobody
// is in has none. kind is actor.Request or actor.Event. Errors as of Request.
func (t *Topics) Nodes(ctx context.Context, kind actor.Kind, name string) (nodes []id.ID, trees bool, err error) {
	g, err := t.named(groupKind(kind), name)
	if err != nil {
		return nil, false, err
	}
	v, err := g.awaitView(ctx)
	switch {
	case errors.Is(err, actor.ErrNoMembers):
		return nil, false, nil
	case err != nil:
		return nil, false, g.wrap(err)
	}
	for i := range v.Entries {
		nodes = append(nodes, v.Entries[i].Node)
	}
	return nodes, v.Mode == scribe.Trees, nil
}

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

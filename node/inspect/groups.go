package inspect

import (
	"context"
	"fmt"

	"iris/topics"
)

// clusters answers "clusters".
func (i *Inspector) clusters(ctx context.Context, q Query) (any, error) {
	if name := q.Args["name"]; name != "" {
		c, ok := i.cfg.Topics.Cluster(name)
		if !ok {
			return nil, fmt.Errorf("cluster %q: this node neither serves nor asks it: %w", name, ErrNotFound)
		}
		return Page[Cluster]{Items: []Cluster{clusterOf(c)}, Total: 1}, nil
	}
	if q.picked() {
		return ranked[topics.ClusterInfo, Cluster]{
			clusterColumns, func(c *topics.ClusterInfo) string { return c.Name }, "name", i.cfg.Topics.EachCluster, clusterOf,
		}.page(ctx, q)
	}
	return listed(q, i.cfg.Topics.Clusters, clusterOf, func(c topics.ClusterInfo) string { return c.Name })
}

// topics answers "topics".
func (i *Inspector) topics(ctx context.Context, q Query) (any, error) {
	if name := q.Args["name"]; name != "" {
		x, ok := i.cfg.Topics.Topic(name)
		if !ok {
			return nil, fmt.Errorf("topic %q: nothing of it passes through this node: %w", name, ErrNotFound)
		}
		out := topicOf(x)
		out.Children = union(out.Children, x)
		return Page[Topic]{Items: []Topic{out}, Total: 1}, nil
	}
	if q.picked() {
		return ranked[topics.TopicInfo, Topic]{
			topicColumns, func(x *topics.TopicInfo) string { return x.Name }, "name", i.cfg.Topics.EachTopic, topicOf,
		}.page(ctx, q)
	}
	return listed(q, i.cfg.Topics.Topics, topicOf, func(x topics.TopicInfo) string { return x.Name })
}

// listed makes a page of a list that its owner cuts.
func listed[S, T any](q Query, list func(after string, limit int) ([]S, int), report func(S) T, key func(S) string) (Page[T], error) {
	limit, err := q.limit()
	if err != nil {
		return Page[T]{}, err
	}
	some, total := list(q.Args["after"], limit+1)
	p := Page[T]{Items: make([]T, 0, min(len(some), limit)), Total: total}
	if len(some) > limit {
		some = some[:limit]
		p.Next = key(some[limit-1])
	}
	for _, s := range some {
		p.Items = append(p.Items, report(s))
	}
	return p, nil
}

func clusterOf(c topics.ClusterInfo) Cluster {
	out := Cluster{
		Name: c.Name, Local: c.Local, Members: c.Members, Root: name(c.Root), InFlight: c.InFlight, Queued: c.Queued,
		Requests: c.Requests, Failed: c.Failed, Restarts: c.Restarts, P50: c.P50.Microseconds(), P99: c.P99.Microseconds(),
		Asked: c.Asked, AskP50: c.AskP50.Microseconds(), AskP99: c.AskP99.Microseconds(),
	}
	for _, m := range c.Nodes {
		out.Nodes = append(out.Nodes, Member{
			Node: name(m.Node), Members: m.Members, Zone: m.Zone, Load: m.Load, InFlight: m.InFlight,
			Latency: m.Latency.Microseconds(), Draining: m.Draining,
		})
	}
	return out
}

// topicOf reports a topic. Its place at large is that in the first of its trees.
func topicOf(x topics.TopicInfo) Topic {
	out := Topic{
		Name: x.Name, Mode: mode(&x), Reliable: x.Reliable, Subscribers: x.Subscribers, Root: name(x.Root),
		Published: x.Published, Delivered: x.Delivered, Forwarded: x.Forwarded, Gaps: x.Gaps, Missed: x.Missed,
	}
	for _, p := range x.Places {
		out.Trees = append(out.Trees, Tree{
			Reliable: p.Reliable, Stripe: p.Stripe, Root: name(p.Root), Parent: name(p.Parent), Children: names(p.Children), Depth: p.Depth,
		})
	}
	if len(out.Trees) > 0 {
		t := &out.Trees[0]
		out.Parent, out.Children, out.Depth = t.Parent, t.Children, t.Depth
		if t.Root != "" {
			out.Root = t.Root
		}
	}
	return out
}

func mode(x *topics.TopicInfo) string {
	if x.Trees {
		return "tree"
	}
	return "list"
}

// first is the place in the first tree.
func first(x *topics.TopicInfo) (p topics.TreePlace) {
	if len(x.Places) > 0 {
		p = x.Places[0]
	}
	return p
}

// union adds the nodes to which events go without a tree.
func union(children []string, x topics.TopicInfo) []string {
	if x.Trees {
		return children
	}
	known := make(map[string]bool)
	for _, c := range children {
		known[c] = true
	}
	for _, n := range x.Listed {
		if !known[name(n)] {
			children = append(children[:len(children):len(children)], name(n))
		}
	}
	return children
}

package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"iris/actor"
	"iris/internal/id"
	"iris/topics"
)

// Bounds of a trace.
const (
	maxHops  = 256
	maxSteps = 32 // to a root
	maxName  = 255
)

// NextHop is the answer to "nexthop": where a node would send a message for a key, and
// for a topic whom it sends its events on to.
type NextHop struct {
	Node     string `json:"node"` // who says so
	Key      string `json:"key"`
	Root     bool   `json:"root"`               // the node itself is closest to the key
	Next     string `json:"next,omitempty"`     // empty at the root, and while the node has no place in the ring
	Delay    int64  `json:"delay_us"`           // half of the round trip to it, 0 if not measured
	Children []Hop  `json:"children,omitempty"` // in the tree asked for

	// Of the root, who is in the cluster or topic: absent in what older nodes say, and with a tree or a key.
	Members  []string `json:"members,omitzero"`   // the first of them, by id
	Trees    bool     `json:"trees,omitempty"`    // plain events of the topic go along trees
	Reliable bool     `json:"reliable,omitempty"` // there are reliable subscribers
}

// destination is what a trace is for.
type destination struct {
	kind, name string
	tree       string // of a topic: plain, reliable; empty: none
}

func destinationOf(q Query) (d destination, err error) {
	d = destination{q.Args["kind"], q.Args["name"], q.Args["tree"]}
	switch {
	case d.kind != "cluster" && d.kind != "topic":
		return d, badQuery("kind %q, want cluster or topic", d.kind)
	case d.name == "" || len(d.name) > maxName:
		return d, badQuery("a name of %d bytes, want 1 to %d", len(d.name), maxName)
	case d.tree != "" && d.tree != "plain" && d.tree != "reliable", d.tree != "" && d.kind != "topic":
		return d, badQuery("tree %q, want plain or reliable, of a topic", d.tree)
	}
	return d, nil
}

// key is the point of the ring that messages are routed to.
func (d destination) key() id.ID {
	switch {
	case d.tree != "":
		return topics.StripeKey(d.name, d.tree == "reliable", 0)
	case d.kind == "topic":
		return topics.Key(actor.Event, d.name)
	}
	return topics.Key(actor.Request, d.name)
}

func (d destination) query() Query {
	return Query{What: "nexthop", Args: map[string]string{"kind": d.kind, "name": d.name, "tree": d.tree}}
}

// nextHop answers "nexthop".
func (i *Inspector) nextHop(_ context.Context, q Query) (any, error) {
	if text := q.Args["key"]; text != "" {
		key, err := id.Parse(text)
		if err != nil {
			return nil, badQuery("key: %v", err)
		}
		return i.towards(key), nil
	}
	d, err := destinationOf(q)
	if err != nil {
		return nil, err
	}
	n := i.towards(d.key())
	switch {
	case d.tree == "" && n.Root:
		kept := i.cfg.Topics.Kept(kindOf(d.kind), d.name)
		n.Members = names(kept.Nodes[:min(len(kept.Nodes), maxHops+1)])
		n.Trees, n.Reliable = kept.Trees, kept.Reliable
	case d.tree != "":
		for _, c := range i.cfg.Topics.Children(d.name, d.tree == "reliable", 0) {
			n.Children = append(n.Children, Hop{From: i.self, To: name(c), Why: "child", Delay: i.delay(c)})
		}
	}
	return n, nil
}

func (i *Inspector) towards(key id.ID) NextHop {
	next, root := i.cfg.Router.Routes().NextHop(key)
	n := NextHop{Node: i.self, Key: key.String(), Root: root}
	if !root && !next.IsZero() {
		n.Next, n.Delay = name(next), i.delay(next)
	}
	return n
}

// delay is half of the round trip to a peer in microseconds, 0 if it was not measured.
func (i *Inspector) delay(n id.ID) int64 {
	p, _ := i.cfg.Router.Routes().Peer(n)
	return p.RTT.Microseconds() / 2
}

// trace answers "trace": the way to the root, then to the members of a cluster or the
// subscribers of a topic. What could not be found out in time is missing, and Error says why.
func (i *Inspector) trace(ctx context.Context, q Query) (any, error) {
	tracing := i.quarters(ctx).tracing
	select {
	case tracing <- struct{}{}:
		defer func() { <-tracing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	d, err := destinationOf(q)
	if err != nil {
		return nil, err
	}
	x := &tracer{i: i, out: Trace{Name: d.name, Kind: d.kind, From: i.self, Hops: []Hop{}}}
	var root NextHop
	root, _, x.err = x.route(ctx, d)
	there := x.members(d, root)
	why := "member"
	if d.kind == "topic" {
		why = "member list"
	}
	for _, n := range there.Nodes {
		if !x.add(Hop{From: i.self, To: name(n), Why: why, Depth: 1, Delay: i.delay(n)}) {
			break
		}
	}
	if d.kind == "topic" {
		x.forest(ctx, d, there)
	}
	if x.err != nil {
		x.out.Error = cut(x.err.Error(), maxError)
	}
	return x.out, nil
}

func kindOf(kind string) actor.Kind {
	if kind == "topic" {
		return actor.Event
	}
	return actor.Request
}

// tracer gathers the hops of one trace.
type tracer struct {
	i   *Inspector
	out Trace
	err error // the first
}

func (x *tracer) fail(err error) {
	if x.err == nil {
		x.err = err
	}
}

// add takes a hop unless it is known; it reports false when there are enough.
func (x *tracer) add(h Hop) bool {
	same := func(o Hop) bool { return o.From == h.From && o.To == h.To && o.Why == h.Why }
	if slices.ContainsFunc(x.out.Hops, same) { // the list and the first tree have one root
		return true
	}
	if len(x.out.Hops) < maxHops {
		x.out.Hops = append(x.out.Hops, h)
		return true
	}
	x.fail(fmt.Errorf("there are more than %d hops", maxHops))
	return false
}

// members are who this node sends to for a destination: as it knows itself, else as the
// root said. Nobody is asked for more, as who asks for a list gets a lease of it.
func (x *tracer) members(d destination, root NextHop) topics.GroupInfo {
	if g, ok := x.i.cfg.Topics.Leased(kindOf(d.kind), d.name); ok {
		return g
	}
	if x.err == nil && root.Members == nil {
		x.fail(fmt.Errorf("node %s does not say who is there: its version is older", root.Node))
	}
	g := topics.GroupInfo{Trees: root.Trees, Reliable: root.Reliable}
	for _, text := range root.Members[:min(len(root.Members), maxHops+1)] {
		if n, err := id.Parse(text); err == nil {
			g.Nodes = append(g.Nodes, n)
		}
	}
	return g
}

// route follows the way to the root of d, hop by hop, and returns what that says and how
// many hops away it is.
func (x *tracer) route(ctx context.Context, d destination) (root NextHop, steps int, err error) {
	at, been := x.i.self, map[string]bool{}
	for depth := 1; depth <= maxSteps; depth++ {
		been[at] = true
		n, err := x.ask(ctx, at, d)
		switch {
		case err != nil:
			return root, 0, err
		case n.Root:
			n.Node = at
			return n, depth - 1, nil
		case n.Next == "":
			return root, 0, fmt.Errorf("node %s has no place in the ring", at)
		}
		x.add(Hop{From: at, To: n.Next, Why: "route", Depth: depth, Delay: n.Delay})
		if at = n.Next; been[at] {
			return root, 0, fmt.Errorf("the way leads back to %s", at)
		}
	}
	return root, 0, fmt.Errorf("the root is farther than %d hops", maxSteps)
}

func (x *tracer) ask(ctx context.Context, node string, d destination) (n NextHop, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	data, err := x.i.Ask(ctx, node, d.query())
	if err != nil {
		return n, err
	}
	if err = json.Unmarshal(data, &n); err != nil {
		return n, fmt.Errorf("node %s: %w", node, err)
	}
	if _, err := id.Parse(n.Next); n.Next != "" && err != nil {
		return n, fmt.Errorf("node %s: %w", node, err)
	}
	n.Delay = max(n.Delay, 0)
	return n, nil
}

// forest follows the trees that there are.
func (x *tracer) forest(ctx context.Context, d destination, there topics.GroupInfo) {
	if there.Trees {
		d.tree = "plain"
		x.down(ctx, d)
	}
	if here, _ := x.i.cfg.Topics.Topic(d.name); here.Reliable || there.Reliable {
		d.tree = "reliable"
		x.down(ctx, d)
	}
}

// down follows one tree from its root, level by level.
func (x *tracer) down(ctx context.Context, d destination) {
	root, steps, err := x.route(ctx, d)
	if err != nil {
		x.fail(err)
		return
	}
	been := map[string]bool{root.Node: true}
	for level, depth := []string{root.Node}, steps+1; len(level) > 0; depth++ {
		answers, errs := make([]NextHop, len(level)), make([]error, len(level))
		for at := range errs {
			errs[at] = context.DeadlineExceeded // until it was asked
		}
		together(ctx, len(level), func(ctx context.Context, at int) { answers[at], errs[at] = x.ask(ctx, level[at], d) })
		var next []string
		for at, n := range answers {
			x.fail(errs[at])
			for _, c := range n.Children {
				if _, err := id.Parse(c.To); err != nil || been[c.To] {
					continue
				}
				been[c.To] = true
				if !x.add(Hop{From: level[at], To: c.To, Why: "child", Depth: depth, Delay: max(c.Delay, 0)}) {
					return
				}
				next = append(next, c.To)
			}
		}
		level = next
	}
}

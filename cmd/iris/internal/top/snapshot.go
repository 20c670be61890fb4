package top

import (
	"context"
	"net/url"
	"time"

	"iris/node/admin/client"
	"iris/node/inspect"
)

const (
	mostActors   = 100  // the busiest
	mostClusters = 1000 // by name
)

// Snapshot is what a node told at one time.
type Snapshot struct {
	At       time.Time
	Node     inspect.Node
	Network  []inspect.Brief
	Clusters []inspect.Cluster
	Actors   []inspect.Actor
	Letters  []inspect.DeadLetters
	Left     int // clusters that were not asked for
}

// Collect asks for everything that is shown about a node; empty is the endpoint's
// own.
func Collect(ctx context.Context, c *client.Client, node string) (Snapshot, error) {
	s := Snapshot{At: time.Now()}
	var err error
	if s.Node, err = c.Node(ctx, node); err != nil {
		return s, err
	}
	network, err := c.Network(ctx)
	if err != nil {
		return s, err
	}
	s.Network = network.Nodes
	clusters, err := client.List[inspect.Cluster](ctx, c, node, "clusters", nil, mostClusters)
	if err != nil {
		return s, err
	}
	s.Clusters, s.Left = clusters.Items, clusters.Total-len(clusters.Items)
	actors, err := client.List[inspect.Actor](ctx, c, node, "actors", url.Values{"deep": {"true"}, "sort": {"-busy_us"}}, mostActors)
	if err != nil {
		return s, err
	}
	s.Actors = actors.Items
	letters, err := client.List[inspect.DeadLetters](ctx, c, node, "deadletters", nil, 0)
	s.Letters = letters.Items
	return s, err
}

// rates are how much happened per second between two snapshots of the same
// process.
type rates struct {
	sent, delivered, dropped float64
	answered                 map[string]float64 // by cluster
	handled, busy            map[string]float64 // by actor; busy: 1 is one processor
	letters                  map[string]float64 // by reason
	known                    bool
}

// between compares two snapshots. There are no rates if the node has started anew.
func between(before, now *Snapshot) rates {
	r := rates{answered: map[string]float64{}, handled: map[string]float64{}, busy: map[string]float64{}, letters: map[string]float64{}}
	if before == nil || now == nil || before.Node.ID != now.Node.ID {
		return r
	}
	seconds := now.Node.Now.Sub(before.Node.Now).Seconds()
	if seconds <= 0 {
		return r
	}
	per := func(from, to uint64) float64 {
		if to < from {
			return 0 // it was made anew under the same name
		}
		return float64(to-from) / seconds
	}
	r.known = true
	r.sent, r.delivered, r.dropped = per(before.Node.Sent, now.Node.Sent), per(before.Node.Delivered, now.Node.Delivered), per(before.Node.Dropped, now.Node.Dropped)
	old := map[string]inspect.Cluster{}
	for _, c := range before.Clusters {
		old[c.Name] = c
	}
	for _, c := range now.Clusters {
		if was, known := old[c.Name]; known {
			r.answered[c.Name] = per(was.Requests, c.Requests)
		}
	}
	actors := map[string]inspect.Actor{}
	for _, a := range before.Actors {
		actors[a.Path] = a
	}
	for _, a := range now.Actors {
		if was, known := actors[a.Path]; known {
			r.handled[a.Path] = per(was.Handled, a.Handled)
			r.busy[a.Path] = per(uint64(max(was.Busy, 0)), uint64(max(a.Busy, 0))) / 1e6
		}
	}
	counts := map[string]uint64{}
	for _, d := range before.Letters {
		counts[d.Reason] = d.Count
	}
	for _, d := range now.Letters {
		r.letters[d.Reason] = per(counts[d.Reason], d.Count)
	}
	return r
}

package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"iris/internal/best"
	"iris/internal/id"
	"iris/router"
)

// Bounds of what is asked of others.
const (
	maxNodes   = 512 // of the network
	maxAsks    = 16  // at once
	freshFor   = time.Second
	failedFor  = 5 * time.Second // a node that did not answer is not asked again so soon
	askTime    = time.Second     // for one node to answer
	fewNodes   = 64              // up to so many tell all their links
	manyLinks  = 64
	someLinks  = 16 // of each of more nodes: those to its neighbours on the ring
	linksLimit = 1024
)

// brief answers "brief": the node in a few words, with as many links as asked for.
func (i *Inspector) brief(_ context.Context, q Query) (any, error) {
	limit, err := q.limit()
	if err != nil {
		return nil, err
	}
	return i.own(limit), nil
}

// own is this node in a few words.
func (i *Inspector) own(links int) Brief {
	n := i.describe()
	return Brief{
		ID: n.ID, Name: n.Name, Zone: n.Zone, Addr: n.Addr, State: n.State, Clusters: n.Clusters, Topics: n.Topics, Tunnels: n.Tunnels,
		Actors: n.Actors, Dropped: n.Dropped, Failures: n.Failures, Links: i.edges(links),
	}
}

// edges are the links to the nearest on the ring.
func (i *Inspector) edges(limit int) []Edge {
	routes := i.cfg.Router.Routes()
	self := routes.Self()
	near := best.New(limit, func(a, b router.Peer) bool {
		return id.Distance(self, a.ID).Compare(id.Distance(self, b.ID)) < 0
	})
	for _, p := range routes.Peers() {
		near.Offer(p)
	}
	var list []Edge
	for _, p := range near.Sorted() {
		list = append(list, Edge{Peer: p.ID.String(), RTT: p.RTT.Microseconds(), State: p.State.String()})
	}
	return list
}

// network answers "network". One caller at a time asks around; the next finds what it
// heard.
func (i *Inspector) network(ctx context.Context, _ Query) (any, error) {
	asking := i.quarters(ctx).asking
	select {
	case asking <- struct{}{}:
		defer func() { <-asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	nodes := i.nodes()
	links := manyLinks
	if len(nodes) > fewNodes {
		links = someLinks
	}
	i.heard.keep(nodes)
	i.askAround(ctx, nodes, links)
	out := Network{Nodes: make([]Brief, len(nodes))}
	now := time.Now()
	for at, n := range nodes {
		if n == i.self {
			out.Nodes[at] = i.own(linksLimit)
			continue
		}
		out.Nodes[at] = i.heard.tell(now, n, i.believed(n))
	}
	return out, nil
}

// askAround asks those of whom nothing fresh is known, who was asked longest ago first:
// nodes that do not answer take their turn only.
func (i *Inspector) askAround(ctx context.Context, nodes []string, links int) {
	due := i.heard.due(time.Now(), nodes, i.self)
	q := Query{What: "brief", Args: map[string]string{"limit": fmt.Sprint(links)}}
	together(ctx, len(due), func(caller context.Context, at int) {
		ctx, cancel := context.WithTimeout(caller, askTime)
		defer cancel()
		var b Brief
		data, err := i.askOther(ctx, due[at], q)
		if err == nil {
			err = json.Unmarshal(data, &b)
		}
		if err != nil && hurried(caller, ctx) { // it did not have its second
			i.heard.tried(due[at])
			return
		}
		i.heard.note(b.plain(due[at], links), err)
	})
}

// hurried reports whether it is the caller who does not wait as long as ctx would.
func hurried(caller, ctx context.Context) bool {
	its, ok := caller.Deadline()
	end, _ := ctx.Deadline()
	return ok && its.Equal(end) || caller.Err() != nil
}

// together calls f for 0..n-1, some at once, until ctx ends, and waits for all.
func together(ctx context.Context, n int, f func(context.Context, int)) {
	slots := make(chan struct{}, maxAsks)
	var wg sync.WaitGroup
	defer wg.Wait()
	for at := range n {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			f(ctx, at)
		})
	}
}

// nodes lists who is known, this node included, by id.
func (i *Inspector) nodes() []string {
	routes := i.cfg.Router.Routes()
	seen := map[id.ID]bool{routes.Self(): true}
	note := func(n id.ID) {
		if len(seen) < maxNodes && !n.IsZero() {
			seen[n] = true
		}
	}
	for _, p := range i.known() {
		note(p.ID)
	}
	if routes.Structured() { // else the peers are everybody
		for _, n := range routes.Leaves() {
			note(n)
		}
		for _, row := range routes.Table() {
			for _, n := range row.Nodes {
				note(n)
			}
		}
		i.cfg.Topics.Known(note)
	}
	list := make([]string, 0, len(seen))
	for n := range seen {
		list = append(list, n.String())
	}
	slices.Sort(list)
	return list
}

// believed is the state of a node that does not speak for itself.
func (i *Inspector) believed(node string) string {
	n, err := id.Parse(node)
	if err != nil {
		return "unknown"
	}
	if p, ok := i.cfg.Router.Routes().Peer(n); ok {
		if p.State == router.Suspect {
			return "suspect"
		}
		return "unknown"
	}
	for _, l := range i.cfg.Router.Losses(time.Now().Add(-lostFor)) {
		if l.Peer.ID == n {
			return "down"
		}
	}
	return "unknown"
}

// heard is what other nodes said of themselves last.
type heard struct {
	mu    sync.Mutex // guards nodes
	nodes map[string]word
}

type word struct {
	Brief
	at     time.Time // zero if there was none yet
	asked  time.Time // last
	failed bool
}

// due are the nodes to ask, who was asked longest ago first.
func (h *heard) due(now time.Time, nodes []string, but string) (due []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range nodes {
		w := h.nodes[n]
		age := now.Sub(w.at)
		if n != but && age >= freshFor && (!w.failed || age >= failedFor) {
			due = append(due, n)
		}
	}
	slices.SortStableFunc(due, func(a, b string) int { return h.nodes[a].asked.Compare(h.nodes[b].asked) })
	return due
}

// tried remembers that a node was asked and nobody waited for what it says.
func (h *heard) tried(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.nodes[node]
	w.asked = time.Now()
	h.nodes[node] = w
}

func (h *heard) note(b Brief, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	w := word{Brief: b, at: now, asked: now, failed: err != nil}
	if err != nil {
		w.Brief = Brief{ID: b.ID, Error: cut(strings.TrimPrefix(err.Error(), "node "+b.ID+": "), maxError)}
	}
	h.nodes[b.ID] = w
}

// keep forgets all but the nodes given.
func (h *heard) keep(nodes []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := range h.nodes {
		if _, found := slices.BinarySearch(nodes, n); !found {
			delete(h.nodes, n)
		}
	}
}

// tell is what a node said, or that it did not.
func (h *heard) tell(now time.Time, node, believed string) Brief {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.nodes[node]
	if w.at.IsZero() {
		return Brief{ID: node, State: believed, Error: "there was no time to ask it"}
	}
	b := w.Brief
	b.Age = now.Sub(w.at).Microseconds()
	if w.failed {
		b.State = believed
	}
	return b
}

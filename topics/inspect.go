package topics

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/best"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// ClusterInfo describes a cluster that this node serves or asks.
type ClusterInfo struct {
	Name     string
	Local    int   // members here
	Members  int   // everywhere, as far as this node knows
	Root     id.ID // where they register; zero if it is not known here
	InFlight int64 // requests under way here
	Queued   int   // messages in the mailboxes of members here
	Requests uint64
	Failed   uint64 // of these, answered with an error
	Restarts uint64 // of members here
	P50, P99 time.Duration
	Asked    uint64 // requests of this node
	AskP50   time.Duration
	AskP99   time.Duration
	Nodes    []MemberInfo // only of one asked for by name
}

// MemberInfo is a node that serves a cluster.
type MemberInfo struct {
	Node     id.ID
	Members  int
	Zone     string
	InFlight int           // requests of this node to it
	Load     float64       // requests in flight there to a member, of this node or as it said in the last second, at most 1
	Latency  time.Duration // that the balancer expects; 0 unknown
	Draining bool
}

// Key returns the point of the ring where a cluster or topic registers.
func Key(kind actor.Kind, name string) id.ID {
	if kind == actor.Event {
		return tree.Key(wire.Group{Kind: wire.GroupTopic, Name: name})
	}
	return tree.Key(wire.Group{Kind: wire.GroupCluster, Name: name})
}

// Clusters describes the clusters that this node serves or asks, in the order of their
// names: those after a name, at most limit. total counts all.
func (t *Topics) Clusters(after string, limit int) (list []ClusterInfo, total int) {
	page := best.New(limit, func(a, b *group) bool { return a.key.Name < b.key.Name })
	for _, g := range t.all() {
		if g.key.Kind == wire.GroupCluster && g.inUse() {
			if total++; g.key.Name > after {
				page.Offer(g)
			}
		}
	}
	for _, g := range page.Sorted() {
		list = append(list, g.describe())
	}
	return list, total
}

// EachCluster calls f with those clusters that Clusters describes whose names want takes, in any order. Only they are looked into.
// f must not keep what it gets.
func (t *Topics) EachCluster(want func(name string) bool, f func(*ClusterInfo)) {
	for _, g := range t.all() {
		if g.key.Kind == wire.GroupCluster && g.inUse() && want(g.key.Name) {
			c := g.describe()
			f(&c)
		}
	}
}

// Cluster describes one cluster with its nodes; false if this node neither serves nor asks it.
func (t *Topics) Cluster(name string) (ClusterInfo, bool) {
	g := t.find(wire.GroupCluster, name)
	if g == nil || !g.inUse() {
		return ClusterInfo{}, false
	}
	c := g.describe()
	c.Nodes = g.nodes(time.Now())
	return c, true
}

// Roles counts the clusters that have a member here, and the topics that have a
// subscriber here or pass through.
func (t *Topics) Roles() (clusters, topics int) {
	for _, g := range t.all() {
		switch {
		case len(*g.local.Load()) == 0:
		case g.key.Kind == wire.GroupCluster:
			clusters++
		default:
			topics++
		}
	}
	for _, tr := range t.allTrees() {
		g := t.find(wire.GroupTopic, tr.key.Name)
		if tr.key.Kind == wire.GroupTopic && (g == nil || len(*g.local.Load()) == 0) && tr.inTree() {
			topics++
		}
	}
	return clusters, topics
}

// inUse reports whether this node serves or asks the cluster, or did lately.
func (g *group) inUse() bool {
	return len(*g.local.Load()) > 0 || g.view.Load() != nil || g.asks.Load() != nil
}

func (g *group) describe() ClusterInfo {
	set := *g.local.Load()
	c := ClusterInfo{Name: g.key.Name, Local: len(set), Members: len(set), Root: g.t.router.Routes().Root(tree.Key(g.key)), Failed: g.failed.Load()}
	served, asked := g.serves.Load(), g.asks.Load()
	c.Requests = served.total()
	c.P50, c.P99 = served.percentiles()
	c.AskP50, c.AskP99 = asked.percentiles()
	g.mu.Lock()
	c.Asked = g.requested
	g.mu.Unlock()
	for _, m := range set {
		c.InFlight += max(m.inFlight.Load(), 0)
		queued, restarts := g.t.sys.Backlog(m.pid.Id)
		c.Queued += queued
		c.Restarts += uint64(restarts)
	}
	if v := g.view.Load(); v != nil {
		all := 0
		for i := range v.Entries {
			all += int(v.Entries[i].Members)
		}
		c.Members = max(c.Members, all)
		if c.Root.IsZero() {
			c.Root = v.Root
		}
	}
	return c
}

// nodes describes the nodes of the view as the balancer sees them.
func (g *group) nodes(now time.Time) []MemberInfo {
	g.mu.Lock()
	seen := g.bal.Seen(now)
	g.mu.Unlock()
	known := make(map[id.ID]int, len(seen))
	for i := range seen {
		known[seen[i].Node] = i
	}
	var list []MemberInfo
	if v := g.view.Load(); v != nil {
		for i := range v.Entries {
			e := &v.Entries[i]
			m := MemberInfo{Node: e.Node, Members: int(e.Members), Zone: e.Zone, Draining: e.Draining}
			if at, ok := known[e.Node]; ok {
				s := &seen[at]
				m.InFlight, m.Latency, m.Draining = s.InFlight, s.Latency, m.Draining || s.Draining
				m.Load = share(max(s.InFlight, int(s.Reported)), m.Members)
			}
			if e.Node == g.t.self {
				m.Load = share(int(g.load().InFlight), m.Members)
			}
			list = append(list, m)
		}
	}
	if n := len(*g.local.Load()); n > 0 && !slices.ContainsFunc(list, func(m MemberInfo) bool { return m.Node == g.t.self }) {
		l := g.load()
		list = append(list, MemberInfo{
			Node: g.t.self, Members: n, Zone: g.t.zone, Latency: time.Duration(l.LatencyMicros) * time.Microsecond,
			Load: share(int(l.InFlight), n),
		})
	}
	return list
}

// share is how much of what so many members can do at once is in flight.
func share(inFlight, members int) float64 {
	return min(float64(inFlight)/float64(max(members, 1)), 1)
}

// inTree reports whether this node has a place in one of the trees.
func (tr *trees) inTree() bool {
	for i := range tr.shape {
		if s := tr.shape[i].Load(); s != nil && placed(s) {
			return true
		}
	}
	return false
}

func placed(t *scribe.Tree) bool { return t.Root || !t.Parent.IsZero() || len(t.Children) > 0 }

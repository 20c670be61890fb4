package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"iris/node/inspect"
)

// wave goes up and down between 0 and 1, each in its own time.
func wave(of int, t time.Duration) float64 {
	period := 9 + float64(of%23)
	return 0.5 + 0.5*math.Sin(2*math.Pi*(t.Seconds()/period)+float64(of))
}

// grown is a counter that grows by about rate a second.
func grown(of int, rate float64, t time.Duration) uint64 {
	period := 9 + float64(of%23)
	return uint64(rate * (t.Seconds() + 60 + period/(2*math.Pi)*0.8*(1-math.Cos(2*math.Pi*t.Seconds()/period))))
}

func hash(s string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return int(h.Sum32() >> 8)
}

func (w *world) node(i int) inspect.Node {
	t := time.Since(w.began)
	id := w.ids[i]
	return inspect.Node{
		ID: id, Name: w.names[id], Network: "shop", Addr: fmt.Sprintf("10.0.%d.%d:7000", i/200, i%200+5), Zone: []string{"ams", "fra", "lon"}[i%3],
		Labels: map[string]string{"tier": "web", "rack": fmt.Sprint(i%7 + 1)}, Version: "v0.5.0", GoVersion: "go1.26.0", PID: 4000 + i,
		Started: w.began.Add(-73 * time.Hour), Now: time.Now(), Incarnation: 1, State: w.state(id), Form: w.form(),
		Peers: len(w.linked(i)), Clusters: len(w.clusters), Topics: len(w.topics), Tunnels: 14, Actors: w.Actors + 20, Relay: 3,
		Sent: grown(i, 8200, t), Delivered: grown(i+1, 9100, t), Dropped: grown(i, 0.4, t), Failures: grown(i, 0.05, t), Restarts: grown(i, 0.04, t),
		HeapBytes: uint64(90e6 + 30e6*wave(i, t)), MemoryLimit: math.MaxInt64, Goroutines: 220 + int(40*wave(i, t)),
	}
}

func (w *world) form() string {
	if len(w.ids) > 256 {
		return "structured"
	}
	return "mesh"
}

func (w *world) network() inspect.Network {
	t := time.Since(w.began)
	var net inspect.Network
	for i, id := range w.ids {
		b := inspect.Brief{ID: id, Name: w.names[id], Zone: []string{"ams", "fra", "lon"}[i%3], State: w.state(id), Clusters: len(w.clusters), Topics: len(w.topics), Tunnels: 14, Actors: w.Actors + 20, Failures: grown(i, 0.01, t)}
		for _, j := range w.linked(i) {
			b.Links = append(b.Links, inspect.Edge{Peer: w.ids[j], RTT: w.rtt(i, j), State: "alive"})
		}
		net.Nodes = append(net.Nodes, b)
	}
	return net
}

func (w *world) ring(i int) inspect.Ring {
	r := inspect.Ring{Self: w.ids[i], Form: w.form(), Size: len(w.ids)}
	n := len(w.ids)
	for d := 1; d <= min(8, n/2); d++ {
		r.Leaves = append(r.Leaves, w.ids[(i+d)%n], w.ids[(i-d+n)%n])
	}
	slices.Sort(r.Leaves)
	r.Leaves = slices.DeleteFunc(slices.Compact(r.Leaves), func(id string) bool { return id == w.ids[i] })
	if r.Form == "structured" {
		row := inspect.Row{}
		for _, j := range w.linked(i)[16:] {
			row.Nodes[hexDigit(w.ids[j][0])] = w.ids[j]
		}
		r.Table = append(r.Table, row)
	}
	return r
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789abcdef", c) }

func (w *world) peers(i int) []inspect.Peer {
	t := time.Since(w.began)
	var peers []inspect.Peer
	for _, j := range w.linked(i) {
		id := w.ids[j]
		state := cmp.Or(map[string]string{"ready": "alive"}[w.state(id)], w.state(id))
		peers = append(peers, inspect.Peer{
			ID: id, Name: w.names[id], Addr: fmt.Sprintf("10.0.0.%d:7000", j+5), Zone: []string{"ams", "fra", "lon"}[j%3], State: state, Since: w.began,
			RTT: w.rtt(i, j), Lost: uint64(j % 4 * 3), Packets: grown(j, 4000, t), SentBytes: grown(j, 3e6, t), RecvBytes: grown(j+1, 2e6, t),
			Lanes: []inspect.Lane{{Name: "direct", Queued: int(2e6 * math.Max(0, wave(j, t)-0.4)), Limit: 4 << 20}, {Name: "fanout", Limit: 4 << 20}},
		})
	}
	return peers
}

func (w *world) cluster(i int, name string) inspect.Cluster {
	t := time.Since(w.began)
	h := hash(name)
	c := inspect.Cluster{
		Name: name, Local: 2 + h%6, Members: (2 + h%6) * len(w.ids), Root: w.ids[h%len(w.ids)], InFlight: int64(24 * wave(h, t) * wave(h+i, t)), Queued: int(40 * math.Max(0, wave(h, t)-0.6)),
		Requests: grown(h, float64(100+h%900), t), P50: int64(300 + 500*wave(h, t)), P99: int64(1500 + float64(h%9000)*(0.6+0.4*wave(h+1, t))), Asked: grown(h+3, float64(h%400), t), AskP50: 700, AskP99: int64(4000 + 3000*wave(h, t)),
	}
	if h%9 == 0 {
		c.Failed, c.Restarts = grown(h, 0.2, t), grown(h, 0.1, t)
	}
	return c
}

func (w *world) members(i int, name string) []inspect.Member {
	t := time.Since(w.began)
	h := hash(name)
	var out []inspect.Member
	for j, id := range w.ids {
		if len(w.ids) > 40 && (j+h)%9 != 0 {
			continue
		}
		out = append(out, inspect.Member{Node: id, Members: 2 + h%6, Zone: []string{"ams", "fra", "lon"}[j%3], Load: wave(h+j*3, t) * wave(j, t), InFlight: int(9 * wave(j, t)), Latency: w.rtt(i, j) + 800})
	}
	return out
}

// topic reports a node's part in a tree of eight children each, whose root is
// chosen by the name.
func (w *world) topic(i int, name string) inspect.Topic {
	t := time.Since(w.began)
	h, n := hash(name), len(w.ids)
	at := (i - h%n + n) % n
	topic := inspect.Topic{
		Name: name, Mode: "tree", Reliable: h%3 == 0, Subscribers: 1 + h%5, Root: w.ids[h%n], Published: grown(h, 40, t), Delivered: grown(h+i, float64(50+h%400), t), Forwarded: grown(h+i, float64(h%700), t),
	}
	if at > 0 {
		topic.Parent = w.ids[((at-1)/8+h)%n]
	}
	for c := at*8 + 1; c <= at*8+8 && c < n; c++ {
		topic.Children = append(topic.Children, w.ids[(c+h)%n])
	}
	for p := at; p > 0; p = (p - 1) / 8 {
		topic.Depth++
	}
	if h%31 == 0 {
		topic.Gaps, topic.Missed = 2, 117
	}
	return topic
}

func (w *world) tunnels(i int) []inspect.Tunnel {
	t := time.Since(w.began)
	var out []inspect.Tunnel
	for k := range 14 {
		tunnel := inspect.Tunnel{
			ID: fmt.Sprintf("%08x", hash(fmt.Sprint(i, k))), Cluster: w.clusters[k%len(w.clusters)], Peer: w.ids[(i+k+1)%len(w.ids)], Opened: k%2 == 0, Since: w.began.Add(-time.Duration(k*k) * time.Minute),
			Sent: grown(k, 8e6, t), Received: grown(k+1, 1e5, t), SendRate: 14e6 * wave(k, t), RecvRate: 2e5 * wave(k+1, t), Credit: int64(8e6 * wave(k+2, t)), Unread: int64(4e5 * wave(k+4, t)),
		}
		if k == 3 {
			tunnel.Stalled, tunnel.SendRate, tunnel.Credit = 12_400_000+t.Microseconds(), 0, 0
		}
		out = append(out, tunnel)
	}
	return out
}

// actors returns the children of an actor, in the order of their names.
func (w *world) actors(parent string) []inspect.Actor {
	switch {
	case parent == "", parent == "iris":
		var out []inspect.Actor
		for _, name := range []string{"clusters", "discovery", "inspect", "relay", "router", "topics", "tunnels"} {
			sum := map[string]int{"clusters": w.Actors + 1}[name]
			out = append(out, w.actor("iris/"+name, map[string]int{"clusters": len(w.clusters)}[name], max(1, sum)))
		}
		return out
	case parent == "iris/clusters":
		var out []inspect.Actor
		for _, c := range w.clusters {
			n := w.in(c)
			out = append(out, w.actor(parent+"/"+c, n, n+1))
		}
		return out
	}
	name := strings.TrimPrefix(parent, "iris/clusters/")
	if !slices.Contains(w.clusters, name) {
		return nil
	}
	var out []inspect.Actor
	for k := range w.in(name) {
		out = append(out, w.actor(fmt.Sprintf("%s/%06d", parent, k), 0, 1))
	}
	return out
}

// endless is the answer of a node that wants to keep who asks it: there is always one
// more below, one that is above, and a next page that has nothing.
func (w *world) endless(parent, after string) inspect.Page[inspect.Actor] {
	p := inspect.Page[inspect.Actor]{Items: []inspect.Actor{}, Total: 1 << 30, Next: "more"}
	if after == "" {
		p.Items = append(p.Items, w.actor("iris", 1, 1), w.actor(parent+"/a", 1, 1))
	}
	return p
}

// in returns how many actors a cluster has: most are in the first.
func (w *world) in(cluster string) int {
	if cluster == w.clusters[0] {
		return max(0, w.Actors-4*(len(w.clusters)-1))
	}
	return 4
}

func (w *world) actor(path string, children, actors int) inspect.Actor {
	t := time.Since(w.began)
	h := hash(path)
	a := inspect.Actor{
		Path: path, State: "running", Children: children, Actors: actors, Limit: 1000, Queued: int(300 * math.Max(0, wave(h, t)-0.8)), Handled: grown(h, float64(h%900), t),
		Busy: int64(grown(h, float64(h%300_000), t)), Type: []string{"*shop.Orders", "actor.Func", "*shop.Mailer"}[h%3],
	}
	if a.Queued > 0 {
		a.Oldest = int64(a.Queued) * 800
	}
	if h%13 == 0 && children == 0 {
		a.Failures, a.Restarts, a.LastError = 1+uint64(h%4), 1+h%3, "runtime error: index out of range [7] with length 3"
		if w.Hostile {
			a.LastError = nasty[h%len(nasty)]
		}
		if h%39 == 0 {
			a.State = "waiting"
		}
	}
	return a
}

func (w *world) letters() []inspect.DeadLetters {
	t := time.Since(w.began)
	out := []inspect.DeadLetters{
		{Reason: "mailbox full", Count: grown(3, 0.3, t)}, {Reason: "no member", Count: grown(5, 0.1, t)}, {Reason: "expired", Count: grown(9, 0.05, t)},
	}
	for i := range out {
		for k := range 6 {
			out[i].Samples = append(out[i].Samples, inspect.Letter{Time: time.Now().Add(-time.Duration(k*k) * 7 * time.Second).Truncate(time.Second), Target: "iris/clusters/" + w.clusters[k%len(w.clusters)] + "/" + fmt.Sprint(k), Type: "shop.Order", Sender: "iris/relay/client/4", Count: uint64(1 + k*3)})
		}
	}
	return out
}

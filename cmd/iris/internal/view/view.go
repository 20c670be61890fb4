package view

import (
	"fmt"
	"strconv"
	"time"

	"iris/cmd/iris/internal/table"
	"iris/node/inspect"
)

// Names are the hosts of nodes by id, as far as they are known.
type Names map[string]string

// NamesOf returns the names that a network tells.
func NamesOf(n inspect.Network) Names {
	names := Names{}
	for _, b := range n.Nodes {
		names[b.ID] = b.Name
	}
	return names
}

// Of returns the beginning of a node's id and its host.
func (n Names) Of(id string) string {
	if name := n[id]; name != "" {
		return table.Node(id) + " " + name
	}
	return table.Node(id)
}

// Node lays out what a node tells of itself: a name and a value per row.
func Node(n inspect.Node) *table.Table {
	t := table.New("NODE", n.ID)
	t.Row("state", n.State+", "+n.Form)
	t.Row("network", n.Network)
	t.Row("host", fmt.Sprintf("%s, process %d, up %s", table.Text(n.Name), n.PID, table.Since(n.Started, n.Now)))
	t.Row("address", n.Addr)
	if n.Zone != "" {
		t.Row("zone", n.Zone)
	}
	t.Row("version", n.Version+" "+n.GoVersion)
	peers := strconv.Itoa(n.Peers)
	if n.Suspects > 0 {
		peers += fmt.Sprintf(", %d suspected", n.Suspects)
	}
	t.Row("peers", peers)
	t.Row("serves", fmt.Sprintf("%d clusters, %d topics, %d tunnels, %d programs at the relay", n.Clusters, n.Topics, n.Tunnels, n.Relay))
	t.Row("actors", fmt.Sprintf("%s, %s failures, %s restarts", table.Count(n.Actors), table.Count(n.Failures), table.Count(n.Restarts)))
	t.Row("messages", fmt.Sprintf("%s sent, %s delivered, %s dropped", table.Count(n.Sent), table.Count(n.Delivered), table.Count(n.Dropped)))
	t.Row("memory", fmt.Sprintf("%s of heap, limit %s, %d goroutines", table.Bytes(n.HeapBytes), table.Bytes(n.MemoryLimit), n.Goroutines))
	return t
}

// Network lays out the nodes of a network.
func Network(nodes []inspect.Brief) *table.Table {
	t := table.New("NODE", "~NAME", "STATE", "~ZONE", "~ADDRESS", ">CLUSTERS", ">TOPICS", ">TUNNELS", ">ACTORS", ">DROPPED", ">FAILURES", "~ERROR")
	for _, b := range nodes {
		t.Row(table.Node(b.ID), table.Text(b.Name), b.State, table.Text(b.Zone), table.Text(b.Addr), strconv.Itoa(b.Clusters), strconv.Itoa(b.Topics),
			strconv.Itoa(b.Tunnels), table.Count(b.Actors), table.Count(b.Dropped), table.Count(b.Failures), b.Error)
	}
	return t
}

// Peers lays out links. now is the node's clock.
func Peers(peers []inspect.Peer, now time.Time) *table.Table {
	t := table.New("PEER", "~NAME", "STATE", ">SINCE", ">RTT", ">LOST", ">SENT", ">RECEIVED", ">QUEUED", ">REFUSED", "~ZONE", "~ADDRESS", "~VERSION")
	for _, p := range peers {
		queued, refused := 0, uint64(0)
		for _, l := range p.Lanes {
			queued, refused = queued+l.Queued, refused+l.Refused
		}
		lost := table.None
		if p.Packets > 0 {
			lost = fmt.Sprintf("%.2f%%", 100*float64(p.Lost)/float64(p.Packets))
		}
		t.Row(table.Node(p.ID), table.Text(p.Name), p.State, table.Since(p.Since, now), table.Micros(p.RTT), lost, table.Bytes(p.SentBytes), table.Bytes(p.RecvBytes),
			table.Bytes(queued), table.Count(refused), table.Text(p.Zone), p.Addr, table.Text(p.Version))
	}
	return t
}

// Lanes lays out the queues to peers.
func Lanes(peers []inspect.Peer) *table.Table {
	t := table.New("PEER", "~NAME", "LANE", ">QUEUED", ">LIMIT", ">FRAMES", ">SENT", ">REFUSED", ">STALLED")
	for _, p := range peers {
		for _, l := range p.Lanes {
			t.Row(table.Node(p.ID), table.Text(p.Name), l.Name, table.Bytes(l.Queued), table.Bytes(l.Limit), table.Count(l.Sent), table.Bytes(l.SentBytes),
				table.Count(l.Refused), table.Micros(l.Stalled))
		}
	}
	return t
}

// Clusters lays out clusters.
func Clusters(list []inspect.Cluster) *table.Table {
	t := table.New("~CLUSTER", ">HERE", ">MEMBERS", ">IN FLIGHT", ">QUEUED", ">ANSWERED", ">FAILED", ">RESTARTS", ">P50", ">P99", ">ASKED", ">ASK P50", ">ASK P99")
	for _, c := range list {
		t.Row(c.Name, strconv.Itoa(c.Local), strconv.Itoa(c.Members), table.Count(c.InFlight), table.Count(c.Queued), table.Count(c.Requests), table.Count(c.Failed),
			table.Count(c.Restarts), table.Micros(c.P50), table.Micros(c.P99), table.Count(c.Asked), table.Micros(c.AskP50), table.Micros(c.AskP99))
	}
	return t
}

// Members lays out the nodes that serve a cluster.
func Members(list []inspect.Member, names Names) *table.Table {
	t := table.New("~NODE", ">MEMBERS", "~ZONE", ">LOAD", ">IN FLIGHT", ">LATENCY", "STATE")
	for _, m := range list {
		state := "serves"
		if m.Draining {
			state = "draining"
		}
		t.Row(names.Of(m.Node), strconv.Itoa(m.Members), table.Text(m.Zone), fmt.Sprintf("%.0f%%", 100*m.Load), strconv.Itoa(m.InFlight), table.Micros(m.Latency), state)
	}
	return t
}

// Topics lays out topics.
func Topics(list []inspect.Topic, names Names) *table.Table {
	t := table.New("~TOPIC", "MODE", ">HERE", ">DEPTH", "~PARENT", ">CHILDREN", ">PUBLISHED", ">DELIVERED", ">FORWARDED", ">GAPS", ">MISSED")
	for _, p := range list {
		mode := p.Mode
		if p.Reliable {
			mode += ", reliable"
		}
		t.Row(p.Name, mode, strconv.Itoa(p.Subscribers), strconv.Itoa(p.Depth), names.Of(p.Parent), strconv.Itoa(len(p.Children)), table.Count(p.Published),
			table.Count(p.Delivered), table.Count(p.Forwarded), table.Count(p.Gaps), table.Count(p.Missed))
	}
	return t
}

// Tunnels lays out tunnels. now is the node's clock.
func Tunnels(list []inspect.Tunnel, names Names, now time.Time) *table.Table {
	t := table.New("TUNNEL", "~CLUSTER", "~PEER", "END", ">AGE", ">SENT", ">RECEIVED", ">SENDS", ">RECEIVES", ">CREDIT", ">UNREAD", ">STALLED")
	for _, u := range list {
		end := "serves"
		if u.Opened {
			end = "opened"
		}
		t.Row(table.Cut(u.ID, 16), table.Text(u.Cluster), names.Of(u.Peer), end, table.Since(u.Since, now), table.Bytes(u.Sent), table.Bytes(u.Received),
			table.Bytes(u.SendRate)+"/s", table.Bytes(u.RecvRate)+"/s", table.Bytes(u.Credit), table.Bytes(u.Unread), table.Micros(u.Stalled))
	}
	return t
}

// Actors lays out actors.
func Actors(list []inspect.Actor) *table.Table {
	t := table.New("~ACTOR", "STATE", ">ACTORS", ">QUEUED", ">BYTES", ">OLDEST", ">HANDLED", ">BUSY", ">FAILURES", ">RESTARTS", "~~LAST ERROR")
	for _, a := range list {
		t.Row(a.Path, a.State, table.Count(a.Actors), table.Count(a.Queued), table.Bytes(a.Bytes), table.Micros(a.Oldest), table.Count(a.Handled), table.Micros(a.Busy),
			table.Count(a.Failures), strconv.Itoa(a.Restarts), a.LastError)
	}
	return t
}

// DeadLetters lays out why messages were given up, each with the latest. now is
// the node's clock.
func DeadLetters(list []inspect.DeadLetters, now time.Time) *table.Table {
	t := table.New("~REASON", ">COUNT", ">LATEST", "~TO", "~TYPE", "~FROM")
	for _, d := range list {
		row := []string{d.Reason, table.Count(d.Count)}
		if n := len(d.Samples); n > 0 {
			s := latest(d.Samples)
			row = append(row, table.Since(s.Time, now), s.Target, s.Type, table.Text(s.Sender))
		}
		t.Row(row...)
	}
	return t
}

func latest(list []inspect.Letter) inspect.Letter {
	last := list[0]
	for _, l := range list[1:] {
		if l.Time.After(last.Time) {
			last = l
		}
	}
	return last
}

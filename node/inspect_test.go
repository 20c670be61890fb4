package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/node/inspect"
)

// look asks n about node, or itself for nil, and returns the report.
func look[T any](t *testing.T, n, about *worldNode, what string, args ...string) T {
	t.Helper()
	q := inspect.Query{What: what, Args: map[string]string{}}
	for i := 0; i+1 < len(args); i += 2 {
		q.Args[args[i]] = args[i+1]
	}
	id := ""
	if about != nil {
		id = about.ID()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	var report T
	data, err := n.Inspect().Ask(ctx, id, q)
	if err == nil {
		err = json.Unmarshal(data, &report)
	}
	if err != nil {
		t.Errorf("%s %v: %v", what, args, err)
	}
	return report
}

// wrong asks for what there is no answer to.
func wrong(t *testing.T, n *worldNode, node string, want error, what string, args ...string) {
	t.Helper()
	q := inspect.Query{What: what, Args: map[string]string{}}
	for i := 0; i+1 < len(args); i += 2 {
		q.Args[args[i]] = args[i+1]
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if data, err := n.Inspect().Ask(ctx, node, q); !errors.Is(err, want) {
		t.Errorf("%s %v at %q: %.80s, %v, want %v", what, args, node, data, err, want)
	}
}

// servant answers after 8 ms, or breaks.
func servant() *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			pass(8 * time.Millisecond)
			if string(m) == "break" {
				panic("the servant broke")
			}
			ctx.Respond(m)
		}
	})
}

// Three nodes, one of which serves, one hears and one asks: each tells of all.
func TestThreeNodesTellOfEachOther(t *testing.T) {
	inWorld(t, 3, 5*time.Millisecond, func(t *testing.T, w *world) {
		server, reader, asker := w.nodes[0], w.nodes[1], w.nodes[2]
		if _, err := server.Register("work", servant(), Members(2)); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Register("archive", actor.Func(func(actor.Context) {})); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Subscribe("news", actor.Func(func(actor.Context) {})); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			_, _ = asker.Request(t.Context(), "work", actor.Bytes([]string{"x", "break"}[i/19]))
			if err := asker.Publish(t.Context(), "news", actor.Bytes("y")); err != nil {
				t.Fatal(err)
			}
		}
		asker.System().Send(actor.NewPID(asker.ID(), "iris/nobody"), nil, "lost")
		tunnel, err := asker.Tunnel(t.Context(), "archive")
		if err != nil {
			t.Fatal(err)
		}
		if err := tunnel.Send(t.Context(), make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)

		for _, from := range []*worldNode{server, asker} { // about itself, and about another node
			n := look[inspect.Node](t, from, server, "node")
			if n.ID != server.ID() || n.Network != "world" || n.State != "ready" || n.Form != "mesh" || n.Peers != 2 || n.Clusters != 2 ||
				n.Tunnels != 1 || n.Failures != 1 || n.Restarts != 1 || n.Actors < 10 || n.Delivered == 0 || n.HeapBytes == 0 || n.Started.After(n.Now) {
				t.Errorf("node: %+v", n)
			}
			c := look[inspect.Page[inspect.Cluster]](t, from, server, "clusters", "name", "work")
			if len(c.Items) != 1 || c.Items[0].Local != 2 || c.Items[0].Requests != 20 || c.Items[0].Failed != 1 || c.Items[0].P50 < 7000 || len(c.Items[0].Nodes) != 1 {
				t.Errorf("cluster: %+v", c)
			}
			a := look[inspect.Page[inspect.Actor]](t, from, server, "actors", "parent", "iris/clusters/work")
			if a.Total != 2 || len(a.Items) != 2 || a.Items[0].Handled+a.Items[1].Handled != 20 || a.Items[0].Cluster != "work" {
				t.Errorf("actors: %+v", a)
			}
			if a = look[inspect.Page[inspect.Actor]](t, from, server, "actors", "sort", "-failures", "deep", "true", "limit", "1"); len(a.Items) != 1 || a.Items[0].LastError != "the servant broke" || a.Items[0].Restarts != 1 {
				t.Errorf("who fails: %+v", a)
			}
			if tu := look[inspect.Page[inspect.Tunnel]](t, from, server, "tunnels"); tu.Total != 1 || tu.Items[0].Peer != asker.ID() || tu.Items[0].Received != 5000 || tu.Items[0].Unread != 5000 || tu.Items[0].Opened {
				t.Errorf("tunnels: %+v", tu)
			}
		}
		if c := look[inspect.Page[inspect.Cluster]](t, server, asker, "clusters"); c.Total != 2 || c.Items[1].Asked != 20 || c.Items[1].AskP50 < 17000 || c.Items[1].Members != 2 {
			t.Errorf("clusters of the asker: %+v", c)
		}
		peers := look[inspect.Page[inspect.Peer]](t, server, asker, "peers", "limit", "1")
		if peers.Total != 2 || len(peers.Items) != 1 || peers.Next != peers.Items[0].ID || len(peers.Items[0].Lanes) != 5 || peers.Items[0].RTT < 9000 || peers.Items[0].SentBytes == 0 {
			t.Errorf("peers: %+v", peers)
		}
		for _, p := range append(peers.Items, look[inspect.Page[inspect.Peer]](t, server, asker, "peers", "after", peers.Next).Items...) {
			if apart := p.ID == server.ID(); p.TunnelApart != apart || (p.TunnelAddr == look[inspect.Node](t, asker, server, "node").TunnelAddr) != apart {
				t.Errorf("the way of tunnels with %s: %+v", p.ID, p)
			}
		}
		if rest := look[inspect.Page[inspect.Peer]](t, server, asker, "peers", "after", peers.Next); len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID == peers.Next {
			t.Errorf("the other peer: %+v", rest)
		}
		if r := look[inspect.Ring](t, server, reader, "ring"); r.Self != reader.ID() || r.Size != 3 || len(r.Leaves) != 2 || r.Table != nil {
			t.Errorf("ring: %+v", r)
		}
		heard := look[inspect.Page[inspect.Topic]](t, server, reader, "topics", "name", "news")
		if len(heard.Items) != 1 || heard.Items[0].Subscribers != 1 || heard.Items[0].Delivered != 20 || heard.Items[0].Mode != "list" {
			t.Errorf("topic: %+v", heard)
		}
		if said := look[inspect.Page[inspect.Topic]](t, reader, asker, "topics"); said.Total != 1 || said.Items[0].Published != 20 || said.Items[0].Forwarded != 20 {
			t.Errorf("topics of the publisher: %+v", said)
		}
		dead := look[inspect.Page[inspect.DeadLetters]](t, reader, asker, "deadletters")
		if len(dead.Items) != 1 || dead.Items[0].Count == 0 || !slices.ContainsFunc(dead.Items[0].Samples, func(l inspect.Letter) bool {
			return strings.HasSuffix(l.Target, "iris/nobody") && l.Count == 1
		}) {
			t.Errorf("dead letters: %+v", dead)
		}
		settings := look[map[string]any](t, server, reader, "config")
		if text := fmt.Sprint(settings); settings["network.name"] != "world" || strings.Contains(text, "the secret of a world") {
			t.Errorf("config: %v", settings)
		}
		if r := look[inspect.Page[inspect.RelayClient]](t, server, reader, "relay"); r.Total != 0 || r.Items == nil {
			t.Errorf("relay: %+v", r)
		}
		for kind, name := range map[string]string{"cluster": "work", "topic": "news"} {
			tr := look[inspect.Trace](t, server, asker, "trace", "kind", kind, "name", name)
			last := tr.Hops[max(len(tr.Hops)-1, 0):]
			if tr.Error != "" || tr.From != asker.ID() || len(last) != 1 || last[0].From != asker.ID() || last[0].Depth != 1 || last[0].Delay < 4500 || last[0].Delay > 6500 {
				t.Errorf("trace of %s: %+v", name, tr)
			}
		}
		network := look[inspect.Network](t, reader, nil, "network")
		for _, b := range network.Nodes {
			if b.State != "ready" || b.Error != "" || len(b.Links) != 2 || b.Links[0].RTT < 9000 {
				t.Errorf("network: %+v", b)
			}
		}
		if len(network.Nodes) != 3 || network.Nodes[0].ID > network.Nodes[1].ID {
			t.Errorf("%d nodes", len(network.Nodes))
		}
		w.refusals(asker, server)
		w.lost(server, reader)
	})
}

// refusals shows that questions without an answer get an error that says why, also from afar.
func (w *world) refusals(asker, server *worldNode) {
	w.t.Helper()
	nobody := strings.Repeat("7", 32)
	for _, node := range []string{"", server.ID()} {
		wrong(w.t, asker, node, inspect.ErrBadQuery, "everything")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "peers", "limit", "1001")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "actors", "sort", "prettiest")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "trace", "kind", "king")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "nexthop", "key", "short")
		wrong(w.t, asker, node, inspect.ErrNotFound, "clusters", "name", "nobody's")
		wrong(w.t, asker, node, inspect.ErrNotFound, "topics", "name", "nobody's")
		wrong(w.t, asker, node, inspect.ErrNotFound, "actors", "parent", "iris/nobody")
		wrong(w.t, asker, node, inspect.ErrNotFound, "do:restart", "pid", "iris/nobody")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "do:stop", "pid", "elsewhere")
		wrong(w.t, asker, node, inspect.ErrBadQuery, "do:stop", "pid", "iris/router")
	}
	wrong(w.t, asker, "no id", inspect.ErrBadQuery, "node")
	wrong(w.t, asker, nobody, inspect.ErrUnknownNode, "node")
}

// lost kills the last of three nodes: the others tell that it is gone.
func (w *world) lost(from, gone *worldNode) {
	w.t.Helper()
	for _, n := range w.nodes {
		if n != gone {
			w.air.cut(gone, n, true)
			w.air.cut(n, gone, true)
		}
	}
	w.until("it is a suspect", 10*time.Second, func() bool {
		b := brief(look[inspect.Network](w.t, from, nil, "network"), gone)
		return b.State == "suspect" || b.State == "down"
	})
	w.until("it is down", 30*time.Second, func() bool {
		b := brief(look[inspect.Network](w.t, from, nil, "network"), gone)
		return b.State == "down" && b.Error != ""
	})
	down := look[inspect.Page[inspect.Peer]](w.t, from, nil, "peers")
	i := slices.IndexFunc(down.Items, func(p inspect.Peer) bool { return p.ID == gone.ID() })
	if i < 0 || down.Items[i].State != "down" || down.Items[i].Reason == "" {
		w.t.Errorf("peers: %+v", down)
	}
	for _, n := range w.nodes {
		if n != gone {
			w.air.cut(gone, n, false)
			w.air.cut(n, gone, false)
		}
	}
}

// Commands are given from anywhere and carried out where they belong; their event says who ordered.
func TestCommandsAreOrderedFromAfar(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		near, far := w.nodes[0], w.nodes[1]
		reg, err := far.Register("work", servant(), Members(2))
		if err != nil {
			t.Fatal(err)
		}
		path := reg.PIDs()[0].Id
		for _, c := range [][]string{
			{"do:restart", "pid", path}, {"do:stop", "pid", far.ID() + "/" + path}, {"do:loglevel", "level", "warn"}, {"do:drain"}, {"do:disconnect", "peer", near.ID()},
		} {
			if c[0] == "do:disconnect" { // the answer would take the link that goes
				look[map[string]bool](t, far, nil, "do:disconnect", "peer", near.ID(), "by", "a test")
				continue
			}
			if done := look[map[string]bool](t, near, far, c[0], append(c[1:], "by", "a test")...); !done["done"] {
				t.Errorf("%v: %v", c, done)
			}
		}
		synctest.Wait()
		far.mu.Lock()
		var orders []string
		for _, ev := range far.seen {
			if d, ok := ev.(*actor.CommandDone); ok {
				orders = append(orders, d.Command+" by "+d.By+d.Error)
			}
		}
		far.mu.Unlock()
		from := " by a test at node " + near.ID()
		if want := []string{"Restart" + from, "StopHandler" + from, "SetLogLevel" + from, "Drain" + from, "Disconnect by a test"}; !slices.Equal(orders, want) {
			t.Errorf("got %q, want %q", orders, want)
		}
		pass(5 * time.Second)
		w.until("linked again", time.Minute, func() bool { return near.healthy() == 1 && far.healthy() == 1 })
		if n := look[inspect.Node](t, near, far, "node"); n.State != "draining" || n.Clusters != 0 {
			t.Errorf("after the commands: %+v", n)
		}
	})
}

// The node's own parts are not stopped by command. They are restarted by one, but for what supervises connections, and the
// node goes on as before.
func TestPartsOfTheNodeAreRestartedAndNotStopped(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		near, far := w.nodes[0], w.nodes[1]
		if _, err := far.Register("work", servant(), Members(2)); err != nil {
			t.Fatal(err)
		}
		heard := make(chan struct{}, 100)
		if _, err := far.Subscribe("news", actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				heard <- struct{}{}
			}
		})); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		services, _ := far.System().Level("iris", "", 100)
		groups, _ := far.System().Level("iris/clusters", "", 100)
		for _, part := range append(services, groups...) {
			wrong(t, near, far.ID(), inspect.ErrBadQuery, "do:stop", "pid", part.ID)
			switch part.ID {
			case "iris/relay", "iris/transport", "iris/tunnels":
				wrong(t, near, far.ID(), inspect.ErrBadQuery, "do:restart", "pid", part.ID)
			default:
				if done := look[map[string]bool](t, near, far, "do:restart", "pid", part.ID); !done["done"] {
					t.Errorf("%s: restarted: %v", part.ID, done)
				}
			}
			pass(30 * time.Second)
			w.until("linked after the restart of "+part.ID, time.Minute, func() bool { return near.healthy() == 1 && far.healthy() == 1 })
			if _, err := near.Request(t.Context(), "work", actor.Bytes("x")); err != nil {
				t.Errorf("after the restart of %s: %v", part.ID, err)
			}
			before := len(heard)
			if err := near.Publish(t.Context(), "news", actor.Bytes("x")); err != nil {
				t.Error(err)
			}
			pass(time.Second)
			if len(heard) != before+1 {
				t.Errorf("after the restart of %s: %d events, want 1", part.ID, len(heard)-before)
			}
		}
		if len(services) < 8 || len(groups) != 1 {
			t.Errorf("%d services, %d clusters", len(services), len(groups))
		}
	})
}

// In a ring most nodes are no peers. All can be asked, and messages followed.
func TestStrangersAreAskedThroughTheRing(t *testing.T) {
	long(t)
	inWorldOf(t, many, 5*time.Millisecond, func(c *config.Config) {
		c.Overlay = config.Overlay{MeshMax: 4, LeafSet: leaves}
	}, func(t *testing.T, w *world) {
		w.ring(w.nodes, time.Minute)
		pass(10 * time.Second)
		w.strangers(5, func(a, b *worldNode) {
			if n := look[inspect.Node](t, a, b, "node"); n.ID != b.ID() || n.Form != "structured" {
				t.Errorf("%s of %s: %+v", a.ID(), b.ID(), n)
			}
			wrong(t, a, b.ID(), inspect.ErrNotFound, "clusters", "name", "nobody's")
		})
		for _, n := range w.nodes[:3] {
			r := look[inspect.Ring](t, n, nil, "ring")
			// The size is estimated from the distance of the leaves, which are few here.
			if r.Form != "structured" || len(r.Leaves) < leaves/2 || len(r.Table) == 0 || r.Size < many/4 || r.Size > 4*many {
				t.Errorf("ring: %+v", r)
			}
			for _, row := range r.Table {
				for digit, x := range row.Nodes {
					if x != "" && (x[:row.Prefix] != n.ID()[:row.Prefix] || x[row.Prefix:row.Prefix+1] != fmt.Sprintf("%x", digit)) {
						t.Errorf("%s in row %d, digit %x of %s", x, row.Prefix, digit, n.ID())
					}
				}
			}
		}
		for _, n := range w.nodes[:6] {
			if _, err := n.Register("work", servant()); err != nil {
				t.Fatal(err)
			}
		}
		tr := look[inspect.Trace](t, w.nodes[9], nil, "trace", "kind", "cluster", "name", "work")
		if err := follow(tr, w.nodes[9].ID()); err != nil || tr.Error != "" {
			t.Errorf("%v: %+v", err, tr)
		}
		members := 0
		for _, h := range tr.Hops {
			if h.Why == "member" {
				members++
			}
		}
		if members != 6 {
			t.Errorf("%d members: %+v", members, tr)
		}
		network := look[inspect.Network](t, w.nodes[5], nil, "network")
		if len(network.Nodes) < leaves || len(network.Nodes) > many {
			t.Errorf("%d nodes are known", len(network.Nodes))
		}
		for _, b := range network.Nodes {
			if b.Error != "" || b.State != "ready" || len(b.Links) == 0 {
				t.Errorf("%+v", b)
			}
		}
	})
}

// follow checks that the hops of the route follow one another.
func follow(tr inspect.Trace, from string) error {
	for i, h := range tr.Hops {
		if h.Why != "route" {
			return nil
		}
		if h.From != from || h.Depth != i+1 {
			return fmt.Errorf("hop %d: %+v", i, h)
		}
		from = h.To
	}
	return nil
}

// The tree of a topic with more than 32 subscribing nodes is followed to all of them.
func TestATopicIsFollowedToItsLeaves(t *testing.T) {
	long(t)
	inWorldOf(t, 40, 5*time.Millisecond, func(c *config.Config) {
		c.Overlay = config.Overlay{MeshMax: 4, LeafSet: leaves}
	}, func(t *testing.T, w *world) {
		w.ring(w.nodes, time.Minute)
		for _, n := range w.nodes[:36] {
			if _, err := n.Subscribe("news", actor.Func(func(actor.Context) {})); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.nodes[38].Publish(t.Context(), "news", actor.Bytes("x")); err != nil {
			t.Fatal(err)
		}
		pass(40 * time.Second)
		tr := look[inspect.Trace](t, w.nodes[39], nil, "trace", "kind", "topic", "name", "news")
		reached := map[string]bool{}
		parents := map[string]bool{}
		for _, h := range tr.Hops {
			if h.Why == "child" {
				reached[h.To], parents[h.From] = true, true
			}
		}
		if len(reached) < 35 || len(parents) < 2 || tr.Error != "" || follow(tr, w.nodes[39].ID()) != nil {
			t.Errorf("%d nodes reached from %d: %+v", len(reached), len(parents), tr)
		}
		in := look[inspect.Page[inspect.Topic]](t, w.nodes[39], w.nodes[7], "topics", "name", "news")
		if len(in.Items) != 1 || in.Items[0].Mode != "tree" || len(in.Items[0].Trees) != 2 || in.Items[0].Subscribers != 1 {
			t.Errorf("topic: %+v", in)
		}
	})
}

// brief is what a network says of one node.
func brief(network inspect.Network, n *worldNode) inspect.Brief {
	for _, b := range network.Nodes {
		if b.ID == n.ID() {
			return b
		}
	}
	return inspect.Brief{}
}

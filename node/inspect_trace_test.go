package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/inspect"
	"iris/topics"
)

// state is what a node holds: its actors by path, and the clusters and topics it has to do with.
func (n *worldNode) state(t *testing.T) map[string]bool {
	t.Helper()
	held := map[string]bool{}
	for _, parent := range []string{"iris", "iris/topics", "iris/topics/tree", "iris/topics/trees", "iris/user", "iris/router"} {
		list, total := n.System().Level(parent, "", 1000)
		if total > len(list) {
			t.Errorf("%d below %s", total, parent)
		}
		for _, a := range list {
			held[a.ID] = true
		}
	}
	held[fmt.Sprintf("%d actors", n.System().Actors())] = true
	for _, c := range look[inspect.Page[inspect.Cluster]](t, n, nil, "clusters", "limit", "1000").Items {
		held[fmt.Sprintf("cluster %s: %d of %d", c.Name, c.Local, c.Members)] = true
	}
	for _, x := range look[inspect.Page[inspect.Topic]](t, n, nil, "topics", "limit", "1000").Items {
		held[fmt.Sprintf("topic %s: %d", x.Name, x.Subscribers)] = true
	}
	return held
}

// Who traces a name looks only: no node has an actor, a list or a topic more for it, whether somebody
// is in what is traced or not. What is said is right all the same.
func TestATraceOnlyLooks(t *testing.T) {
	inWorld(t, 4, 5*time.Millisecond, func(t *testing.T, w *world) {
		server, reader, tracer := w.nodes[0], w.nodes[1], w.nodes[3]
		if _, err := server.Register("work", servant(), Members(2)); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*worldNode{server, reader} {
			if _, err := n.Subscribe("news", actor.Func(func(actor.Context) {})); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := reader.Subscribe("orders", actor.Func(func(actor.Context) {}), Reliable()); err != nil {
			t.Fatal(err)
		}
		pass(90 * time.Second) // what nobody needs has gone
		before := make([]map[string]bool, len(w.nodes))
		for i, n := range w.nodes {
			before[i] = n.state(t)
		}
		for i := range 20 {
			for kind, names := range map[string][]string{"cluster": {"work", fmt.Sprint("nobody-", i)}, "topic": {"news", "orders", fmt.Sprint("nothing-", i)}} {
				for _, name := range names {
					tr := look[inspect.Trace](t, tracer, nil, "trace", "kind", kind, "name", name)
					to := map[string]bool{}
					for _, h := range tr.Hops {
						if h.Why != "route" {
							to[h.To] = true
						}
					}
					want := map[string]map[string]bool{
						"work": {server.ID(): true}, "news": {server.ID(): true, reader.ID(): true}, "orders": {reader.ID(): true},
					}[name]
					if tr.Error != "" || !maps.Equal(to, want) {
						t.Errorf("%s %s leads to %v, want %v: %+v", kind, name, to, want, tr)
					}
				}
			}
		}
		w.many(tracer, 3000)
		for i, n := range w.nodes {
			if after := n.state(t); !maps.Equal(after, before[i]) {
				t.Errorf("node %d has now %v, before %v", i, after, before[i])
			}
		}
	})
}

// many traces so many names that nobody has.
func (w *world) many(from *worldNode, n int) {
	w.t.Helper()
	for i := range n {
		q := inspect.Query{What: "trace", Args: map[string]string{"kind": []string{"cluster", "topic"}[i%2], "name": fmt.Sprint("stray-", i)}}
		if _, err := from.Inspect().Ask(w.t.Context(), "", q); err != nil {
			w.t.Fatal(err)
		}
	}
}

// What a root says of who is there is taken as far as it can be true; one of an older version does not say it.
func TestATraceTakesARootAtItsWord(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		root, tracer := w.nodes[0], w.nodes[1]
		name := ""
		for k := 0; name == ""; k++ {
			if n := fmt.Sprint("c", k); tracer.router.Routes().Root(topics.Key(actor.Request, n)).String() == root.ID() {
				name = n
			}
		}
		var members []string
		for i := range 3000 {
			members = append(members, fmt.Sprintf("%032x", i+1))
		}
		many, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan string, 1)
		root.replace(t, func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case inspect.Query, *inspect.Query:
				ctx.Respond(actor.Bytes(<-answers))
			}
		})
		for _, tc := range []struct {
			answer, err string
			hops        int
		}{
			{`{"root":true}`, "its version is older", 1},
			{`{"root":true,"members":[]}`, "", 1},
			{`{"root":true,"members":["x","\u001b[2J","` + root.ID() + `","` + root.ID() + `"]}`, "", 2},
			{`{"root":true,"members":` + string(many) + `}`, "more than 256 hops", 256},
		} {
			answers <- tc.answer
			tr := look[inspect.Trace](t, tracer, nil, "trace", "kind", "cluster", "name", name)
			if len(tr.Hops) != tc.hops || !strings.Contains(tr.Error, tc.err) || tc.err == "" && tr.Error != "" {
				t.Errorf("%.60s: %d hops, error %q", tc.answer, len(tr.Hops), tr.Error)
			}
		}
	})
}

package topics

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
)

// slow answers after 8 ms, or fails.
func slow() *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		m, ok := ctx.Message().(actor.Bytes)
		if !ok {
			return
		}
		<-time.After(8 * time.Millisecond)
		switch string(m) {
		case "break":
			panic("broken")
		case "fail":
			actor.Fail(ctx, fmt.Errorf("no"))
		default:
			ctx.Respond(m)
		}
	})
}

func TestClustersTellWhatTheyDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		server, asker := f.nodes[0], f.nodes[1]
		server.serve(t, "work", slow(), 3)
		server.serve(t, "other", slow(), 1)
		for i := range 40 {
			msg := []string{"x", "x", "fail", "x"}[i%4]
			if i == 7 {
				msg = "break"
			}
			_, _ = asker.Request(t.Context(), "work", actor.Bytes(msg), Options{})
		}
		here, ok := server.Cluster("work")
		if !ok || here.Local != 3 || here.Members != 3 || here.Requests != 40 || here.Failed != 11 || here.Restarts != 1 || here.InFlight != 0 {
			t.Errorf("where it is served: %+v", here)
		}
		if !about(here.P50, 8*time.Millisecond) || here.Root != f.root(Key(actor.Request, "work")).id {
			t.Errorf("took %v, root %v", here.P50, here.Root)
		}
		if len(here.Nodes) != 1 || here.Nodes[0].Node != server.id || here.Nodes[0].Members != 3 {
			t.Errorf("nodes %+v", here.Nodes)
		}
		there, ok := asker.Cluster("work")
		if !ok || there.Local != 0 || there.Members != 3 || there.Asked != 40 || there.AskP50 < here.P50 || there.Requests != 0 {
			t.Errorf("where it is asked: %+v", there)
		}
		if len(there.Nodes) != 1 || there.Nodes[0].InFlight != 0 || there.Nodes[0].Latency == 0 {
			t.Errorf("nodes as the asker sees them: %+v", there.Nodes)
		}
		if _, ok := f.nodes[2].Cluster("work"); ok {
			t.Error("one that has nothing to do with it tells of it")
		}
		list, total := server.Clusters("", 1)
		if total != 2 || len(list) != 1 || list[0].Name != "other" {
			t.Errorf("page %+v of %d", list, total)
		}
		if list, _ = server.Clusters("other", 10); len(list) != 1 || list[0].Name != "work" {
			t.Errorf("next page %+v", list)
		}
		if c, n := server.Roles(); c != 2 || n != 0 {
			t.Errorf("%d clusters and %d topics", c, n)
		}
		<-time.After(time.Minute)
		if late, _ := server.Cluster("work"); late.P50 != 0 || late.Requests != 40 {
			t.Errorf("a minute later: %+v", late)
		}
	})
}

// A member that has nothing to do is shown with no load, at once and later, whatever
// the last that it said was; one that is busy with all it can.
func TestIdleMembersHaveNoLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		server, asker := f.nodes[0], f.nodes[1]
		server.serve(t, "work", slow(), 1)
		look := func(when string, want float64) {
			t.Helper()
			for _, n := range []*Topics{server.Topics, asker.Topics} {
				if c, _ := n.Cluster("work"); len(c.Nodes) != 1 || c.Nodes[0].Load != want {
					t.Errorf("%s: %+v, want load %v", when, c.Nodes, want)
				}
			}
		}
		ask := func(from *Topics) { _, _ = from.Request(t.Context(), "work", actor.Bytes("x"), Options{}) }
		for _, from := range []*Topics{asker.Topics, server.Topics} { // the latter asks itself
			ask(from)
		}
		ask(asker.Topics)
		look("after one request after another", 0)
		var burst sync.WaitGroup
		for range 20 {
			burst.Go(func() { ask(asker.Topics) })
		}
		<-time.After(20 * time.Millisecond)
		synctest.Wait()
		look("in a burst", 1)
		burst.Wait()
		look("after the burst", 0)
		<-time.After(time.Minute)
		look("a minute later", 0)
	})
}

func about(got, want time.Duration) bool { return (got - want).Abs() < want/4 }

func TestTopicsTellWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 4)
		for _, n := range f.nodes[:2] {
			n.hear(t, "news", SubscribeOptions{})
			n.hear(t, "orders", surely)
		}
		p := f.nodes[2]
		news, orders := &publisher{node: p}, &publisher{node: p}
		for range 30 {
			news.say(t, "news", PublishOptions{})
			orders.say(t, "orders", PublishOptions{Reliable: true})
		}
		<-time.After(5 * time.Second)
		from, _ := p.Topic("news")
		if from.Published != 30 || from.Forwarded != 60 || from.Subscribers != 0 || len(from.Listed) != 2 || from.Trees || from.Reliable {
			t.Errorf("at the publisher: %+v", from)
		}
		at, _ := f.nodes[0].Topic("news")
		if at.Subscribers != 1 || at.Delivered != 30 || at.Published != 0 || at.Root != f.root(Key(actor.Event, "news")).id {
			t.Errorf("at a subscriber: %+v", at)
		}
		if from, _ = p.Topic("orders"); from.Published != 30 || from.Forwarded == 0 {
			t.Errorf("the publisher of a reliable topic: %+v", from)
		}
		roots := map[id.ID]bool{}
		for _, n := range f.nodes[:2] {
			i, ok := n.Topic("orders")
			if !ok || !i.Reliable || i.Delivered != 30 || len(i.Places) == 0 || i.Gaps != 0 {
				t.Errorf("at a reliable subscriber: %+v", i)
			}
			for _, place := range i.Places {
				if !place.Reliable || (place.Depth == 0) != place.Parent.IsZero() || place.Root.IsZero() {
					t.Errorf("its place: %+v", place)
				}
				if place.Stripe == 0 {
					roots[place.Root] = true
				}
			}
		}
		if len(roots) != 1 {
			t.Errorf("one tree with the roots %v", roots)
		}
		list, total := f.nodes[0].Topics.Topics("", 10)
		if total != 2 || len(list) != 2 || list[0].Name != "news" || list[1].Name != "orders" {
			t.Errorf("%d: %+v", total, list)
		}
		looked := 0
		f.nodes[0].EachTopic(func(name string) bool { return name == "orders" }, func(i *TopicInfo) {
			if looked++; i.Name != "orders" || i.Delivered != 30 {
				t.Errorf("%+v", i)
			}
		})
		f.nodes[0].EachCluster(func(string) bool { return false }, func(*ClusterInfo) { looked++ })
		if looked != 1 {
			t.Errorf("%d were looked into, want the one that was asked for", looked)
		}
		if _, ok := f.nodes[0].Topic("nobody's"); ok {
			t.Error("a topic that is not")
		}
	})
}

// Who looks at a group learns of it what this node knows, and the root knows it all; nobody comes to hold more for it.
func TestLookingAtAGroupHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		reg := f.nodes[0].serve(t, "work", slow(), 2)
		f.nodes[1].hear(t, "orders", surely)
		<-time.After(time.Second)
		for _, n := range f.nodes {
			for _, g := range []struct {
				kind   actor.Kind
				name   string
				in     id.ID
				surely bool
			}{{actor.Request, "work", f.nodes[0].id, false}, {actor.Event, "orders", f.nodes[1].id, true}} {
				kept := n.Kept(g.kind, g.name)
				if at := f.root(Key(g.kind, g.name)) == n; at && (len(kept.Nodes) != 1 || kept.Nodes[0] != g.in || kept.Reliable != g.surely || kept.Trees) || !at && len(kept.Nodes) > 0 {
					t.Errorf("%s at its root, %v: %+v", g.name, at, kept)
				}
			}
			groups := len(n.all())
			for i := range 100 {
				if l, ok := n.Leased(actor.Event, fmt.Sprint(i)); ok || len(n.Kept(actor.Event, fmt.Sprint(i)).Nodes) > 0 {
					t.Errorf("%d: %+v", i, l)
				}
			}
			if now := len(n.all()); now != groups {
				t.Errorf("%d groups, were %d", now, groups)
			}
		}
		asker := f.nodes[2]
		if _, err := asker.Request(t.Context(), "work", actor.Bytes("x"), Options{}); err != nil {
			t.Fatal(err)
		}
		if l, ok := asker.Leased(actor.Request, "work"); !ok || len(l.Nodes) != 1 || l.Nodes[0] != f.nodes[0].id {
			t.Errorf("what it sends by: %+v, %v", l, ok)
		}
		root := f.root(Key(actor.Request, "work"))
		if err := reg.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept := root.Kept(actor.Request, "work"); len(kept.Nodes) > 0 {
			t.Errorf("after it left: %+v", kept)
		}
	})
}

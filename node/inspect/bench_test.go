package inspect_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
	"iris/node/inspect"
)

// large is the node of the benchmarks: 1 000 clusters, 10 000 topics, 100 000 actors.
// It takes a while to build, and to end.
func large(b *testing.B) *node.Node {
	b.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Discovery.Host, cfg.Discovery.LAN = "127.0.0.1:0", false, false
	cfg.Log.Handler = slog.DiscardHandler
	n, err := node.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Stop(context.Background()) })
	echo := actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(m)
		}
	})
	together(1000, func(i int) {
		if _, err := n.Register(fmt.Sprintf("cluster-%04d", i), echo, node.Members(40)); err != nil {
			b.Error(err)
		}
	})
	together(10_000, func(i int) {
		if _, err := n.Subscribe(fmt.Sprintf("topic-%05d", i), actor.Func(func(actor.Context) {})); err != nil {
			b.Error(err)
		}
	})
	for n.System().Actors() < 100_000 {
		n.System().Spawn(echo)
	}
	for i := range 1000 {
		if _, err := n.Request(b.Context(), fmt.Sprintf("cluster-%04d", i), actor.Bytes("x")); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			f(i)
			<-slots
		})
	}
	wg.Wait()
}

type page struct {
	name string
	inspect.Query
}

// pages are what the dashboard and the command line ask for.
var pages = []page{
	{"node", inspect.Query{What: "node"}},
	{"network", inspect.Query{What: "network"}},
	{"clusters", inspect.Query{What: "clusters"}},
	{"clusters-all", inspect.Query{What: "clusters", Args: map[string]string{"limit": "1000"}}},
	{"cluster", inspect.Query{What: "clusters", Args: map[string]string{"name": "cluster-0500"}}},
	{"topics", inspect.Query{What: "topics"}},
	{"topics-1000", inspect.Query{What: "topics", Args: map[string]string{"limit": "1000", "after": "topic-05000"}}},
	{"actors", inspect.Query{What: "actors"}},
	{"actors-children", inspect.Query{What: "actors", Args: map[string]string{"parent": "iris/readers", "limit": "1000"}}},
	{"actors-busiest", inspect.Query{What: "actors", Args: map[string]string{"sort": "-busy_us", "deep": "true"}}},
	{"actors-sorted", inspect.Query{What: "actors", Args: map[string]string{"sort": "handled", "parent": "iris/user"}}},
	{"topics-sorted", inspect.Query{What: "topics", Args: map[string]string{"sort": "-delivered", "limit": "1000"}}},
	{"clusters-sorted", inspect.Query{What: "clusters", Args: map[string]string{"sort": "-requests"}}},
	{"deadletters", inspect.Query{What: "deadletters"}},
}

// BenchmarkLargeNode measures each page of a large node. Run it with
//
//	go test ./node/inspect -run - -bench LargeNode
func BenchmarkLargeNode(b *testing.B) {
	n := large(b)
	for _, p := range pages {
		b.Run(p.name, func(b *testing.B) { ask(b, n, p) })
	}
	b.Run("all", func(b *testing.B) { ask(b, n, pages...) })
}

// ask measures some pages together; what the fastest time was says most on a machine that has
// other work.
func ask(b *testing.B, n *node.Node, list ...page) {
	b.ReportAllocs()
	least := time.Hour
	for b.Loop() {
		began := time.Now()
		for _, p := range list {
			if _, err := n.Inspect().Ask(b.Context(), "", p.Query); err != nil {
				b.Fatal(err)
			}
		}
		least = min(least, time.Since(began))
	}
	b.ReportMetric(float64(least)/1e6, "ms-least")
}

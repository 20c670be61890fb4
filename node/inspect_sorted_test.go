package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/inspect"
)

// whole gathers a list page by page.
func whole[T any](t *testing.T, from, about *worldNode, what string, args ...string) (all []T) {
	t.Helper()
	for after := ""; ; {
		p := look[inspect.Page[T]](t, from, about, what, append(slices.Clone(args), "limit", "3", "after", after)...)
		all = append(all, p.Items...)
		if p.Next == "" || t.Failed() {
			if len(all) != p.Total {
				t.Errorf("%s %v: %d of %d", what, args, len(all), p.Total)
			}
			return all
		}
		after = p.Next
	}
}

// Lists come in any order that is asked for, over all there is, in pages; from afar too.
func TestListsAreSortedAsAWhole(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		server, asker := w.nodes[0], w.nodes[1]
		var heard []string
		for i := range 10 {
			name := fmt.Sprintf("c%d", i)
			if _, err := server.Register(name, servant()); err != nil {
				t.Fatal(err)
			}
			if _, err := server.Subscribe("t"+name, actor.Func(func(actor.Context) {})); err != nil {
				t.Fatal(err)
			}
			for range i * 7 % 10 { // 0 7 4 1 8 5 2 9 6 3
				if _, err := asker.Request(t.Context(), name, actor.Bytes("x")); err != nil {
					t.Fatal(err)
				}
				if err := asker.Publish(t.Context(), "t"+name, actor.Bytes("x")); err != nil {
					t.Fatal(err)
				}
			}
			heard = append(heard, fmt.Sprintf("tc%d", i*3%10)) // of which 0 1 2 ... came
		}
		pass(time.Second)
		names := func(list []inspect.Topic) (names []string) {
			for _, x := range list {
				names = append(names, x.Name)
			}
			return names
		}
		if got := names(whole[inspect.Topic](t, asker, server, "topics", "sort", "delivered")); !slices.Equal(got, heard) {
			t.Errorf("the quietest first: %v, want %v", got, heard)
		}
		slices.Reverse(heard)
		if got := names(whole[inspect.Topic](t, asker, server, "topics", "sort", "-delivered")); !slices.Equal(got, heard) {
			t.Errorf("the loudest first: %v, want %v", got, heard)
		}
		if got := names(whole[inspect.Topic](t, asker, server, "topics", "contains", "c7")); !slices.Equal(got, []string{"tc7"}) {
			t.Errorf("what has c7 in it: %v", got)
		}
		clusters := whole[inspect.Cluster](t, asker, server, "clusters", "sort", "-requests", "contains", "c")
		if len(clusters) != 10 || clusters[0].Name != "c7" || clusters[9].Name != "c0" {
			t.Errorf("clusters: %+v", clusters)
		}
		actors := whole[inspect.Actor](t, asker, server, "actors", "parent", "iris/clusters", "sort", "-handled")
		if len(actors) != 10 || actors[0].Path != "iris/clusters/c7" || actors[9].Path != "iris/clusters/c0" || actors[0].Actors != 2 {
			t.Errorf("actors: %+v", actors)
		}
		actors = whole[inspect.Actor](t, asker, server, "actors", "parent", "iris/clusters", "sort", "-handled", "deep", "true")
		if len(actors) != 20 || !strings.HasPrefix(actors[0].Path, "iris/clusters/c7/") {
			t.Errorf("all actors: %+v", actors)
		}
		for _, what := range []string{"actors", "clusters", "topics", "tunnels", "peers", "relay"} {
			columns := inspect.Columns(what)
			for _, c := range columns {
				for _, down := range []string{"", "-"} {
					whole[any](t, asker, server, what, "sort", down+c, "parent", "iris/clusters") // what moves does not come once
				}
			}
			wrong(t, asker, server.ID(), inspect.ErrBadQuery, what, "sort", "--"+columns[0])
			wrong(t, asker, server.ID(), inspect.ErrBadQuery, what, "sort", columns[0], "after", "nothing that was said")
		}
		wrong(t, asker, server.ID(), inspect.ErrBadQuery, "actors", "deep", "very")
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for _, what := range []string{"clusters", "topics", "tunnels", "peers", "relay"} {
			q := inspect.Query{What: what, Args: map[string]string{"contains": "c"}}
			if _, err := server.Inspect().Ask(over, "", q); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, for which nobody waits: %v", what, err)
			}
		}
	})
}

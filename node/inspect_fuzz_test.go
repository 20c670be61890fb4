package node

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/node/inspect"
)

// alone starts a node that has nobody.
func alone(t testing.TB) *Node {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Discovery.Host, cfg.Discovery.LAN = "127.0.0.1:0", false, false
	cfg.Log.Handler = slog.DiscardHandler
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// FuzzQuery asks a node anything at all, as itself and as a peer would: it answers with JSON of
// bounded size or with an error, and lives on.
func FuzzQuery(f *testing.F) {
	for _, what := range []string{
		"node", "brief", "peers", "ring", "network", "clusters", "topics", "tunnels", "actors", "deadletters", "relay", "config", "nexthop",
		"trace", "do:restart", "do:stop", "do:disconnect", "do:loglevel", "everything", "",
	} {
		f.Add(what, "limit", "2", "after", "iris/")
		f.Add(what, "kind", "cluster", "name", "work")
		f.Add(what, "kind", "topic", "name", "news\x00\xff")
		f.Add(what, "sort", "-busy_us", "parent", "iris/clusters")
		f.Add(what, "sort", "name", "after", "0,1,ww")
		f.Add(what, "deep", "true", "after", "7,9999999999,")
		f.Add(what, "limit", "99999999999999999999", "pid", "iris/user/1")
		f.Add(what, "key", strings.Repeat("f", 32), "tree", "reliable")
		f.Add(what, "peer", strings.Repeat("0", 32), "level", "debug")
		f.Add(what, strings.Repeat("k", 5000), "", "name", strings.Repeat("é", 5000))
	}
	n := alone(f)
	inspector := actor.NewPID(n.ID(), "iris/inspect")
	f.Fuzz(func(t *testing.T, what, k1, v1, k2, v2 string) {
		if k1 == "pid" || k2 == "pid" { // commands that succeed would end what the test stands on
			v1, v2 = strings.ReplaceAll(v1, "iris/", "iris/x"), strings.ReplaceAll(v2, "iris/", "iris/x")
		}
		if what == "do:drain" {
			return
		}
		q := inspect.Query{What: what, Args: map[string]string{k1: v1, k2: v2}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		data, err := n.Inspect().Ask(ctx, "", q)
		if err == nil && (!json.Valid(data) || len(data) > 4<<20) {
			t.Fatalf("%d bytes, valid %v", len(data), json.Valid(data))
		}
		reply, remote := n.System().Root().Request(ctx, inspector, q)
		switch r := reply.(type) {
		case actor.Bytes:
			if remote != nil || !json.Valid(r) {
				t.Fatalf("%.100s, %v", r, remote)
			}
		case *inspect.Refusal:
			if err == nil && what != "trace" {
				t.Fatalf("refused: %+v, but %.100s", r, data)
			}
		default:
			if remote == nil || errors.Is(remote, actor.ErrTimeout) {
				t.Fatalf("%T, %v", reply, remote)
			}
		}
	})
}

// More questions at once than a node answers are refused, and none is left behind.
func TestTooManyQueriesAreRefused(t *testing.T) {
	n := alone(t)
	const asked = 400
	replies := make(chan error, asked)
	for range asked {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := n.System().Root().Request(ctx, actor.NewPID(n.ID(), "iris/inspect"), inspect.Query{What: "actors"})
			replies <- err
		}()
	}
	var answered, refused int
	for range asked {
		switch err := <-replies; {
		case err == nil:
			answered++
		case errors.Is(err, actor.ErrOverloaded):
			refused++
		default:
			t.Error(err)
		}
	}
	if answered == 0 {
		t.Errorf("%d answered, %d refused", answered, refused)
	}
	if _, err := n.Inspect().Ask(t.Context(), "", inspect.Query{What: "node"}); err != nil {
		t.Error(err)
	}
	if a, ok := n.System().Look("iris/inspect"); !ok || a.Failures > 0 {
		t.Errorf("iris/inspect: %+v", a)
	}
}

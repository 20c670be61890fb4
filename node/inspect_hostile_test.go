package node

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"iris/actor"
	"iris/node/inspect"
	"iris/topics"
)

// replace puts a handler where a node answers queries.
func (n *worldNode) replace(t *testing.T, f func(actor.Context)) {
	t.Helper()
	if err := n.System().Poison(t.Context(), actor.NewPID(n.ID(), "iris/inspect")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.System().Service("inspect", actor.Func(f)); err != nil {
		t.Fatal(err)
	}
}

// What a node answers is neither kept nor passed on beyond bounds, and only if it is a report.
func TestAnswersOfOthersAreChecked(t *testing.T) {
	inWorld(t, 2, 100*time.Microsecond, func(t *testing.T, w *world) {
		bad, good := w.nodes[0], w.nodes[1]
		var mu sync.Mutex
		var answer string
		bad.replace(t, func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case inspect.Query, *inspect.Query:
				mu.Lock()
				defer mu.Unlock()
				ctx.Respond(actor.Bytes(answer))
			}
		})
		for _, tc := range []struct {
			answer string
			want   string // part of the error, empty if there is none
		}{
			{`{"id":"x","state":"ready","zone":"` + strings.Repeat("z", 24<<20) + `"}`, "bytes, at most"},
			{`{"id":"x","state":"<b>"`, "no report"},
			{`{"id":"x","state":"<b>","zone":"` + strings.Repeat("z", 10_000) + `"}`, ""},
		} {
			mu.Lock()
			answer = tc.answer
			mu.Unlock()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			data, err := good.Inspect().Ask(ctx, bad.ID(), inspect.Query{What: "node"})
			cancel()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%.30s: %d bytes, %v", tc.answer, len(data), err)
			}
			pass(6 * time.Second) // beyond failedFor
			for _, b := range look[inspect.Network](t, good, nil, "network").Nodes {
				if b.ID == bad.ID() && (b.State != "unknown" || len(b.Zone) > 300 || !strings.Contains(b.Error, tc.want)) {
					t.Errorf("%.30s: state %q, zone of %d bytes, error %q", tc.answer, b.State, len(b.Zone), b.Error)
				}
			}
		}
	})
}

// A node that asks what takes long, as often as it can, keeps nobody else from being answered.
func TestOneNodeDoesNotTakeInspectionFromOthers(t *testing.T) {
	inWorld(t, 3, 5*time.Millisecond, func(t *testing.T, w *world) {
		bad, victim, third := w.nodes[0], w.nodes[1], w.nodes[2]
		bad.replace(t, func(actor.Context) {}) // it answers nothing as a root
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var flood sync.WaitGroup
		var unserved string
		for k, sent := 0, 0; sent < 20; k++ {
			name := fmt.Sprint("c", k)
			if victim.router.Routes().Root(topics.Key(actor.Request, name)).String() != bad.ID() {
				continue
			}
			sent++
			unserved = name
			flood.Go(func() {
				q := inspect.Query{What: "trace", Args: map[string]string{"kind": "cluster", "name": name}}
				_, _ = bad.System().Root().Request(ctx, actor.NewPID(victim.ID(), "iris/inspect"), q)
			})
		}
		pass(100 * time.Millisecond)
		for range 10 {
			look[inspect.Node](t, third, victim, "node")
			pass(500 * time.Millisecond)
		}
		began := time.Now()
		tr := look[inspect.Trace](t, victim, nil, "trace", "kind", "cluster", "name", unserved)
		if took := time.Since(began); took > 3*time.Second || tr.Error == "" {
			t.Errorf("a trace of its own took %v: %+v", took, tr)
		}
		flood.Wait()
	})
}

// Who gave up before a node had its second to answer does not make it one that fails: the next
// who looks asks it again.
func TestImpatienceIsNoFailure(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		slow, asker := w.nodes[0], w.nodes[1]
		var silent atomic.Bool
		silent.Store(true)
		slow.replace(t, func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case inspect.Query, *inspect.Query:
				if !silent.Load() {
					ctx.Respond(actor.Bytes(`{"state":"ready"}`))
				}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _ = asker.Inspect().Ask(ctx, "", inspect.Query{What: "network"})
		cancel()
		silent.Store(false)
		for _, b := range look[inspect.Network](t, asker, nil, "network").Nodes {
			if b.ID == slow.ID() && b.State != "ready" {
				t.Errorf("%+v", b)
			}
		}
	})
}

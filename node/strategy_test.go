package node

import (
	"errors"
	"testing"

	"iris/actor"
	"iris/node/config"
)

// What a cluster's strategy in the file says is what happens to its members:
// restarts up to the number allowed, then an end, or a new beginning of all.
func TestStrategyOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		exhausted string
		last      actor.Directive
	}{
		{"stop", actor.DirectiveStop},
		{"escalate", actor.DirectiveEscalate},
	} {
		t.Run(c.exhausted, func(t *testing.T) {
			file, err := config.Parse("node.yaml", []byte("clusters:\n  c:\n    members: 2\n    strategy: {max_restarts: 2, window: 1h, backoff_min: 1ms, backoff_max: 2ms, exhausted: "+c.exhausted+"}\n"))
			if err != nil {
				t.Fatal(err)
			}
			n := together(t, 1, func(cfg *config.Config) { cfg.Clusters = file.Clusters })[0]
			failed := make(chan *actor.HandlerFailed, 100)
			begun := make(chan *actor.HandlerStarted, 100)
			stopped := make(chan *actor.HandlerStopped, 100)
			defer n.Events().Subscribe(func(ev any) {
				switch ev := ev.(type) {
				case *actor.HandlerFailed:
					if ev.Cluster == "c" {
						failed <- ev
					}
				case *actor.HandlerStarted:
					if ev.Cluster == "c" {
						begun <- ev
					}
				case *actor.HandlerStopped:
					if ev.Cluster == "c" {
						stopped <- ev
					}
				}
			})()
			r, err := n.Register("c", actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					panic("every time")
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			victim, other := r.PIDs()[0], r.PIDs()[1]
			for i := range 3 {
				var remote *actor.RemoteError
				if _, err := n.System().Root().Request(t.Context(), victim, actor.Bytes("x")); !errors.As(err, &remote) {
					t.Fatalf("request %d: %v", i, err)
				}
				want := actor.DirectiveRestart
				if i == 2 {
					want = c.last
				}
				if f := receive(t, failed); f.Directive != want || f.Restarts != i+1 || !actor.Same(f.PID, victim) {
					t.Errorf("failure %d: %+v", i+1, f)
				}
			}
			switch c.last {
			case actor.DirectiveStop:
				if h := receive(t, stopped); !actor.Same(h.PID, victim) {
					t.Errorf("stopped: %+v", h)
				}
			default:
				for starts := 0; starts < 2; { // the other member, which never failed, begins anew too
					if h := receive(t, begun); actor.Same(h.PID, other) {
						starts++
					}
				}
			}
		})
	}
}

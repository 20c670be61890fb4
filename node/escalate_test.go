package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
)

// story is what n's events tell of the actors with these ids, by what they are called here.
func (n *worldNode) story(names map[string]string) (told []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ev := range n.seen {
		switch e := ev.(type) {
		case *actor.HandlerStarted:
			if name := names[e.PID.Id]; name != "" {
				told = append(told, fmt.Sprint(name, " started ", e.Restarts))
			}
		case *actor.HandlerFailed:
			if name := names[e.PID.Id]; name != "" {
				told = append(told, fmt.Sprint(name, " failed: ", e.Directive))
			}
		case *actor.HandlerStopped:
			if name := names[e.PID.Id]; name != "" {
				told = append(told, name+" stopped")
			}
		case *actor.MemberLeft:
			told = append(told, e.Cluster+" left")
		}
	}
	return told
}

// When the failures of a handler are passed on to what is above it, all handlers of its name start anew, in their cluster and
// on their topic as before: whoever asks or publishes goes on, and nobody has to register again.
func TestEscalationLeavesTheClusterWhole(t *testing.T) {
	const strategy = "{max_restarts: 1, window: 1h, backoff_min: 1ms, backoff_max: 2ms, exhausted: escalate}"
	file, err := config.Parse("node.yaml", []byte("clusters:\n  work:\n    members: 2\n    strategy: "+strategy+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	inWorldOf(t, 2, time.Millisecond, func(c *config.Config) { c.Clusters = file.Clusters }, func(t *testing.T, w *world) {
		w.whole()
		near, far := w.nodes[0], w.nodes[1]
		work, err := far.Register("work", servant())
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan string, 100)
		if _, err := far.Subscribe("news", actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				if heard <- string(m); string(m) == "break" {
					panic("the reader broke")
				}
			}
		}).Strategy(strategyOf(*file.Clusters["work"].Strategy)), Reliable()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		first, second := work.PIDs()[0], work.PIDs()[1]
		begun := "started 0, failed: restart, started 1"
		again := func(n int) string { return fmt.Sprintf(", failed: escalate, all failed: restart, started %d", n) }
		for i := range 6 {
			if i > 0 {
				begun += again(i + 1)
			}
			var remote *actor.RemoteError
			if _, err := near.System().Root().Request(t.Context(), first, actor.Bytes("break")); !errors.As(err, &remote) || !remote.Panic {
				t.Errorf("break %d: %v", i, err)
			}
			for range 10 { // in the back-off, too
				if _, err := near.Request(t.Context(), "work", actor.Bytes("x")); err != nil {
					t.Errorf("after break %d: %v", i, err)
				}
			}
			for _, m := range []string{"break", "x"} {
				if err := near.Publish(t.Context(), "news", actor.Bytes(m)); err != nil {
					t.Error(err)
				}
			}
			pass(time.Minute)
			if _, err := near.System().Root().Request(t.Context(), first, actor.Bytes("x")); err != nil {
				t.Errorf("the member that broke: %v", err)
			}
		}
		told := far.story(map[string]string{first.Id: "one", "iris/clusters/work": "all"})
		if got := strings.ReplaceAll(strings.Join(told, ", "), "one ", ""); got != begun {
			t.Errorf("the story of the member that broke: %s\nwant %s", got, begun)
		}
		starts := "two started 0, two started 1, two started 2, two started 3, two started 4, two started 5"
		if got := strings.Join(far.story(map[string]string{second.Id: "two"}), ", "); got != starts {
			t.Errorf("the story of the other member: %s\nwant %s", got, starts)
		}
		for i := range 6 {
			if a, b := <-heard, <-heard; a != "break" || b != "x" {
				t.Errorf("events of round %d: %s, %s", i, a, b)
			}
		}
		if got := far.story(map[string]string{"iris/readers/news": "readers"}); len(got) != 5 {
			t.Errorf("the supervisor of the readers: %s", got)
		}
		if err := work.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := near.Request(t.Context(), "work", actor.Bytes("x")); !errors.Is(err, actor.ErrNoMembers) {
			t.Errorf("after it left: %v", err)
		}
	})
}

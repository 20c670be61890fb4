package topics

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/tree"
	"iris/transport/wire"
)

// strangers returns nodes that do not see the root of the group.
func (f *fabric) strangers(g wire.Group) (l []*node) {
	for _, n := range f.nodes {
		if !n.dead && n.Routes().Root(tree.Key(g)).IsZero() {
			l = append(l, n)
		}
	}
	return l
}

func TestStructuredGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 24, 2)
		for i := range 20 {
			name := fmt.Sprint("c", i)
			far := f.strangers(wire.Group{Kind: wire.GroupCluster, Name: name})
			if len(far) < 10 {
				t.Fatalf("only %d nodes do not see the root", len(far))
			}
			var handled atomic.Int64
			for _, n := range far[:3] {
				n.serve(t, name, echo(n, &handled), 1)
			}
			for _, n := range f.nodes {
				if got := n.ask(t, name, "x"); got == "" {
					t.Fatal("no answer")
				}
			}
			got := map[string]bool{}
			for range 30 {
				<-time.After(10 * time.Millisecond) // links come up and probes are answered: known members are preferred
				got[far[5].ask(t, name, "x")] = true
			}
			if len(got) != 3 {
				t.Errorf("%s: a far asker reaches %v", name, got)
			}
			handled.Store(0)
			if err := far[6].Broadcast(t.Context(), name, actor.Bytes("all"), BroadcastOptions{}); err != nil {
				t.Errorf("broadcast: %v", err)
			}
			<-time.After(100 * time.Millisecond)
			if handled.Load() != 3 {
				t.Errorf("a broadcast reached %d of 3", handled.Load())
			}
		}
		if _, err := f.nodes[0].Request(t.Context(), "nobody", actor.Bytes("x"), Options{}); !errors.Is(err, actor.ErrNoMembers) {
			t.Errorf("nobody serves: %v", err)
		}
	})
}

// A node that joins nearer to the key becomes root; nobody notices.
func TestStructuredRootMovesToANearerNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 16, 2)
		g := wire.Group{Kind: wire.GroupCluster, Name: "c"}
		far := f.strangers(g)
		for _, n := range far[:3] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		askers := f.load(t, far[3:6]...)
		moved := 0
		for i := 16; moved < 3 && i < 4000; i++ {
			if !id.Closer(tree.Key(g), nodeID(i), f.root(tree.Key(g)).id) {
				continue
			}
			<-time.After(300 * time.Millisecond)
			f.start(i)
			moved++
		}
		<-time.After(10 * time.Second)
		askers.end(t, 1000)
		root := f.root(tree.Key(g))
		for _, n := range far[:6] {
			if got := n.find(wire.GroupCluster, "c").view.Load(); n == far[3] && (got == nil || got.Root != root.id) {
				t.Errorf("an asker has the list of %+v, root is %v", got, root.id.Short())
			}
		}
	})
}

// The root dies: a leaf has the list.
func TestStructuredRootDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 24, 3)
		g := wire.Group{Kind: wire.GroupCluster, Name: "c"}
		far := f.strangers(g)
		for _, n := range far[:3] {
			n.serve(t, "c", echo(n, nil), 1)
		}
		askers := f.load(t, far[3:6]...)
		for range 3 {
			<-time.After(2 * time.Second)
			f.end(f.root(tree.Key(g)))
		}
		<-time.After(15 * time.Second)
		got := map[string]bool{}
		for range 30 {
			<-time.After(10 * time.Millisecond) // as in TestStructuredGroups
			got[f.strangers(g)[7].ask(t, "c", "x")] = true
		}
		if len(got) != 3 {
			t.Errorf("a new asker reaches %v", got)
		}
		askers.end(t, 1000)
	})
}

// Members and the root die together: what is left answers, and only typed errors
// tell of the dead.
func TestStructuredQuarterDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 24, 3)
		for i := range 10 {
			for j := range 4 {
				n := f.nodes[(i*5+j*7)%24]
				n.serve(t, fmt.Sprint("c", i), echo(n, nil), 1)
			}
		}
		for _, n := range f.nodes {
			for i := range 10 {
				n.ask(t, fmt.Sprint("c", i), "x")
			}
		}
		f.end(f.nodes[0], f.nodes[4], f.nodes[8], f.nodes[12], f.nodes[16], f.nodes[20])
		begin := time.Now()
		wrong, typed := 0, 0
		for time.Since(begin) < 5*time.Second {
			for i := range 10 {
				n := f.nodes[1+(i*4)%24]
				if n.dead {
					continue
				}
				_, err := n.Request(t.Context(), fmt.Sprint("c", i), actor.Bytes("x"), Options{})
				switch {
				case err == nil:
				case errors.Is(err, actor.ErrLost), errors.Is(err, actor.ErrUnreachable), errors.Is(err, actor.ErrTimeout):
					typed++
				default:
					wrong++
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
			}
			<-time.After(10 * time.Millisecond)
		}
		for _, n := range f.nodes {
			for i := range 10 {
				if !n.dead {
					n.ask(t, fmt.Sprint("c", i), "x")
				}
			}
		}
		t.Logf("%d typed errors, %d wrong", typed, wrong)
	})
}

func TestStructuredEventsReachStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 24, 2)
		far := f.strangers(wire.Group{Kind: wire.GroupTopic, Name: "news"})
		var got atomic.Int64
		for _, n := range far[:5] {
			pid := n.sys.Spawn(actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					got.Add(1)
				}
			}))
			if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, pid); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			if err := far[6].Publish(t.Context(), "news", actor.Bytes("x"), PublishOptions{}); err != nil {
				t.Error(err)
			}
		}
		<-time.After(time.Second)
		if got.Load() != 50 {
			t.Errorf("%d events of 50", got.Load())
		}
	})
}

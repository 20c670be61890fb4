package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/config"
	"iris/tunnels"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	Item string
	N    int
}

func init() { actor.RegisterType[order]("node_test.order") }

// patience bounds whatever a test waits for.
const patience = time.Minute

// together starts n nodes of a network of their own and waits until all are
// linked with all.
func together(t *testing.T, n int, edit ...func(*config.Config)) []*Node {
	t.Helper()
	secret := canary.Key()
	nodes := make([]*Node, n)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			cfg := config.Default()
			cfg.Network.Name, cfg.Network.Secret = t.Name(), secret
			cfg.Log.Level = slog.LevelError
			for _, f := range edit {
				f(&cfg)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			node, err := Start(ctx, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = node
		})
	}
	wg.Wait()
	t.Cleanup(func() {
		for _, n := range nodes {
			if n != nil {
				wg.Go(func() { stop(t, n) })
			}
		}
		wg.Wait()
	})
	if t.Failed() {
		t.FailNow()
	}
	for _, node := range nodes {
		eventually(t, "every peer", func() bool { return len(node.Peers()) == n-1 })
	}
	return nodes
}

func stop(t *testing.T, n *Node) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// eventually polls what no event announces.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !cond() {
		select {
		case <-poll.C:
		case <-limit.C:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// receive returns the next value of ch.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case v := <-ch:
		return v
	case <-limit.C:
		t.Fatalf("no %T came", *new(T))
		panic("unreachable")
	}
}

func echo(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case actor.Bytes, order, string, int:
		if ctx.Sender() != nil {
			ctx.Respond(m)
		}
	}
}

func TestRequestsReachAMemberAnywhere(t *testing.T) {
	nodes := together(t, 3)
	for i, n := range nodes[1:] {
		who := fmt.Sprintf("node %d", i+1)
		if _, err := n.Register("who", actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				ctx.Respond(actor.Bytes(who))
			}
		}), Members(2)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		seen := map[string]int{}
		for range 100 {
			reply, err := Ask[actor.Bytes](t.Context(), n, "who", actor.Bytes("?"))
			if err != nil {
				t.Fatal(err)
			}
			seen[string(reply)]++
		}
		if len(seen) != 2 {
			t.Errorf("100 requests reached %v, want both nodes", seen)
		}
	}
}

func TestTypedMessagesTravel(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		nodes := w.nodes
		if _, err := nodes[1].Register("echo", actor.Func(echo)); err != nil {
			t.Fatal(err)
		}
		want := order{"tea", 3}
		for _, n := range nodes { // over the wire, and without it
			got, err := Ask[order](t.Context(), n.Node, "echo", want)
			if err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		if _, err := Ask[string](t.Context(), nodes[0].Node, "echo", want); err == nil {
			t.Error("a reply of another type was taken")
		}
		big := make(actor.Bytes, 5<<20) // travels in chunks
		rand.Read(big)
		got, err := Ask[actor.Bytes](t.Context(), nodes[0].Node, "echo", big)
		if err != nil || !slices.Equal(got, big) {
			t.Errorf("5 MiB came back as %d bytes, %v", len(got), err)
		}
		type unregistered struct{ A int }
		var codec *actor.CodecError
		if _, err := nodes[0].Request(t.Context(), "echo", unregistered{1}); !errors.As(err, &codec) {
			t.Errorf("an unregistered type: %v, want a CodecError", err)
		}
	})
}

func TestErrorsOfRequests(t *testing.T) {
	nodes := together(t, 2)
	if _, err := nodes[0].Request(t.Context(), "nobody", actor.Bytes("?")); !errors.Is(err, actor.ErrNoMembers) {
		t.Errorf("nobody serves: %v, want ErrNoMembers", err)
	}
	hold := make(chan struct{})
	if _, err := nodes[1].Register("odd", actor.Func(func(ctx actor.Context) {
		m, ok := ctx.Message().(actor.Bytes)
		if !ok {
			return
		}
		switch string(m) {
		case "panic":
			panic("odd")
		case "fail":
			actor.Fail(ctx, errors.New("not today"))
		case "hold":
			<-hold
		}
	}), Members(3)); err != nil {
		t.Fatal(err)
	}
	defer close(hold)
	var remote *actor.RemoteError
	if _, err := nodes[0].Request(t.Context(), "odd", actor.Bytes("panic")); !errors.As(err, &remote) || !remote.Panic {
		t.Errorf("a panicking handler: %v, want a RemoteError of a panic", err)
	}
	if _, err := nodes[0].Request(t.Context(), "odd", actor.Bytes("fail")); !errors.As(err, &remote) || remote.Text != "not today" || remote.Panic {
		t.Errorf("a failing handler: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := nodes[0].Request(ctx, "odd", actor.Bytes("hold")); !errors.Is(err, actor.ErrTimeout) {
		t.Errorf("a handler that takes too long: %v, want ErrTimeout", err)
	}
	for _, bad := range []string{"", "a\nb", strings.Repeat("x", 256)} {
		if _, err := nodes[0].Register(bad, actor.Func(echo)); err == nil {
			t.Errorf("the cluster name %q was taken", bad)
		}
	}
	if _, err := nodes[0].Register("many", actor.Func(echo), Members(0)); err == nil {
		t.Error("a registration without members was taken")
	}
}

func TestBroadcastAndEventsReachAll(t *testing.T) {
	nodes := together(t, 3)
	type heard struct {
		node int
		m    actor.Delivery
		text string
	}
	got := make(chan heard, 100)
	hear := func(i int) *actor.Props {
		return actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				got <- heard{i, actor.Meta(ctx), string(m)}
			}
		})
	}
	var subs []*Subscription
	for i, n := range nodes {
		if _, err := n.Register("all", hear(i), Members(2)); err != nil {
			t.Fatal(err)
		}
		s, err := n.Subscribe("news", hear(i))
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, s)
	}
	if err := nodes[0].Broadcast(t.Context(), "all", actor.Bytes("b")); err != nil {
		t.Fatal(err)
	}
	count := map[int]int{}
	for range 6 {
		h := receive(t, got)
		count[h.node]++
		if h.m.Kind != actor.Broadcast || h.m.Cluster != "all" || h.m.Origin != nodes[0].ID() {
			t.Errorf("broadcast came as %+v", h.m)
		}
	}
	if count[0] != 2 || count[1] != 2 || count[2] != 2 {
		t.Errorf("broadcast reached %v, want 2 members on each node", count)
	}
	for i := range 20 {
		if err := nodes[1].Publish(t.Context(), "news", actor.Bytes(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	next := map[int]int{}
	for range 60 {
		h := receive(t, got)
		if h.m.Kind != actor.Event || h.m.Topic != "news" || h.text != fmt.Sprint(next[h.node]) {
			t.Fatalf("node %d heard %q (%+v), want %d", h.node, h.text, h.m, next[h.node])
		}
		next[h.node]++
	}
	if err := subs[2].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := nodes[1].Publish(t.Context(), "news", actor.Bytes("20")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if h := receive(t, got); h.node == 2 {
			t.Error("a closed subscription heard an event")
		}
	}
}

// Inside actors, names are PIDs.
func TestNamesArePIDs(t *testing.T) {
	nodes := together(t, 2)
	got := make(chan any, 10)
	if _, err := nodes[1].Register("echo", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[1].Subscribe("news", actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			got <- "news: " + string(m)
		}
	})); err != nil {
		t.Fatal(err)
	}
	nodes[0].System().Spawn(actor.Func(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			ctx.Request(actor.Cluster("echo"), actor.Bytes("hello"))
		case actor.Bytes:
			got <- "reply: " + string(m)
			ctx.Request(actor.Cluster("nobody"), actor.Bytes("hello"))
		case *actor.RequestFailed:
			got <- m.Err
			ctx.Ask(actor.Cluster("echo"), order{"x", 1}, time.Second, func(reply any, err error) {
				got <- reply
				ctx.Send(actor.Topic("news"), actor.Bytes("today"))
			})
		}
	}))
	if m := receive(t, got); m != "reply: hello" {
		t.Errorf("got %v", m)
	}
	if m := receive(t, got); !errors.Is(m.(error), actor.ErrNoMembers) {
		t.Errorf("got %v, want ErrNoMembers", m)
	}
	if m := receive(t, got); m != (order{"x", 1}) {
		t.Errorf("got %v", m)
	}
	if m := receive(t, got); m != "news: today" {
		t.Errorf("got %v", m)
	}
}

// An actor may watch one of another node, and learns of its end and of the end
// of its node. It may not stop it unless that was exported.
func TestRemoteActorsAreWatchedAndProtected(t *testing.T) {
	nodes := together(t, 3)
	idle := func(actor.Context) {}
	theirs := nodes[1].System().Spawn(actor.Func(idle))
	exported := nodes[1].System().Spawn(actor.Func(idle).Exported())
	lost := nodes[2].System().Spawn(actor.Func(idle))
	ended := make(chan *actor.Terminated, 10)
	watching := make(chan struct{}, 1)
	nodes[0].System().Spawn(actor.Func(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			for _, pid := range []*actor.PID{theirs, exported, lost} {
				ctx.Watch(pid)
			}
			ctx.Stop(theirs) // denied
			watching <- struct{}{}
		case *actor.Terminated:
			ended <- m
		}
	}))
	receive(t, watching)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := nodes[0].System().Stop(ctx, exported); err != nil {
		t.Errorf("stop of an exported actor: %v", err)
	}
	if m := receive(t, ended); m.Who.Id != exported.Id || m.Why != actor.TerminatedStopped {
		t.Errorf("got the end of %s (%v), want that of the exported actor", m.Who.Id, m.Why)
	}
	stop(t, nodes[2])
	if m := receive(t, ended); m.Who.Id != lost.Id || m.Who.Address != nodes[2].ID() {
		t.Errorf("got the end of %s, want that of the lost node's actor", m.Who.Id)
	}
	if err := nodes[1].System().Stop(ctx, theirs); err != nil {
		t.Errorf("stop by its own node: %v", err)
	}
	if m := receive(t, ended); m.Who.Id != theirs.Id {
		t.Errorf("got the end of %s", m.Who.Id)
	}
}

func TestTunnels(t *testing.T) {
	nodes := together(t, 2)
	if _, err := nodes[1].Register("upper", actor.Func(func(ctx actor.Context) {
		in, ok := ctx.Message().(*tunnels.Incoming)
		if !ok {
			return
		}
		go func() {
			for {
				m, err := in.Tunnel.Recv(context.Background())
				if err != nil {
					_ = in.Tunnel.Close() // the other end has closed
					return
				}
				if err := in.Tunnel.Send(context.Background(), []byte(strings.ToUpper(string(m)))); err != nil {
					return
				}
			}
		}()
	})); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes { // over the wire, and to itself
		tun, err := n.Tunnel(t.Context(), "upper")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a", "", strings.Repeat("long ", 100_000)} {
			if err := tun.Send(t.Context(), []byte(text)); err != nil {
				t.Fatal(err)
			}
			got, err := tun.Recv(t.Context())
			if err != nil || string(got) != strings.ToUpper(text) {
				t.Fatalf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
		}
		if err := tun.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := nodes[0].Tunnel(t.Context(), "nobody"); !errors.Is(err, actor.ErrNoMembers) {
		t.Errorf("tunnel to nobody: %v, want ErrNoMembers", err)
	}
}

func TestPeersTellWhatTheirOperatorsSay(t *testing.T) {
	nodes := together(t, 2, func(c *config.Config) {
		c.Node.Zone, c.Node.Labels = "eu-1", map[string]string{"disk": "ssd", "empty": ""}
	})
	p := nodes[0].Peers()[0]
	if p.ID != nodes[1].ID() || p.Zone != "eu-1" || len(p.Labels) != 2 || p.Labels["disk"] != "ssd" {
		t.Errorf("the peer is described as %+v", p)
	}
}

// What the configuration says of a cluster replaces what the program says.
func TestTheConfigurationRulesClusters(t *testing.T) {
	n := together(t, 1, func(c *config.Config) {
		s := config.DefaultStrategy()
		s.MaxRestarts = 0
		c.Clusters = map[string]config.Cluster{"c": {Members: 3, Mailbox: 1, Strategy: &s}}
	})[0]
	hold := make(chan struct{})
	defer close(hold)
	stopped := make(chan *actor.HandlerStopped, 10)
	defer n.Events().Subscribe(func(ev any) {
		if e, ok := ev.(*actor.HandlerStopped); ok && e.Cluster == "c" {
			stopped <- e
		}
	})()
	r, err := n.Register("c", actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			if string(m) == "panic" {
				panic("once is enough")
			}
			<-hold
		}
	}).Mailbox(1000))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(r.PIDs()); got != 3 {
		t.Errorf("%d members, want the 3 of the configuration", got)
	}
	var remote *actor.RemoteError
	if _, err := n.Request(t.Context(), "c", actor.Bytes("panic")); !errors.As(err, &remote) {
		t.Fatal(err)
	}
	receive(t, stopped) // no restart is allowed
}

// A member whose restarts are used up leaves its cluster, and the last one
// takes the node out of it.
func TestAStoppedMemberLeavesItsCluster(t *testing.T) {
	nodes := together(t, 2)
	s := actor.Strategy{Decide: func(actor.Failure) actor.Directive { return actor.DirectiveStop }}
	if _, err := nodes[1].Register("mortal", actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			if string(m) == "die" {
				panic("die")
			}
			ctx.Respond(m)
		}
	}).Strategy(s), Members(2)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var remote *actor.RemoteError
		if _, err := nodes[0].Request(t.Context(), "mortal", actor.Bytes("die")); !errors.As(err, &remote) {
			t.Fatalf("got %v, want a RemoteError", err)
		}
	}
	eventually(t, "the cluster to be empty", func() bool {
		_, err := nodes[0].Request(t.Context(), "mortal", actor.Bytes("alive?"))
		return errors.Is(err, actor.ErrNoMembers)
	})
}

func TestLeaveFinishesWhatWasAccepted(t *testing.T) {
	nodes := together(t, 3)
	var regs []*Registration
	for _, n := range nodes[1:] {
		r, err := n.Register("echo", actor.Func(echo))
		if err != nil {
			t.Fatal(err)
		}
		regs = append(regs, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 100_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := nodes[0].Request(t.Context(), "echo", actor.Bytes("x")); err != nil {
					errs <- err
				}
			}
		})
	}
	for range 5 {
		if err := regs[0].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		var err error
		if regs[0], err = nodes[1].Register("echo", actor.Func(echo)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
	if len(errs) > 0 {
		t.Errorf("%d requests failed, first: %v", len(errs), <-errs)
	}
}

func TestStartRefusesWhatCannotWork(t *testing.T) {
	taken := together(t, 1)[0]
	for name, edit := range map[string]func(*config.Config){
		"weak key":      func(c *config.Config) { c.Network.Secret = []byte("short") },
		"missing file":  func(c *config.Config) { c.Network.Key = "does-not-exist" },
		"bad address":   func(c *config.Config) { c.Listen = "nowhere" },
		"taken address": func(c *config.Config) { c.Listen = taken.Addr().String() },
	} {
		cfg := config.Default()
		cfg.Network.Name = t.Name()
		cfg.Log.Level = slog.LevelError
		edit(&cfg)
		if n, err := Start(t.Context(), cfg); err == nil {
			t.Errorf("%s: started", name)
			stop(t, n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := Start(ctx, config.Default()); err == nil {
		t.Error("started although the context had ended")
		stop(t, n)
	}
}

// The life of a node is told in order.
func TestTheLifeOfANodeIsTold(t *testing.T) {
	var kinds []string // read when the node is gone
	cfg := config.Default()
	cfg.Log.Handler, cfg.Discovery.Host = slog.DiscardHandler, false
	n, err := start(t.Context(), cfg, seams{events: func(ev any) {
		switch ev := ev.(type) {
		case *actor.Converged:
			if ev.Peers != 0 || ev.Took <= 0 {
				t.Errorf("converged: %+v", ev)
			}
			kinds = append(kinds, "Converged")
		case *actor.NodeStarted, *actor.NodeStopping, *actor.NodeStopped:
			kinds = append(kinds, actor.EventKind(ev))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	stop(t, n)
	if want := []string{"Converged", "NodeStarted", "NodeStopping", "NodeStopped"}; !slices.Equal(kinds, want) {
		t.Errorf("told %v, want %v", kinds, want)
	}
}

func TestStopIsIdempotentAndTold(t *testing.T) {
	n := together(t, 1)[0]
	told := make(chan any, 100)
	n.Events().Subscribe(func(ev any) {
		switch ev.(type) {
		case *actor.NodeStopping, *actor.NodeStopped:
			told <- ev
		}
	})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { stop(t, n) })
	}
	wg.Wait()
	if _, ok := receive(t, told).(*actor.NodeStopping); !ok {
		t.Error("NodeStopping was not the first")
	}
	if _, ok := receive(t, told).(*actor.NodeStopped); !ok {
		t.Error("NodeStopped was not told")
	}
	if _, err := n.Request(t.Context(), "x", actor.Bytes("x")); err == nil {
		t.Error("a stopped node took a request")
	}
}

// Drain leaves every cluster but keeps the node in the network.
func TestDrainByCommand(t *testing.T) {
	nodes := together(t, 2)
	if _, err := nodes[1].Register("echo", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	nodes[1].Events().Publish(&actor.Drain{})
	eventually(t, "the cluster to be empty", func() bool {
		_, err := nodes[0].Request(t.Context(), "echo", actor.Bytes("x"))
		return errors.Is(err, actor.ErrNoMembers)
	})
	if len(nodes[1].Peers()) != 1 {
		t.Error("the drained node lost its peer")
	}
}

package tunnels

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
)

// memoryNet connects endpoints by pipes.
type memoryNet struct {
	mu    sync.Mutex
	nodes map[id.ID]*memoryEndpoint
	work  sync.WaitGroup
}

type memoryEndpoint struct {
	net     *memoryNet
	id      id.ID
	handler func(from id.ID, s Stream)
}

func (e *memoryEndpoint) ID() id.ID                                 { return e.id }
func (e *memoryEndpoint) HandleStream(h func(from id.ID, s Stream)) { e.handler = h }

func (e *memoryEndpoint) OpenStream(_ context.Context, n id.ID) (Stream, error) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	to := e.net.nodes[n]
	if to == nil {
		return nil, actor.ErrUnreachable
	}
	near, far := newPipe()
	e.net.work.Go(func() { to.handler(e.id, far) })
	return near, nil
}

// testNode is a node with tunnels and nothing else.
type testNode struct {
	*Tunnels
	system *actor.System
	events <-chan any

	mu      sync.Mutex
	members map[string]*actor.PID
	picks   []id.ID // what the picker returns, in turn; the last one for ever
	done    []error // outcomes given to Choice.Done
}

func (n *testNode) local(cluster string) (*actor.PID, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if pid := n.members[cluster]; pid != nil {
		return pid, nil
	}
	return nil, fmt.Errorf("%w: %s", actor.ErrNoMembers, cluster)
}

// Pick implements Picker.
func (n *testNode) Pick(context.Context, string) (Choice, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.picks) == 0 {
		return Choice{}, actor.ErrNoMembers
	}
	node := n.picks[0]
	if len(n.picks) > 1 {
		n.picks = n.picks[1:]
	}
	return Choice{Node: node, Done: func(err error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.done = append(n.done, err)
	}}, nil
}

func (n *testNode) pick(nodes ...id.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.picks = nodes
}

func (n *testNode) outcomes() []error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]error(nil), n.done...)
}

// member spawns a handler for cluster.
func (n *testNode) member(t testing.TB, cluster string, receive func(actor.Context)) *actor.PID {
	t.Helper()
	pid := n.system.Spawn(actor.Func(receive))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.members[cluster] = pid
	return pid
}

// echo answers every message of every tunnel, on goroutines of its own.
func echo(ctx actor.Context) {
	in, ok := ctx.Message().(*Incoming)
	if !ok {
		return
	}
	go func() {
		for {
			msg, err := in.Tunnel.Recv(context.Background())
			if err != nil {
				_ = in.Tunnel.Close()
				return
			}
			if in.Tunnel.Send(context.Background(), msg) != nil {
				return
			}
		}
	}()
}

// take hands incoming tunnels to the test.
func take() (<-chan *Tunnel, func(actor.Context)) {
	c := make(chan *Tunnel, 100)
	return c, func(ctx actor.Context) {
		if in, ok := ctx.Message().(*Incoming); ok {
			c <- in.Tunnel
		}
	}
}

func newNet(t testing.TB) *memoryNet {
	n := &memoryNet{nodes: make(map[id.ID]*memoryEndpoint)}
	t.Cleanup(n.work.Wait)
	return n
}

func (m *memoryNet) node(t testing.TB, self id.ID, c Config) *testNode {
	t.Helper()
	n := &testNode{members: make(map[string]*actor.PID)}
	n.system = actor.NewSystem(actor.Options{Node: self.String()})
	ctx, cancel := context.WithCancel(context.Background())
	n.events = n.system.Events().Chan(ctx, 1000)
	endpoint := &memoryEndpoint{net: m, id: self}
	c.System, c.Endpoint, c.Picker, c.Local = n.system, endpoint, n, n.local
	var err error
	if n.Tunnels, err = New(c); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.nodes[self] = endpoint
	m.mu.Unlock()
	t.Cleanup(func() {
		ctx := timeout(t, time.Minute)
		if err := n.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := n.Close(ctx); err != nil {
			t.Errorf("second close: %v", err)
		}
		if err := n.system.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		cancel()
	})
	return n
}

// awaitEvent returns the next event of type T.
func awaitEvent[T any](t testing.TB, n *testNode) T {
	t.Helper()
	for {
		select {
		case e := <-n.events:
			if v, ok := e.(T); ok {
				return v
			}
		case <-timeout(t, time.Minute).Done():
			t.Fatalf("no event %T", *new(T))
		}
	}
}

func bothNodes(t testing.TB, c Config) (a, b *testNode) {
	t.Helper()
	m := newNet(t)
	a, b = m.node(t, nodeA, c), m.node(t, nodeB, c)
	a.pick(nodeB)
	return a, b
}

func mustOpen(t testing.TB, n *testNode, cluster string) *Tunnel {
	t.Helper()
	ctx := timeout(t, time.Minute)
	tunnel, err := n.Open(ctx, cluster)
	for tries := 0; errors.Is(err, actor.ErrUnreachable) && tries < 10; tries++ { // the machine was too slow for a handshake
		tunnel, err = n.Open(ctx, cluster)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tunnel
}

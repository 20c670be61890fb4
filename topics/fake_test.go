package topics

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
	"iris/transport/wire"
)

// fabric wires several nodes in memory: each lane of each direction is a bounded
// queue of encoded frames, written and read by the real codec.
type fabric struct {
	t     testing.TB
	nodes []*node
	fakeRing
}

// node is a real actor system with real topics on a fake network and router.
type node struct {
	f   *fabric
	id  id.ID
	sys *actor.System
	*Topics
	handlers map[wire.Kind]func(from id.ID, f wire.Frame)
	gathers  map[wire.Kind]bool
	intake   func(from id.ID, keep func(n int) bool) transport.Intake // of the kinds in gathers

	mu     sync.Mutex
	links  map[id.ID]*pipe
	routes atomic.Pointer[router.Routes]
	subs   []*actor.PID
	posts  map[id.ID][]posting // in the structured form
	events []any
	cancel func()
	dead   bool
}

// newFabric makes n nodes that know and reach each other.
func newFabric(t testing.TB, n int) *fabric {
	f := &fabric{t: t}
	for i := range n {
		f.add(i)
	}
	f.converge()
	t.Cleanup(f.close)
	return f
}

func (f *fabric) add(i int) *node {
	n := &node{f: f, id: nodeID(i), handlers: map[wire.Kind]func(id.ID, wire.Frame){}, gathers: map[wire.Kind]bool{}, links: map[id.ID]*pipe{}}
	n.sys = actor.NewSystem(actor.Options{Node: n.id.String()})
	n.sys.SetRemote(fakeRemote{n})
	n.routes.Store(router.NewRoutes(n.id, 0, nil))
	n.cancel = n.sys.Events().Subscribe(func(ev any) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, ev)
	})
	var err error
	n.Topics, err = start(Config{System: n.sys, Router: n, Logger: slog.New(slog.DiscardHandler)}, n)
	if err != nil {
		f.t.Fatal(err)
	}
	n.handlers[wire.KindReply] = n.onReply
	f.nodes = append(f.nodes, n)
	return n
}

// converge links all live nodes and waits until they know.
func (f *fabric) converge() {
	f.link()
	synctest.Wait()
}

// link links all live nodes and tells them.
func (f *fabric) link() {
	if f.leaf > 0 {
		f.leafLinks()
		return
	}
	for _, a := range f.nodes {
		var peers []router.Peer
		for _, b := range f.nodes {
			if a == b || a.dead || b.dead {
				continue
			}
			peers = append(peers, router.Peer{ID: b.id})
			a.mu.Lock()
			if a.links[b.id] == nil {
				a.links[b.id] = newPipe(a, b)
			}
			a.mu.Unlock()
		}
		old := a.routes.Load()
		next := router.NewRoutes(a.id, old.Version()+1, peers)
		a.routes.Store(next)
		a.mu.Lock()
		subs := a.subs
		a.mu.Unlock()
		for _, s := range subs {
			a.sys.Send(s, nil, &router.Changed{Routes: next})
		}
	}
}

// kill ends a node without a word; others notice when they are told.
func (f *fabric) kill(n *node) {
	n.dead = true
	for _, o := range f.nodes {
		o.mu.Lock()
		if l := o.links[n.id]; l != nil {
			l.close()
			delete(o.links, n.id)
		}
		o.mu.Unlock()
		if o != n && !o.dead {
			o.sys.NodeLost(n.id.String())
		}
	}
	n.shutdown()
	f.converge()
}

func (n *node) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n.mu.Lock()
	for _, l := range n.links {
		l.close()
	}
	n.links = map[id.ID]*pipe{}
	n.mu.Unlock()
	if err := n.sys.Shutdown(ctx); err != nil {
		n.f.t.Errorf("shutdown of %v: %v", n.id.Short(), err)
	}
	n.cancel()
}

func (f *fabric) close() {
	f.pending.Wait()
	for _, n := range f.nodes {
		if !n.dead {
			n.dead = true
			n.shutdown()
		}
	}
}

// ID, Link and Handle implement network.
func (n *node) ID() id.ID { return n.id }

func (n *node) Link(p id.ID) link {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.links[p]; l != nil {
		return l
	}
	return nil
}

func (n *node) Handle(k wire.Kind, h func(from id.ID, f wire.Frame)) { n.handlers[k] = h }

func (n *node) HandleBatch(intake func(from id.ID, keep func(n int) bool) transport.Intake, kinds ...wire.Kind) {
	n.intake = intake
	for _, k := range kinds {
		n.gathers[k] = true
	}
}

// Routes and Subscribe implement Router.
func (n *node) Routes() *router.Routes { return n.routes.Load() }

func (n *node) Subscribe(pid *actor.PID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subs = append(n.subs, pid)
}

func (n *node) onReply(from id.ID, f wire.Frame) {
	r := f.(*wire.Reply)
	rep := actor.Reply{From: from.String(), Err: transport.ErrorOf(from.String(), r.Status, r.Text)}
	if r.HasLoad {
		rep.Load = actor.Load{InFlight: r.Load.InFlight, LatencyMicros: r.Load.LatencyMicros, Members: r.Load.Members, Draining: r.Load.Draining}
	}
	if rep.Err == nil {
		rep.Message, rep.Err = actor.Decode(r.Body.Type, r.Body.Data)
	}
	n.sys.Replies().Complete(from.String(), r.ID, rep)
}

// seen returns how many events of type T the node's hub has published.
func seen[T any](n *node) (found []T) {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ev := range n.events {
		if e, ok := ev.(T); ok {
			found = append(found, e)
		}
	}
	return found
}

// fakeRemote carries replies only.
type fakeRemote struct{ n *node }

func (r fakeRemote) Tell(_, _ *actor.PID, _ any) error { return actor.ErrUnreachable }

func (r fakeRemote) Ask(*actor.PID, uint32, time.Duration, any) error { return actor.ErrUnreachable }

func (r fakeRemote) Watch(_, _ *actor.PID) error { return actor.ErrUnreachable }

func (r fakeRemote) Unwatch(_, _ *actor.PID) error { return actor.ErrUnreachable }

func (r fakeRemote) Terminated(_, _ *actor.PID, _ int) error { return actor.ErrUnreachable }

func (r fakeRemote) Stop(*actor.PID, bool) error { return actor.ErrUnreachable }

func (r fakeRemote) Reply(node string, req uint32, msg any, err error, load actor.Load) error {
	n, perr := id.Parse(node)
	if perr != nil {
		return perr
	}
	l := r.n.Link(n)
	if l == nil {
		return actor.ErrUnreachable
	}
	f := &wire.Reply{ID: req}
	f.Status, f.Text = transport.Status(err)
	if err == nil {
		if f.Body.Type, f.Body.Data, err = actor.Encode(msg); err != nil {
			return err
		}
	}
	f.HasLoad, f.Load = load != actor.Load{}, wireLoad(load)
	return l.TrySend(transport.Direct, f)
}

// pipe is one direction of a link. Its reader can be paused.
type pipe struct {
	from, to *node
	lanes    [5]*lane
	done     chan struct{}
	once     sync.Once
	suspect  atomic.Bool
	drop     atomic.Pointer[func(wire.Frame) bool] // frames lost on the way
}

type lane struct {
	moved atomic.Int64 // when something was last read, or could be; Unix nanoseconds
	mu    sync.Mutex
	w     *wire.Writer
	bytes chan []byte
	gate  chan struct{} // one token: taken by the reader for each frame
	left  []byte
	done  chan struct{}
	idle  func() // called by the reader before it waits
}

const laneFrames = 64

func newPipe(from, to *node) *pipe {
	p := &pipe{from: from, to: to, done: make(chan struct{})}
	for i := range p.lanes {
		l := &lane{w: wire.NewWriter(), bytes: make(chan []byte, laneFrames), gate: make(chan struct{}, 1), done: p.done}
		l.gate <- struct{}{}
		p.lanes[i] = l
		go p.read(l)
	}
	return p
}

func (p *pipe) close() { p.once.Do(func() { close(p.done) }) }

// pause stops the reader of a lane and returns what lets it go on.
func (p *pipe) pause(n transport.Lane) (resume func()) {
	<-p.lanes[n].gate
	return func() { p.lanes[n].gate <- struct{}{} }
}

// Read implements io.Reader over the queue.
func (l *lane) Read(b []byte) (int, error) {
	if len(l.left) == 0 {
		l.idle()
		select {
		case <-l.gate:
			l.gate <- struct{}{}
		case <-l.done:
			return 0, io.EOF
		}
		select {
		case l.left = <-l.bytes:
			l.moved.Store(time.Now().UnixNano())
		case <-l.done:
			return 0, io.EOF
		}
	}
	n := copy(b, l.left)
	l.left = l.left[n:]
	return n, nil
}

func (p *pipe) read(l *lane) {
	r := wire.NewReader(l, wire.MaxFrame)
	in := p.to.intake(p.from.id, r.Keep)
	l.idle = in.Flush
	for {
		f, err := r.Next()
		if err != nil {
			return
		}
		if drop := p.drop.Load(); drop != nil && (*drop)(f) {
			continue
		}
		if p.to.gathers[f.Kind()] {
			in.Frame(f)
			for p.drop.Load() == nil && r.Again() {
				in.Again()
			}
			continue
		}
		in.Flush()
		if h := p.to.handlers[f.Kind()]; h != nil {
			h(p.from.id, f)
		}
	}
}

func (p *pipe) Suspect() bool { return p.suspect.Load() }

func (p *pipe) Stalled(n transport.Lane) time.Duration {
	l := p.lanes[n]
	if len(l.bytes) == 0 {
		return 0
	}
	return time.Since(time.Unix(0, l.moved.Load()))
}

func (p *pipe) Name() string { return p.to.id.String() }

func (p *pipe) TrySend(n transport.Lane, f wire.Frame) error {
	l := p.lanes[n]
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-p.done:
		return actor.ErrUnreachable
	default:
	}
	if len(l.bytes) == cap(l.bytes) {
		return actor.ErrOverloaded
	}
	b, err := l.w.Append(nil, f)
	if err != nil {
		return err
	}
	if len(l.bytes) == 0 {
		l.moved.Store(time.Now().UnixNano())
	}
	l.bytes <- bytes.Clone(b) // there is room: senders hold mu
	return nil
}

func (p *pipe) TryEvent(topic, typ string, data []byte, trace string, twin bool) error {
	return p.TrySend(transport.Fanout, &wire.Event{Topic: topic, Body: wire.Body{Type: typ, Data: data}, Trace: trace, Twin: twin})
}

func (p *pipe) Send(ctx context.Context, n transport.Lane, f wire.Frame) error {
	for {
		err := p.TrySend(n, f)
		if err != actor.ErrOverloaded {
			return err
		}
		timer := time.NewTimer(100 * time.Microsecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", actor.ErrOverloaded, ctx.Err())
		}
	}
}

package tunnels

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

var _ Endpoint = (*transport.Endpoint)(nil)

// errStopping aborts the tunnels of a node that stops.
var errStopping = errors.New("the node is stopping")

// Tunnels opens and accepts the tunnels of a node.
type Tunnels struct {
	config Config
	self   id.ID
	log    *slog.Logger
	parent *actor.PID // iris/tunnels, the supervisor of the tunnel actors
	memory *memory
	last   atomic.Uint64 // number of the last tunnel end
	rates  rates

	ctx    context.Context // ends when Close gives up waiting
	cancel context.CancelFunc
	work   sync.WaitGroup // every goroutine of every tunnel, and the openings

	mu      sync.Mutex // guards the following fields
	closing bool
	peers   map[id.ID]int        // ends per peer, those being opened included
	open    map[*Tunnel]struct{} // whose stream is not done with
	past    Counts               // of those that were; Open and Stalled are 0
}

// New starts the service actor iris/tunnels and takes over the streams of the
// endpoint.
func New(c Config) (*Tunnels, error) {
	if c.System == nil || c.Endpoint == nil || c.Picker == nil || c.Local == nil {
		return nil, errors.New("tunnels: System, Endpoint, Picker and Local are required")
	}
	c = c.withDefaults()
	parent, err := c.System.Service("tunnels", actor.Supervisor(actor.Strategy{}).Silent())
	if err != nil {
		return nil, fmt.Errorf("tunnels: %w", err)
	}
	ts := &Tunnels{
		config: c, self: c.Endpoint.ID(), log: c.Logger, parent: parent,
		memory: newMemory(), peers: make(map[id.ID]int), open: make(map[*Tunnel]struct{}),
	}
	ts.ctx, ts.cancel = context.WithCancel(context.Background())
	c.Endpoint.HandleStream(ts.accept)
	return ts, nil
}

// Open opens a tunnel to a member of cluster, chosen by the picker. It blocks
// until the member's node has accepted, by ctx, at most Config.OpenTimeout if
// ctx has no deadline. A node that refuses, which means that no member has seen
// the tunnel, is replaced by one other once.
//
// The errors wrap actor.ErrNoMembers, actor.ErrOverloaded (limits on either
// side), actor.ErrUnreachable, actor.ErrTimeout, actor.ErrLost, or
// actor.ErrClosed after Close.
func (ts *Tunnels) Open(ctx context.Context, cluster string) (*Tunnel, error) {
	if err := wire.ValidName(cluster); err != nil {
		return nil, fmt.Errorf("tunnel: cluster: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ts.config.OpenTimeout)
		defer cancel()
	}
	if err := ts.enter(); err != nil {
		return nil, err
	}
	defer ts.work.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ts.ctx, func() { cancel(actor.ErrClosed) })()

	var first id.ID
	var firstErr error
	for attempt := 0; ; attempt++ {
		choice, err := ts.config.Picker.Pick(ctx, cluster)
		if err != nil {
			return nil, fmt.Errorf("tunnel to %s: %w", cluster, errors.Join(firstErr, err))
		}
		done := choice.Done
		if done == nil {
			done = func(error) {}
		}
		if attempt > 0 && choice.Node == first {
			done(firstErr)
			return nil, firstErr
		}
		t, err := ts.openTo(ctx, choice.Node, cluster)
		done(err)
		if err == nil {
			return t, nil
		}
		err = fmt.Errorf("tunnel to %s at %s: %w", cluster, choice.Node.Short(), err)
		if attempt > 0 || ctx.Err() != nil || !notExecuted(err) {
			return nil, err
		}
		first, firstErr = choice.Node, err
	}
}

// notExecuted reports that no member has seen the tunnel.
func notExecuted(err error) bool {
	return errors.Is(err, actor.ErrNoMembers) || errors.Is(err, actor.ErrOverloaded) || errors.Is(err, actor.ErrUnreachable)
}

// enter counts an opening in, for Close to wait for.
func (ts *Tunnels) enter() error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closing {
		return fmt.Errorf("tunnels: %w", actor.ErrClosed)
	}
	ts.work.Add(1)
	return nil
}

// reserve takes a place among the tunnels with peer.
func (ts *Tunnels) reserve(peer id.ID) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.peers[peer] >= ts.config.MaxPerPeer {
		return fmt.Errorf("%w: %d tunnels with %s", actor.ErrOverloaded, ts.config.MaxPerPeer, peer.Short())
	}
	ts.peers[peer]++
	return nil
}

func (ts *Tunnels) unreserve(peer id.ID) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.peers[peer]--; ts.peers[peer] == 0 {
		delete(ts.peers, peer)
	}
}

// build makes a tunnel end on a place reserved and registers it; its stream is
// not read or written yet.
func (ts *Tunnels) build(peer id.ID, cluster string, s Stream, f *frameReader, credit uint64, opened bool) (*Tunnel, error) {
	t, err := newTunnel(setup{
		id:      peer.Short() + "-" + strconv.FormatUint(ts.last.Add(1), 10),
		cluster: cluster, peer: peer, stream: s, frames: f, credit: credit,
		config: &ts.config, memory: ts.memory, spawn: ts.work.Go, watch: ts, opened: opened,
	})
	if err != nil {
		return nil, err
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closing {
		return nil, fmt.Errorf("tunnels: %w", actor.ErrClosed)
	}
	ts.open[t] = struct{}{}
	ts.past.Ever++
	return t, nil
}

// forget takes a tunnel end off the books.
func (ts *Tunnels) forget(t *Tunnel) {
	i := t.describe(time.Now())
	ts.mu.Lock()
	delete(ts.open, t)
	ts.past.Sent += i.Sent
	ts.past.Received += i.Received
	ts.mu.Unlock()
	ts.rates.forget(t)
	ts.unreserve(t.peer)
}

// Close refuses further tunnels, aborts those that are open (what has arrived
// at the other ends is still delivered there) and waits until every goroutine
// has ended. When ctx ends first, streams are cut without waiting for the peers
// to hear of it; that takes no time. It returns ctx's error in that case.
func (ts *Tunnels) Close(ctx context.Context) error {
	ts.mu.Lock()
	again := ts.closing
	ts.closing = true
	open := make([]*Tunnel, 0, len(ts.open))
	for t := range ts.open {
		open = append(open, t)
	}
	ts.mu.Unlock()
	if !again {
		ts.log.Debug("tunnels closing", "open", len(open))
	}
	for _, t := range open {
		if !t.out.leaving() { // else Tunnel.Close is at work
			t.abort(wire.CodeLeave, whatAborted, errStopping)
		}
	}
	ts.cancel()
	var err error
	for _, t := range open {
		select {
		case <-t.finished:
			continue
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		t.cut(errStopping)
	}
	ts.work.Wait()
	// The tunnel actors still have to say what became of their tunnels.
	if stop := ts.config.System.Poison(ctx, ts.parent); stop != nil && err == nil {
		err = fmt.Errorf("tunnels: stop service: %w", stop)
	}
	return err
}

package relay

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/budget"
)

// Relay is the endpoint of a node for programs in other languages.
type Relay struct {
	cfg       Config
	sys       *actor.System
	log       *slog.Logger
	parent    *actor.PID // iris/relay, the supervisor of the clients
	listeners []listener
	halfOpen  halfOpen
	refusals  refusals
	stock     *stock
	waiting   *budget.Share // for what waits to be sent to clients
	last      atomic.Uint64 // number of the last client
	life      context.Context
	end       context.CancelFunc // the openings under way
	patient   context.Context    // ends when Close waits no longer
	hurry     context.CancelFunc
	work      sync.WaitGroup // every goroutine of the relay

	mu      sync.Mutex // guards the following fields
	places  int        // taken, by clients and those that are about to be
	clients map[uint64]*client
	closing bool
	gone    chan struct{} // closed when Close has come to its end
}

// New opens the sockets and begins to accept clients. When it fails nothing is
// left open.
func New(cfg Config) (*Relay, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	list, err := listen(cfg.Listen, cfg.Token)
	if err != nil {
		return nil, err
	}
	r := &Relay{cfg: cfg, sys: cfg.System, log: cfg.Logger, listeners: list, clients: map[uint64]*client{}, gone: make(chan struct{})}
	r.refusals.publish = r.sys.Events().Publish
	r.stock = newStock(cfg.memory(), r.short("memory for tunnels of programs"))
	r.waiting = budget.New(int64(max(cfg.memory(), cfg.message()+budget.Step)), r.short("memory for what waits for programs"))
	r.life, r.end = context.WithCancel(context.Background())
	r.patient, r.hurry = context.WithCancel(context.Background())
	r.parent, err = r.sys.Service("relay", actor.Supervisor(actor.Strategy{MaxRestarts: -1}).Silent())
	if err != nil {
		for _, l := range list {
			_ = l.Close() // nothing was accepted
		}
		return nil, fmt.Errorf("relay: %w", err)
	}
	for _, l := range list {
		r.log.Info("relay listening", "addr", l.Addr().String())
		r.work.Go(func() { r.accept(l) })
	}
	return r, nil
}

// short returns what tells that a memory is used up, or no longer.
func (r *Relay) short(what string) func(over bool, refused uint64) {
	return func(over bool, refused uint64) {
		if over {
			r.sys.Events().Publish(&actor.Overloaded{What: what, Dropped: refused})
		} else {
			r.sys.Events().Publish(&actor.Relieved{What: what, Dropped: refused})
		}
	}
}

// Addrs returns the addresses that clients attach to, at least one.
func (r *Relay) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(r.listeners))
	for i, l := range r.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Close takes no more clients and lets those that are attached leave: out of
// their clusters first, then what they have accepted is answered, for half of the
// time that ctx leaves, then they get Closed with the reason. It waits for all of
// that, for three quarters of that time; what has not ended then is cut off. Further calls wait for the first.
func (r *Relay) Close(ctx context.Context, reason string) error {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		select {
		case <-r.gone:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.closing = true
	clients := make([]*client, 0, len(r.clients))
	for _, c := range r.clients {
		clients = append(clients, c)
	}
	r.mu.Unlock()
	defer close(r.gone)
	for _, l := range r.listeners {
		_ = l.Close() // ends accept
	}
	r.halfOpen.cut()
	r.end()
	left := flushTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = max(time.Until(deadline), 0)
	}
	for _, c := range clients {
		r.work.Go(func() { c.depart(reason, left/2, min(left/8, linger)) })
	}
	most, cancel := context.WithTimeout(ctx, left*3/4) // the other layers need time too
	defer cancel()
	stop := context.AfterFunc(most, func() {
		r.hurry()
		for _, c := range clients {
			c.cut(reason)
		}
	})
	r.work.Wait()
	r.stock.stop()
	r.hurry()
	if !stop() {
		return fmt.Errorf("clients were cut off: %w", context.Cause(most))
	}
	return r.sys.Poison(ctx, r.parent)
}

// reserve takes a place for a client, which is given back when it is gone or has
// failed to attach.
func (r *Relay) reserve() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.places >= maxClients {
		return fmt.Errorf("%d clients are attached: %w", maxClients, actor.ErrOverloaded)
	}
	r.places++
	return nil
}

// vacate is the inverse of reserve.
func (r *Relay) vacate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places--
}

// admit gives a client its number and its actor.
func (r *Relay) admit(c *client) error {
	c.number = r.last.Add(1)
	// The same value again after a failure: what it knows is not in doubt.
	pid, err := r.sys.SpawnUnder(r.parent, strconv.FormatUint(c.number, 10),
		actor.Of(func() actor.Actor { return c }).Mailbox(mailbox).MailboxBytes(mailboxBytes).Batches())
	c.pid = pid
	return err
}

// enlist counts a client in, for Close to let it leave.
func (r *Relay) enlist(c *client) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return actor.ErrClosed
	}
	r.clients[c.number] = c
	return nil
}

// delist is the inverse of enlist.
func (r *Relay) delist(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clients, c.number)
}

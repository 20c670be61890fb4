package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"iris/node/relay/packet"
)

const (
	// closeTimeout is how long Close waits for the relay, of a connection as of
	// a tunnel.
	closeTimeout = 10 * time.Second
	// lastWords is how long the reader looks for the relay's reason once
	// writing has failed.
	lastWords = time.Second
	// grace is how much longer than the relay a caller waits for its timeout:
	// the relay owns the timeout, this is for relays that forget.
	grace = 5 * time.Second
)

// Conn is an attachment to a relay. Its methods may be called by any goroutine
// at any time.
type Conn struct {
	cfg    Config
	socket net.Conn
	out    *outbox
	count  counters

	ctx  context.Context // of requests that are served; ends with the connection
	stop context.CancelFunc
	done chan struct{}  // closed when the connection has ended
	all  sync.WaitGroup // every goroutine of the connection

	requests   *pool // that are served
	broadcasts *pool

	mu       sync.Mutex
	closing  bool                          // guarded by mu; Close was called
	err      error                         // guarded by mu; why it ended before Close
	broken   error                         // guarded by mu; what the deadline of the reader means
	lastID   uint64                        // guarded by mu; of requests and tunnels
	pending  map[uint64]chan packet.Result // guarded by mu; requests that wait, each with one slot
	tunnels  map[uint64]*Tunnel            // guarded by mu
	accepted int                           // guarded by mu; of the tunnels, those that others opened
	topics   map[string]*subscription      // guarded by mu
}

func newConn(socket net.Conn, cfg Config) *Conn {
	c := &Conn{
		cfg: cfg, socket: socket, out: newOutbox(cfg.Message), done: make(chan struct{}),
		pending: map[uint64]chan packet.Result{}, tunnels: map[uint64]*Tunnel{}, topics: map[string]*subscription{},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.requests = &pool{owner: &c.all, workers: cfg.Concurrency, most: cfg.Queue}
	c.broadcasts = &pool{owner: &c.all, workers: 1, most: cfg.Queue}
	return c
}

// start starts the reader, which ends the connection, and the writer.
func (c *Conn) start(in *packet.Reader) {
	c.all.Go(func() { c.end(c.read(in)) })
	c.all.Go(func() {
		if err := c.out.run(c.socket); err != nil {
			c.out.close(dropped(err))
			c.giveUp(err, lastWords) // until then the reader may still find out why
		}
	})
}

// Close leaves the relay: it asks for the end, waits until the relay has
// answered (10 s at most) and all handlers have returned, and drops broadcasts
// and events whose handling has not begun. It returns why the connection had
// ended before, if it had. It may be called again, but not by a handler.
func (c *Conn) Close() error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	c.mu.Unlock()
	if first && c.out.put(packet.Close{}) == nil {
		late := time.AfterFunc(closeTimeout, func() { c.giveUp(errSilent, 0) })
		defer late.Stop()
	}
	<-c.done
	c.discard()
	c.all.Wait()
	return c.Err()
}

// giveUp has the reader end the connection for the given reason unless it finds
// another one within the given time.
func (c *Conn) giveUp(why error, within time.Duration) {
	c.mu.Lock()
	if c.broken == nil {
		c.broken = why
	}
	c.mu.Unlock()
	_ = c.socket.SetReadDeadline(time.Now().Add(within)) // or it is closed
}

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, an error that wraps ErrClosed; nil
// while it lives and if it ended as Close wanted.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// gone is the error of calls on a connection that has ended.
func (c *Conn) gone() error {
	if err := c.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// read handles packets until the connection ends, and returns why.
func (c *Conn) read(in *packet.Reader) error {
	for {
		p, err := in.Next()
		if err != nil {
			return err
		}
		if closed, ok := p.(packet.Closed); ok {
			return ended(closed.Reason)
		}
		if err := c.handle(p); err != nil {
			return err
		}
		if c.out.stuck.Load() {
			return errStuck
		}
	}
}

var (
	// errGraceful is an end that the relay announced without a complaint.
	errGraceful = errors.New("by the relay")
	// errSilent is that of a relay that did not do its part.
	errSilent = errors.New("no word from the relay")
)

func ended(reason string) error {
	if reason == "" {
		return errGraceful
	}
	return errors.New(reason)
}

// handle never waits: for what it starts there are pools.
func (c *Conn) handle(p packet.Packet) error {
	switch p := p.(type) {
	case packet.Result:
		c.result(p)
	case packet.Publish:
		c.event(p)
	case packet.TunResult:
		c.tunnelResult(p)
	case packet.TunAllow:
		c.withTunnel(p.Tunnel, func(t *Tunnel) { t.allow(p.Space) })
	case packet.TunTransfer:
		c.withTunnel(p.Tunnel, func(t *Tunnel) { t.arrive(p) })
	case packet.TunClosed:
		c.tunnelClosed(p)
	default:
		return c.serve(p)
	}
	return nil
}

// serve handles what only members of clusters get.
func (c *Conn) serve(p packet.Packet) error {
	if c.cfg.Cluster == "" {
		return &packet.Violation{Side: packet.FromRelay, Op: p.Op(), What: "not for a pure client"}
	}
	switch p := p.(type) {
	case packet.Serve:
		c.request(p)
	case packet.Delivery:
		c.broadcast(p)
	case packet.TunOffer:
		c.offer(p)
	}
	return nil
}

// end ends everything but the handling of what has come.
func (c *Conn) end(why error) {
	c.mu.Lock()
	if c.broken != nil && errors.Is(why, os.ErrDeadlineExceeded) {
		why = c.broken
	}
	if !c.closing || !errors.Is(why, errGraceful) {
		c.err = dropped(why)
	}
	err := c.err
	tunnels := c.tunnels
	c.tunnels = nil
	c.mu.Unlock()
	if err == nil {
		err = ErrClosed
	}
	c.out.close(err)
	_ = c.socket.Close()
	close(c.done)
	c.stop()
	for _, t := range tunnels {
		t.end(errors.New("connection dropped"))
	}
	c.count.expired.Add(uint64(c.requests.discard()))
}

// discard drops what nobody waits for any more once Close was called.
func (c *Conn) discard() {
	c.count.broadcasts.Add(uint64(c.broadcasts.discard()))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.topics {
		c.count.events.Add(uint64(s.pool.discard()))
	}
}

// checkName returns an error unless the name of a cluster or topic can be sent.
func checkName(name string) error {
	if name == "" || len(name) > packet.MaxName {
		return fmt.Errorf("%w: name of %d octets, 1 to %d", ErrInvalid, len(name), packet.MaxName)
	}
	return nil
}

// check is checkName for a name and a message.
func (c *Conn) check(name string, message []byte) error {
	if len(message) > c.cfg.Message {
		return fmt.Errorf("%w: message of %d octets, at most %d", ErrInvalid, len(message), c.cfg.Message)
	}
	return checkName(name)
}

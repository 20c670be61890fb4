package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
)

// client is an attached program: a connection, and the actor that stands for it
// in the network. Its goroutine is the one that reads the connection, which
// waits for all others.
type client struct {
	r       *Relay
	number  uint64
	addr    string
	cluster string // that it serves, empty if none
	since   time.Time
	conn    net.Conn
	in      *parts
	pid     *actor.PID

	life context.Context // ends when the client goes: of everything done for it
	end  context.CancelCauseFunc
	work sync.WaitGroup

	out     outbox
	written chan struct{} // closed when the writer has ended
	chores  chores
	asks    asks
	serves  serves
	pipes   pipes

	topics subscriptions

	together []packet.Packet // room for those of a batch; the actor's own
	bye      bool            // it has sent Close; the reader's own

	membership *topics.Registration // of its cluster, else nil
	leaving    atomic.Bool          // it takes nothing new
	left       sync.Once
	departed   sync.Once
	spoken     sync.Once    // the last word
	linger     atomic.Int64 // nanoseconds for the client to close after the last packet

	mu      sync.Mutex // guards the following fields
	over    bool       // the end was decided
	ordered bool       // by Close of the client
	reason  string     // for the event
}

// attach makes a client of a connection that has greeted. Welcome waits to be sent
// before anything else can; that begins when the client is a member of its cluster,
// and known to Close, which therefore has a word for everybody who was welcomed.
func (r *Relay) attach(conn net.Conn, in *parts, cluster string) (*client, error) {
	c := &client{r: r, since: time.Now(), addr: conn.RemoteAddr().String(), cluster: cluster, conn: conn, in: in, written: make(chan struct{})}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.out.init(conn, r.waiting, c.stalled)
	c.put(packet.Welcome{Version: packet.Version})
	c.chores.init()
	c.asks.init()
	c.serves.init()
	c.topics.init()
	c.pipes.init(c)
	if err := r.admit(c); err != nil {
		return nil, err
	}
	if err := c.join(); err != nil {
		c.leave(r.life, 0)
		c.out.kill()
		_ = r.sys.Stop(context.Background(), c.pid) // it runs no foreign code
		return nil, err
	}
	return c, nil
}

func (c *client) join() (err error) {
	if c.cluster != "" {
		ctx, cancel := context.WithTimeout(c.r.life, joinTimeout)
		defer cancel()
		c.membership, err = c.r.cfg.Topics.Register(ctx, c.cluster, []*actor.PID{c.pid})
		if err != nil {
			return err
		}
	}
	return c.r.enlist(c)
}

// run serves the client until it is gone.
func (c *client) run() {
	c.publish(&actor.RelayClientUp{Client: c.number, Addr: c.addr, Cluster: c.cluster})
	c.work.Go(c.send)
	c.work.Go(c.doChores)
	err := c.read()
	if errors.Is(err, io.EOF) {
		c.leaving.Store(true)
		c.serves.fail(lostServer(c)) // what Relay.Close may be waiting for
		if !c.bye {                  // else it leaves in its turn
			c.leave(context.WithoutCancel(c.life), 0)
		}
		c.chores.drain(c.patience()) // what came before the end still counts
	}
	c.drop(reasonOf(err))
	c.finish()
}

// patience is how long what came before the end of the connection may take: who has said Close
// waits for the answer.
func (c *client) patience() time.Duration {
	if c.bye {
		return flushTimeout
	}
	return linger
}

// read handles packets until the connection ends, or the client does.
func (c *client) read() error {
	defer c.in.watch(func() { c.expel(errPart) })()
	for {
		p, err := c.in.Next()
		if err == nil {
			err = c.handle(p)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) { // let the client read the last packet
			c.expelOrDrop(err)
			_, _ = io.Copy(io.Discard, c.conn)
		}
		return err
	}
}

func (c *client) expelOrDrop(err error) {
	if errors.As(err, new(*packet.Violation)) || err == errChores {
		c.expel(err)
	} else {
		c.drop(reasonOf(err))
	}
}

// reasonOf words the end of a connection.
func reasonOf(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection ended"
	}
	return "the connection failed: " + err.Error()
}

// handle does what a packet asks for, or hands it to whoever does. It waits for the
// chores only, and not for long. An error drops the client.
func (c *client) handle(p packet.Packet) error {
	switch p := p.(type) {
	case packet.Publish, packet.Broadcast, packet.Subscribe, packet.Unsubscribe:
		return c.queue(p)
	case packet.Close:
		c.bye = true
		return c.queue(p)
	case packet.Request:
		return c.ask(p)
	case packet.Reply:
		c.serves.answer(p)
	case packet.TunInit:
		return c.open(p)
	case packet.TunConfirm:
		return c.confirmed(p)
	case packet.TunAllow:
		return c.pipes.allow(p)
	case packet.TunTransfer:
		return c.pipes.chunk(p)
	case packet.TunClose:
		c.closePipe(p.Tunnel)
	}
	return nil
}

// send is the goroutine of the writer.
func (c *client) send() {
	defer close(c.written)
	if err := c.out.write(); err != nil {
		c.drop(reasonOf(err))
		c.out.kill() // nobody sends what waits
		_ = c.conn.Close()
		return
	}
	c.hangUp()
}

// put sends packets to the client, which is dropped if it does not read.
func (c *client) put(list ...packet.Packet) {
	if err := c.out.put(list...); errors.Is(err, errSlow) {
		c.stalled(err)
	}
}

// offer is put for what may be lost, and tells if it was.
func (c *client) offer(list ...packet.Packet) error { return c.out.offer(list...) }

// tell sends the client the result of a request, or that it has timed out if too much waits for
// all clients: then the answer is lost.
func (c *client) tell(result packet.Result) {
	switch err := c.out.owe(owed, result); {
	case errors.Is(err, errSlow):
		c.stalled(err)
	case errors.Is(err, errFull):
		c.r.sys.Dropped(actor.DeadRelay, c.pid.Id, "reply", c.r.sys.Node(), 1)
		c.put(packet.Result{ID: result.ID, TimedOut: true})
	}
}

func (c *client) stalled(why error) {
	c.complain(why.Error())
	c.cut(why.Error())
}

func (c *client) publish(event any) { c.r.sys.Events().Publish(event) }

package topics

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/balance"
	"iris/transport"
	"iris/transport/wire"
)

// call is one request on its way, from the API or from an actor. Those of the API
// are used again.
type call struct {
	g        *group
	msg      any
	body     wire.Body // of msg; encoded when the first remote member is chosen
	encoded  bool
	key      []byte // of an idempotent request
	trace    string
	deadline time.Time // zero: none but the context's
	tried    []id.ID
	full     int           // times refused by a full member
	gone     int           // times not reached
	pause    time.Duration // the latest for want of retries
	last     error

	replies chan actor.Reply  // of a call of the API; has room for one
	replied func(actor.Reply) // puts it there
}

// newCall makes a call for the API.
func newCall() any {
	c := &call{replies: make(chan actor.Reply, 1)}
	c.replied = func(r actor.Reply) { c.replies <- r }
	return c
}

func (c *call) begin(ctx context.Context, g *group, msg any, o Options) {
	c.g, c.msg, c.trace = g, msg, o.Trace
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(actor.DefaultTimeout)
	}
	c.deadline = deadline
	if o.Idempotent {
		c.key = make([]byte, wire.MaxKey)
		_, _ = rand.Read(c.key) // never fails
	}
}

// end makes the call as good as new.
func (c *call) end() {
	*c = call{tried: c.tried[:0], replies: c.replies, replied: c.replied}
}

// limit is ctx with the deadline of the call, for what waits for something else than
// a reply.
func (c *call) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.deadline)
}

// choose waits for a live view and picks a member.
func (c *call) choose(ctx context.Context) (choice, error) {
	now := time.Now()
	ch, live, err := c.pick(now)
	if live && (err == nil || !c.g.doubted(now)) {
		return ch, err
	}
	ctx, cancel := c.limit(ctx)
	defer cancel()
	for {
		if errors.Is(err, actor.ErrNoMembers) && c.g.doubted(now) && sleep(ctx, 10*time.Millisecond) {
			live = true
		} else if live {
			return ch, err
		}
		if !live {
			if err := c.g.wait(ctx); err != nil {
				return choice{}, err
			}
		}
		now = time.Now()
		ch, live, err = c.pick(now)
	}
}

// wait blocks until there is a live view or a reason why not.
func (g *group) wait(ctx context.Context) error {
	ready := make(chan error, 1)
	if !g.await(func(err error) { ready <- err }) {
		return actor.ErrOverloaded
	}
	select {
	case err := <-ready:
		return err
	case <-ctx.Done():
		return ended(ctx)
	}
}

// pick chooses by the present view; live is false if there is none.
func (c *call) pick(now time.Time) (ch choice, live bool, err error) {
	v := c.g.live(now)
	if v == nil {
		return choice{}, false, nil
	}
	ch, ok := c.g.choose(now, c.tried)
	switch {
	case ok:
		return ch, true, nil
	case c.last != nil:
		return choice{}, true, c.last
	}
	return choice{}, true, actor.ErrNoMembers
}

// send sends the request to the node just chosen; then is called once with the reply
// unless an error is returned: not sent. While the lane is full it waits until ctx
// or the call ends, but for atOnce. It returns the number to cancel by.
func (c *call) send(ctx context.Context, ch choice, then func(actor.Reply)) (uint32, error) {
	if ch.node == c.g.t.self {
		return c.sendHere(ch, then)
	}
	t := c.g.t
	l, structured := t.net.Link(ch.node), t.structured()
	if l == nil && !structured {
		return 0, actor.ErrUnreachable
	}
	if err := c.encode(); err != nil {
		return 0, err
	}
	pending, err := t.sys.Replies().Open(nameOf(l, ch.node), c.patience(ch.begin), then)
	if err != nil {
		return 0, err
	}
	f := requestFrames.Get().(*wire.Request)
	*f = wire.Request{
		ID: pending, Cluster: c.g.key.Name, TTLMs: transport.TTL(c.deadline.Sub(ch.begin)), Key: c.key, Body: c.body, Trace: c.trace,
	}
	if structured { // the router may keep the frame
		err = c.put(ctx, poster{t, ch.node}, f)
	} else {
		err = c.put(ctx, l, f)
		*f = wire.Request{}
		requestFrames.Put(f)
	}
	if err != nil {
		return pending, t.unsent(pending, err)
	}
	return pending, nil
}

// requestFrames are for use again. A call has none of its own, because the answer to one attempt,
// and with it the next, may come while the first is still being sent.
var requestFrames = sync.Pool{New: func() any { return new(wire.Request) }}

// patience is until when to wait for the answer to an attempt.
func (c *call) patience(now time.Time) time.Time {
	if c.key == nil {
		return c.deadline
	}
	// Leave time to ask somebody else.
	if d := now.Add(max(c.deadline.Sub(now)/2, 50*time.Millisecond)); d.Before(c.deadline) {
		return d
	}
	return c.deadline
}

// sendHere is send to a member of this node.
func (c *call) sendHere(ch choice, then func(actor.Reply)) (uint32, error) {
	t := c.g.t
	pending, err := t.sys.Replies().Open(t.name, c.patience(ch.begin), then)
	if err != nil {
		return 0, err
	}
	in := &actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Request, Cluster: c.g.key.Name, Origin: t.name, Deadline: c.deadline, Trace: c.trace},
		Message:  c.msg, From: t.name, ReplyTo: pending,
	}
	if err := t.accept(c.g, in, c.key); err != nil {
		return pending, t.unsent(pending, err)
	}
	return pending, nil
}

// put sends f, see send.
func (c *call) put(ctx context.Context, by sender, f *wire.Request) error {
	err := by.TrySend(transport.Direct, f)
	if err == nil || ctx == atOnce || !errors.Is(err, actor.ErrOverloaded) {
		return err
	}
	ctx, cancel := c.limit(ctx)
	defer cancel()
	return by.Send(ctx, transport.Direct, f)
}

// nameOf returns the node n as PIDs name it; l is the link to it, if there is one.
func nameOf(l link, n id.ID) string {
	if l != nil {
		return l.Name()
	}
	return n.String()
}

// unsent withdraws the pending reply of a request that did not go out. If the
// node was lost at this moment then has been called with that; the request was
// not sent all the same, but a reply must not be counted twice.
func (t *Topics) unsent(pending uint32, err error) error {
	if !t.sys.Replies().Cancel(pending) {
		return nil
	}
	return err
}

func (c *call) encode() error {
	if c.encoded {
		return nil
	}
	typ, data, err := actor.Encode(c.msg)
	if err != nil {
		return err
	}
	c.body, c.encoded = wire.Body{Type: typ, Data: data}, true
	return nil
}

// judge takes the outcome of one attempt to the balancer and decides: retry
// after pause, or the end with err (nil: r holds the reply).
func (c *call) judge(ch choice, r actor.Reply) (retry bool, pause time.Duration, err error) {
	if r.Err == nil {
		ch.done(balance.Served, r.Load)
		return false, 0, nil
	}
	return c.judgeFailure(ch, r.Err, r.Load)
}

func (c *call) judgeFailure(ch choice, failed error, load actor.Load) (retry bool, pause time.Duration, err error) {
	var remote *actor.RemoteError
	var codec *actor.CodecError
	free := false // the next attempt costs nothing of the budget
	switch {
	case errors.As(failed, &remote):
		ch.done(balance.Served, load)
		return false, 0, c.g.wrap(failed)
	case errors.As(failed, &codec):
		ch.done(balance.Withdrawn, load)
		return false, 0, c.fail(ch.node, failed)
	case errors.Is(failed, actor.ErrOverloaded):
		ch.done(balance.Refused, load)
		c.full++
		retry = c.full <= refusals
	case errors.Is(failed, actor.ErrUnreachable), errors.Is(failed, actor.ErrNoMembers):
		ch.done(balance.Refused, load)
		c.gone++
		retry = c.gone <= departures
		free = retry // nobody had work of it, and many hear at once that a member is gone
	case errors.Is(failed, actor.ErrLost), errors.Is(failed, actor.ErrTimeout):
		ch.done(balance.Unknown, load)
	default:
		ch.done(balance.Withdrawn, load)
		return false, 0, c.fail(ch.node, failed)
	}
	c.last = c.within(ch.node, failed)
	left := time.Until(c.deadline)
	if left <= 0 {
		return false, 0, c.g.wrap(c.last)
	}
	c.tried = append(c.tried, ch.node)
	if c.key == nil {
		return retry && (free || c.g.retry()), 0, c.g.wrap(c.last)
	}
	if !c.more() { // until the deadline: when all were tried, all again
		c.tried = c.tried[:0]
		pause = again
	}
	if !free && !c.g.retry() { // go on, but slower and slower
		c.pause = min(max(2*c.pause, again), longest)
		pause = c.pause
	}
	return true, min(pause, left), c.g.wrap(c.last)
}

// more reports whether the view names a node that was not tried.
func (c *call) more() bool {
	v := c.g.view.Load()
	return v != nil && len(v.Entries) > len(c.tried)
}

func (c *call) within(n id.ID, err error) error { return fmt.Errorf("node %s: %w", n.Short(), err) }

func (c *call) fail(n id.ID, err error) error { return c.g.wrap(c.within(n, err)) }

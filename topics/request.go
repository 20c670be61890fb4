package topics

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/balance"
	"iris/transport"
	"iris/transport/wire"
)

// Options are the rare variants of a request.
type Options struct {
	// Idempotent lets a request whose fate is unknown be sent again, to other
	// members, until the deadline. Member nodes remember its key for 2 minutes
	// and answer a repetition without executing it again.
	Idempotent bool
	Trace      string // passed on to the handler, at most 255 bytes
}

// Attempts of one request.
const (
	refusals   = 1                     // others tried after a member was full or denied it
	departures = 3                     // others tried after a member was going or gone
	again      = 20 * time.Millisecond // pause of an idempotent request that ran out of members
	longest    = time.Second           // pause of one that ran out of retries, which doubles up to this
)

// call is one request on its way, from the API or from an actor.
type call struct {
	g        *group
	msg      any
	body     wire.Body // of msg; encoded when the first remote member is chosen
	encoded  bool
	key      []byte // of an idempotent request
	trace    string
	deadline time.Time
	tried    []id.ID
	full     int           // times refused by a full member
	gone     int           // times not reached
	pause    time.Duration // the latest for want of retries
	last     error
}

// Request sends msg to one member of the cluster, the balancer's choice, and
// returns its reply. It blocks until ctx ends, at most 5 s if ctx has no
// deadline. Errors wrap, besides *actor.RemoteError (the handler failed) and
// what actor.Encode says:
//
//	ErrNoMembers    nobody serves; known at once
//	ErrOverloaded   not executed: two members were full
//	ErrUnreachable  not executed: the members tried were going or gone
//	ErrTimeout      unknown, unless it is ErrExpired: not executed
//	ErrLost         unknown: the member's node was lost
//
// What is known not to be executed is tried on other members first: one after a
// full member, up to three after members that leave. With Options.Idempotent
// timeouts and losses are retried too. All retries together are at most a tenth of this
// node's requests to the cluster, and a burst of 10: beyond that the first error is returned,
// and idempotent requests pause before they go on.
func (t *Topics) Request(ctx context.Context, cluster string, msg any, o Options) (any, error) {
	g, err := t.named(wire.GroupCluster, cluster)
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, actor.DefaultTimeout)
		defer cancel()
		deadline, _ = ctx.Deadline()
	}
	c := &call{g: g, msg: msg, trace: o.Trace, deadline: deadline}
	if o.Idempotent {
		c.key = make([]byte, wire.MaxKey)
		_, _ = rand.Read(c.key) // never fails
	}
	replies := make(chan actor.Reply, 1)
	for {
		ch, err := c.choose(ctx)
		if err != nil {
			return nil, c.g.wrap(err)
		}
		var r actor.Reply
		pending, err := c.send(ch, func(f wire.Frame) error { return t.send(ctx, ch.node, transport.Direct, f) },
			func(r actor.Reply) { replies <- r })
		if err != nil {
			r = actor.Reply{Err: err}
		} else {
			select {
			case r = <-replies:
			case <-ctx.Done():
				if t.sys.Replies().Cancel(pending) {
					ch.done(outcomeOfEnd(ctx), nil)
					return nil, c.fail(ch.node, ended(ctx))
				}
				r = <-replies // it came at this very moment
			}
		}
		retry, pause, err := c.judge(ch, r)
		if !retry {
			return r.Message, err
		}
		if pause > 0 && !sleep(ctx, pause) {
			return nil, err
		}
	}
}

// outcomeOfEnd is what the balancer learns when the asker gave up.
func outcomeOfEnd(ctx context.Context) balance.Outcome {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return balance.Unknown
	}
	return balance.Withdrawn
}

// ended turns the end of a context into an error of a request.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return actor.ErrTimeout
	}
	return context.Cause(ctx)
}

// sleep waits for d; it reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// choose waits for a live view and picks a member.
func (c *call) choose(ctx context.Context) (choice, error) {
	for {
		now := time.Now()
		ch, live, err := c.pick(now)
		if errors.Is(err, actor.ErrNoMembers) && c.g.doubted(now) && sleep(ctx, 10*time.Millisecond) {
			continue
		}
		if live {
			return ch, err
		}
		if err := c.g.wait(ctx); err != nil {
			return choice{}, err
		}
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

// send sends the request to the chosen node; then is called once with the reply
// unless an error is returned: not sent. It returns the number to cancel by.
func (c *call) send(ch choice, put func(wire.Frame) error, then func(actor.Reply)) (uint32, error) {
	t := c.g.t
	deadline := c.deadline
	if c.key != nil { // leave time to ask somebody else
		deadline = time.Now().Add(max(time.Until(c.deadline)/2, 50*time.Millisecond))
		if deadline.After(c.deadline) {
			deadline = c.deadline
		}
	}
	if ch.node == t.self {
		pending, err := t.sys.Replies().Open(t.name, deadline, then)
		if err != nil {
			return 0, err
		}
		in := &actor.Inbound{
			Delivery: actor.Delivery{Kind: actor.Request, Cluster: c.g.key.Name, Origin: t.name, Deadline: c.deadline, Trace: c.trace},
			Message:  c.msg, From: t.name, ReplyTo: pending,
		}
		if err := t.accept(c.g, in, c.key); err != nil {
			return 0, t.unsent(pending, err)
		}
		return pending, nil
	}
	if t.net.Link(ch.node) == nil && !t.structured() {
		return 0, actor.ErrUnreachable
	}
	if err := c.encode(); err != nil {
		return 0, err
	}
	pending, err := t.sys.Replies().Open(ch.node.String(), deadline, then)
	if err != nil {
		return 0, err
	}
	err = put(&wire.Request{
		ID: pending, Cluster: c.g.key.Name, TTLMs: transport.TTL(time.Until(c.deadline)), Key: c.key, Body: c.body, Trace: c.trace,
	})
	if err != nil {
		return 0, t.unsent(pending, err)
	}
	return pending, nil
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
	var remote *actor.RemoteError
	var codec *actor.CodecError
	switch err := r.Err; {
	case err == nil:
		ch.done(balance.Served, r.Load)
		return false, 0, nil
	case errors.As(err, &remote):
		ch.done(balance.Served, r.Load)
		return false, 0, c.g.wrap(err)
	case errors.As(err, &codec):
		ch.done(balance.Withdrawn, r.Load)
		return false, 0, c.fail(ch.node, err)
	case errors.Is(err, actor.ErrOverloaded):
		ch.done(balance.Refused, r.Load)
		c.full++
		retry = c.full <= refusals
	case errors.Is(err, actor.ErrUnreachable), errors.Is(err, actor.ErrNoMembers):
		ch.done(balance.Refused, r.Load)
		c.gone++
		retry = c.gone <= departures
	case errors.Is(err, actor.ErrLost), errors.Is(err, actor.ErrTimeout):
		ch.done(balance.Unknown, r.Load)
	default:
		ch.done(balance.Withdrawn, r.Load)
		return false, 0, c.fail(ch.node, err)
	}
	c.last = c.within(ch.node, r.Err)
	left := time.Until(c.deadline)
	if left <= 0 {
		return false, 0, c.g.wrap(c.last)
	}
	c.tried = append(c.tried, ch.node)
	if c.key == nil {
		return retry && c.g.retry(), 0, c.g.wrap(c.last)
	}
	if !c.more() { // until the deadline: when all were tried, all again
		c.tried = c.tried[:0]
		pause = again
	}
	if !c.g.retry() { // go on, but slower and slower
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

// Choice is a member node chosen for something that takes a while. Done must
// be called once when that has ended; its error says whether it went well.
type Choice struct {
	Node id.ID
	Done func(err error)
}

// Pick chooses a member node as Request does and counts it as busy until Done.
// It blocks until ctx ends at most. Errors wrap actor.ErrNoMembers,
// ErrOverloaded, ErrTimeout or the context's.
func (t *Topics) Pick(ctx context.Context, cluster string) (Choice, error) {
	g, err := t.named(wire.GroupCluster, cluster)
	if err != nil {
		return Choice{}, err
	}
	c := &call{g: g}
	ch, err := c.choose(ctx)
	if err != nil {
		return Choice{}, g.wrap(err)
	}
	return Choice{Node: ch.node, Done: func(err error) {
		o := balance.Withdrawn // a tunnel's length says nothing about latency
		if errors.Is(err, actor.ErrOverloaded) || errors.Is(err, actor.ErrUnreachable) {
			o = balance.Refused
		}
		ch.done(o, nil)
	}}, nil
}

// Local returns the least loaded member of the cluster on this node, or
// actor.ErrNoMembers.
func (t *Topics) Local(cluster string) (*actor.PID, error) {
	g := t.find(wire.GroupCluster, cluster)
	if g == nil {
		return nil, actor.ErrNoMembers
	}
	m := leastLoaded(*g.local.Load(), nil)
	if m == nil {
		return nil, g.wrap(actor.ErrNoMembers)
	}
	return m.pid, nil
}

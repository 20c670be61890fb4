package topics

import (
	"context"
	"errors"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/balance"
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
// timeouts and losses are retried too. All retries together, but for those after members that
// leave, are at most a tenth of this node's requests to the cluster, and a burst of 10: beyond
// that the first error is returned, and idempotent requests pause before they go on.
func (t *Topics) Request(ctx context.Context, cluster string, msg any, o Options) (any, error) {
	g, err := t.named(wire.GroupCluster, cluster)
	if err != nil {
		return nil, err
	}
	c := t.calls.Get().(*call)
	c.begin(ctx, g, msg, o)
	reply, err := c.run(ctx)
	c.end()
	t.calls.Put(c)
	return reply, err
}

// run makes attempts until one of them decides.
func (c *call) run(ctx context.Context) (any, error) {
	for {
		ch, err := c.choose(ctx)
		if err != nil {
			return nil, c.g.wrap(err)
		}
		r, ok := c.attempt(ctx, ch)
		if !ok {
			ch.done(outcomeOfEnd(ctx), actor.Load{})
			return nil, c.fail(ch.node, ended(ctx))
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

// attempt asks the chosen node and waits for what it says. It reports false if ctx
// ended first.
func (c *call) attempt(ctx context.Context, ch choice) (r actor.Reply, ok bool) {
	pending, err := c.send(ctx, ch, c.replied)
	if err != nil {
		return actor.Reply{Err: err}, true
	}
	done := ctx.Done()
	if done == nil { // to wait for one thing costs less than for one of two
		return <-c.replies, true
	}
	select {
	case r = <-c.replies:
		return r, true
	case <-done:
	}
	if c.g.t.sys.Replies().Cancel(pending) {
		return actor.Reply{}, false
	}
	return <-c.replies, true // it came at this very moment
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
		ch.done(o, actor.Load{})
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

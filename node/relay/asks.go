package relay

import (
	"errors"
	"fmt"
	"sync"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
)

// asks are the requests of a client that have no Result yet.
type asks struct {
	mu    sync.Mutex          // guards the following fields
	less  *sync.Cond          // of every change
	open  map[uint64]struct{} // ids that have no Result
	bytes int
	busy  int // requests whose Result is not queued
	ended bool
}

func (a *asks) init() {
	a.less = sync.NewCond(&a.mu)
	a.open = map[uint64]struct{}{}
}

// count returns how many requests have no Result.
func (a *asks) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open)
}

// begin counts a request in. It does not wait, for replies that others wait for may be
// behind it: actor.ErrOverloaded if there are too many, errClosing if the client's requests
// have ended, a violation if the id is in use.
func (a *asks) begin(p packet.Request) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, taken := a.open[p.ID]
	switch {
	case taken:
		return violation(packet.OpRequest, "the id of a request that has no reply yet")
	case a.ended:
		return errClosing
	case len(a.open) > 0 && (len(a.open) >= maxAsks || a.bytes+len(p.Payload) > maxAskBytes):
		return actor.ErrOverloaded
	}
	a.open[p.ID] = struct{}{}
	a.bytes += len(p.Payload)
	a.busy++
	return nil
}

// done frees the place and the id of a request: with its Result the client may use
// it again.
func (a *asks) done(p packet.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, p.ID)
	a.bytes -= len(p.Payload)
	a.less.Broadcast()
}

// told notes that a Result was queued.
func (a *asks) told() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
	a.less.Broadcast()
}

// end lets no request begin any more.
func (a *asks) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.less.Broadcast()
}

// wait ends the requests and returns when each has its Result.
func (a *asks) wait() {
	a.end()
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.busy > 0 {
		a.less.Wait()
	}
}

// ask begins a request, which is on a goroutine of its own because it takes as
// long as its handler. One too many is not executed, which the client is told at once.
func (c *client) ask(p packet.Request) error {
	switch err := c.asks.begin(p); err {
	case nil:
	case actor.ErrOverloaded:
		c.put(packet.Result{ID: p.ID, TimedOut: true})
		return nil
	case errClosing:
		return nil
	default:
		return err
	}
	ctx, cancel := c.within(duration(p.TimeoutMs))
	c.work.Go(func() {
		defer cancel()
		reply, err := c.r.cfg.Topics.Request(ctx, p.Cluster, actor.Bytes(p.Payload), topics.Options{})
		result := resultOf(p.ID, reply, err)
		c.asks.done(p)
		c.tell(result)
		c.asks.told()
	})
	return nil
}

// resultOf says the outcome of a request to the client: the fault of a handler as
// it is, and everything that kept the request from being answered as a timeout.
func resultOf(id uint64, reply any, err error) packet.Result {
	var remote *actor.RemoteError
	switch {
	case err == nil:
		if b, ok := reply.(actor.Bytes); ok {
			return packet.Result{ID: id, OK: true, Payload: b}
		}
		return packet.Result{ID: id, Fault: fmt.Sprintf("the reply is a %T, which only Go programs can read", reply)}
	case errors.As(err, &remote):
		return packet.Result{ID: id, Fault: faultOf(remote)}
	case unanswered(err):
		return packet.Result{ID: id, TimedOut: true}
	}
	return packet.Result{ID: id, Fault: err.Error()}
}

// unanswered reports whether err says that there is no answer, rather than what is
// wrong with the request.
func unanswered(err error) bool {
	for _, e := range []error{
		actor.ErrNoMembers, actor.ErrTimeout, actor.ErrLost, actor.ErrUnreachable, actor.ErrOverloaded, actor.ErrClosed, errClosing,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// faultOf is never empty: clients take that for something else.
func faultOf(e *actor.RemoteError) string {
	switch {
	case e.Panic:
		return "the handler panicked: " + e.Text
	case e.Text == "":
		return "the handler failed"
	}
	return e.Text
}

package actor

import (
	"sync/atomic"
	"time"
)

// Reply is the outcome of a request: Message, or Err if that is not nil.
type Reply struct {
	From    string // node that answered
	Message any
	Err     error
	Load    Load // of the member that answered; zero: it said nothing
}

// DefaultReplies bounds the requests waiting for an answer at one time.
const DefaultReplies = 1 << 20

// Replies is the table of requests waiting for an answer. It takes the place of a future per request: an id, carried by
// the request and its answer, leads back to a function. Each done function is called exactly once (unless the request
// is cancelled), on the goroutine of whoever completes the request; it must not block.
//
// A request costs no allocation and, as a rule, no timer: deadlines wait in wheels, one with one timer per shard, and
// are kept to within a tick of a millisecond.
type Replies struct {
	limit  int64                        // of count
	late   func(from string, rep Reply) // told of answers nobody waits for
	next   atomic.Uint32
	count  atomic.Int64
	shards [replyShards]replyShard
}

const replyShards = 16

func newReplies(limit int, late func(from string, rep Reply)) *Replies {
	if limit <= 0 {
		limit = DefaultReplies
	}
	r := &Replies{limit: int64(limit), late: late}
	base := time.Now()
	for i := range r.shards {
		r.shards[i].table, r.shards[i].base = r, base
	}
	return r
}

func (r *Replies) shard(id uint32) *replyShard { return &r.shards[id%replyShards] }

// Open registers a request to node and returns its id, which is never 0. done gets ErrTimeout when deadline passes
// (zero: DefaultTimeout from now), ErrLost when the node is lost, ErrClosed at shutdown. ErrOverloaded if as many as the table holds are
// pending, ErrClosed; then done is not called.
func (r *Replies) Open(node string, deadline time.Time, done func(Reply)) (uint32, error) {
	if deadline.IsZero() {
		deadline = time.Now().Add(DefaultTimeout)
	}
	if r.count.Add(1) > r.limit {
		r.count.Add(-1)
		return 0, ErrOverloaded
	}
	for {
		id := r.next.Add(1)
		if id == 0 { // after 2^32 requests
			continue
		}
		switch err := r.shard(id).open(pending{id: id, node: node, done: done}, deadline); err {
		case nil:
			return id, nil
		case errTaken: // by a request that waits for long
		default:
			r.count.Add(-1)
			return 0, err
		}
	}
}

// Cancel forgets a request without calling its done function. false: it was completed before, or is being.
func (r *Replies) Cancel(id uint32) bool { return r.shard(id).cancel(id) }

// Complete gives the answer of node from to request id. false: there is no such request (any more), or another node was
// asked; then the answer is a dead letter.
func (r *Replies) Complete(from string, id uint32, rep Reply) bool {
	done, ok := r.shard(id).end(id, from)
	if !ok {
		r.late(from, rep)
		return false
	}
	if rep.From == "" {
		rep.From = from
	}
	done(rep)
	return true
}

// Fail ends request id with err because it could not be sent to node after all. Unlike Complete it says nothing if the
// request has ended already.
func (r *Replies) Fail(node string, id uint32, err error) {
	if done, ok := r.shard(id).end(id, node); ok {
		done(Reply{Err: err})
	}
}

// lost ends all requests to node.
func (r *Replies) lost(node string) {
	r.end(func(p *pending) bool { return p.node == node }, ErrLost, false)
}

// close ends all requests and takes no more.
func (r *Replies) close() { r.end(func(*pending) bool { return true }, ErrClosed, true) }

func (r *Replies) end(match func(*pending) bool, err error, closing bool) {
	for i := range r.shards {
		for _, done := range r.shards[i].endAll(match, closing) {
			done(Reply{Err: err})
		}
	}
}

// nodes adds the nodes that owe replies.
func (r *Replies) nodes(to map[string]struct{}) {
	for i := range r.shards {
		r.shards[i].each(func(p *pending) { to[p.node] = struct{}{} })
	}
}

func (r *Replies) len() int { return int(r.count.Load()) }

package actor

import (
	"sync"
	"sync/atomic"
	"time"
)

// Reply is the outcome of a request: Message, or Err if that is not nil.
type Reply struct {
	From    string // node that answered
	Message any
	Err     error
	Load    *Load // of the member that answered, may be nil
}

// DefaultReplies bounds the requests waiting for an answer at one time.
const DefaultReplies = 1 << 20

// Replies is the table of requests waiting for an answer. It takes the place of a future per request: an id, carried by
// the request and its answer, leads back to a function. Each done function is called exactly once (unless the request
// is cancelled), on the goroutine of whoever completes the request; it must not block.
type Replies struct {
	limit  int64                        // of count
	late   func(from string, rep Reply) // told of answers nobody waits for
	next   atomic.Uint32
	count  atomic.Int64
	shards [16]replyShard
}

type replyShard struct {
	mu     sync.Mutex // guards the following fields and those of the pending replies in m
	m      map[uint32]*pending
	free   []*pending // with a stopped timer; bounded by maxFree
	closed bool
}

// pending is one request. It is reused with its timer.
type pending struct {
	shard    *replyShard
	table    *Replies
	id       uint32 // 0 = free
	node     string // that was asked, the only one whose answer counts
	done     func(Reply)
	deadline time.Time
	timer    *time.Timer
}

const maxFree = 256

func newReplies(limit int, late func(from string, rep Reply)) *Replies {
	if limit <= 0 {
		limit = DefaultReplies
	}
	r := &Replies{limit: int64(limit), late: late}
	for i := range r.shards {
		r.shards[i].m = map[uint32]*pending{}
	}
	return r
}

func (r *Replies) shard(id uint32) *replyShard { return &r.shards[id%uint32(len(r.shards))] }

// Open registers a request to node and returns its id, which is never 0. done gets ErrTimeout when deadline passes
// (zero: DefaultTimeout from now), ErrLost when the node is lost, ErrClosed at shutdown. ErrOverloaded if as many as the table holds are
// pending, ErrClosed; then done is not called.
func (r *Replies) Open(node string, deadline time.Time, done func(Reply)) (uint32, error) {
	now := time.Now()
	ttl := DefaultTimeout
	if !deadline.IsZero() {
		ttl = deadline.Sub(now)
	}
	return r.open(node, now, ttl, done)
}

func (r *Replies) open(node string, now time.Time, ttl time.Duration, done func(Reply)) (uint32, error) {
	if r.count.Add(1) > r.limit {
		r.count.Add(-1)
		return 0, ErrOverloaded
	}
	for {
		id := r.next.Add(1)
		s := r.shard(id)
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			r.count.Add(-1)
			return 0, ErrClosed
		}
		if _, taken := s.m[id]; id == 0 || taken { // after 2^32 requests
			s.mu.Unlock()
			continue
		}
		p := s.take(r)
		p.id, p.node, p.done, p.deadline = id, node, done, now.Add(ttl)
		s.m[id] = p
		if p.timer == nil {
			p.timer = time.AfterFunc(ttl, p.expire)
		} else {
			p.timer.Reset(ttl)
		}
		s.mu.Unlock()
		return id, nil
	}
}

// take is called under mu.
func (s *replyShard) take(r *Replies) *pending {
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	return &pending{shard: s, table: r}
}

// remove ends a request, under mu. A timer that is just firing finds the entry free or of a later deadline.
func (s *replyShard) remove(p *pending) func(Reply) {
	done := p.done
	delete(s.m, p.id)
	p.timer.Stop()
	p.id, p.node, p.done = 0, "", nil
	if len(s.free) < maxFree && !s.closed {
		s.free = append(s.free, p)
	}
	p.table.count.Add(-1)
	return done
}

func (p *pending) expire() {
	s := p.shard
	s.mu.Lock()
	if p.id == 0 {
		s.mu.Unlock()
		return
	}
	if left := time.Until(p.deadline); left > 0 { // the firing of an earlier request
		p.timer.Reset(left)
		s.mu.Unlock()
		return
	}
	done := s.remove(p)
	s.mu.Unlock()
	done(Reply{Err: ErrTimeout})
}

// Cancel forgets a request without calling its done function. false: it was completed before, or is being.
func (r *Replies) Cancel(id uint32) bool {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.m[id]
	if p == nil {
		return false
	}
	s.remove(p)
	return true
}

// Complete gives the answer of node from to request id. false: there is no such request (any more), or another node was
// asked; then the answer is a dead letter.
func (r *Replies) Complete(from string, id uint32, rep Reply) bool {
	s := r.shard(id)
	s.mu.Lock()
	p := s.m[id]
	if p == nil || p.node != from {
		s.mu.Unlock()
		r.late(from, rep)
		return false
	}
	done := s.remove(p)
	s.mu.Unlock()
	if rep.From == "" {
		rep.From = from
	}
	done(rep)
	return true
}

// Fail ends request id with err because it could not be sent to node after all. Unlike Complete it says nothing if the
// request has ended already.
func (r *Replies) Fail(node string, id uint32, err error) {
	s := r.shard(id)
	s.mu.Lock()
	p := s.m[id]
	if p == nil || p.node != node {
		s.mu.Unlock()
		return
	}
	done := s.remove(p)
	s.mu.Unlock()
	done(Reply{Err: err})
}

// lost ends all requests to node.
func (r *Replies) lost(node string) {
	r.end(func(p *pending) bool { return p.node == node }, ErrLost, false)
}

// close ends all requests and takes no more.
func (r *Replies) close() { r.end(func(*pending) bool { return true }, ErrClosed, true) }

func (r *Replies) end(match func(*pending) bool, err error, closing bool) {
	for i := range r.shards {
		s := &r.shards[i]
		var ended []func(Reply)
		s.mu.Lock()
		s.closed = s.closed || closing
		for _, p := range s.m {
			if match(p) {
				ended = append(ended, s.remove(p))
			}
		}
		s.mu.Unlock()
		for _, done := range ended {
			done(Reply{Err: err})
		}
	}
}

// nodes adds the nodes that owe replies.
func (r *Replies) nodes(to map[string]struct{}) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, p := range s.m {
			to[p.node] = struct{}{}
		}
		s.mu.Unlock()
	}
}

func (r *Replies) len() int { return int(r.count.Load()) }

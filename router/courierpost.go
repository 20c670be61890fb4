package router

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

const (
	postFrames = 256             // waiting for one node
	postBytes  = 1 << 20         // the same in bytes; a frame that is alone may be larger
	postNodes  = 4096            // for which frames wait
	postTotal  = 128 << 20       // bytes waiting for all of them
	postWait   = 3 * time.Second // then frames for a node without a link are given up
	absentWait = time.Second     // the same if the node is found not to be there
)

// Post sends f to n, at once if there is a link, which costs no more than the
// link's own TrySend. Else f waits, at most 3 s, while the router finds n and
// connects; then it is given up: counted as a dead letter, and whoever waits for
// what it would have brought is told actor.ErrUnreachable. Frames for one node
// and lane go in the order in which they were posted, also while the link comes
// up. f belongs to the router from now on. Post never blocks. Errors, after which
// f was not sent: actor.ErrOverloaded if the lane is full, or 256 frames or 1 MiB
// wait for n, or frames for 4096 nodes or 128 MiB in all; actor.ErrUnreachable for
// this node itself and when it is leaving; wire.ErrTooLarge.
func (r *Router) Post(n id.ID, lane transport.Lane, f wire.Frame) error {
	if n == r.ep.ID() || n.IsZero() {
		return actor.ErrUnreachable
	}
	for {
		b, fresh := r.mail.find(n), false
		if b == nil {
			if l := r.ep.Link(n); l != nil {
				if err := l.TrySend(lane, f); !errors.Is(err, actor.ErrUnreachable) {
					return err
				}
			}
			if r.leaving.Load() {
				return actor.ErrUnreachable
			}
			var err error
			if b, fresh, err = r.mail.open(n); err != nil {
				return err
			}
		}
		err := b.put(posted{lane: lane, frame: f, size: f.Size(), at: time.Now()})
		if fresh {
			r.toCourier(&mailFor{n})
		}
		if err != errEmptied {
			return err
		}
	}
}

// forward takes what the actor system sends to other nodes. In the mesh form all
// of them have links, and a node without one is not there.
func (r *Router) forward(n id.ID, f wire.Frame) (taken bool, err error) {
	if !r.Routes().Structured() && r.mail.find(n) == nil {
		return false, nil
	}
	return true, r.Post(n, transport.Direct, f)
}

// errEmptied means that the frames of a box were sent and the box is gone.
var errEmptied = errors.New("box was emptied")

// mail is what waits for nodes without a link. Finding a box takes no lock: the
// tables are copied when they change, which is rare, and small.
type mail struct {
	shards [64]mailShard
	boxes  atomic.Int64
	bytes  atomic.Int64
	closed atomic.Bool // no further box
}

type mailShard struct {
	mu    sync.Mutex // held to replace boxes
	boxes atomic.Pointer[map[id.ID]*box]
}

// box holds the frames for one node, oldest first.
type box struct {
	mail *mail
	node id.ID

	mu     sync.Mutex // guards the following fields
	frames []posted
	bytes  int
	gone   bool // not in the table any more, nor will it be
}

type posted struct {
	lane  transport.Lane
	frame wire.Frame
	size  int
	at    time.Time
}

func (m *mail) shard(n id.ID) *mailShard { return &m.shards[n.Lo%uint64(len(m.shards))] }

func (m *mail) find(n id.ID) *box {
	if boxes := m.shard(n).boxes.Load(); boxes != nil {
		return (*boxes)[n]
	}
	return nil
}

// open returns the box for n; fresh says that it has just been made.
func (m *mail) open(n id.ID) (b *box, fresh bool, err error) {
	s := m.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := m.find(n); b != nil {
		return b, false, nil
	}
	if m.closed.Load() {
		return nil, false, actor.ErrUnreachable
	}
	if m.boxes.Add(1) > postNodes {
		m.boxes.Add(-1)
		return nil, false, actor.ErrOverloaded
	}
	b = &box{mail: m, node: n}
	s.replace(n, b)
	return b, true, nil
}

// replace puts b in the place of n, nil for none. The caller holds mu.
func (s *mailShard) replace(n id.ID, b *box) {
	next := make(map[id.ID]*box)
	if boxes := s.boxes.Load(); boxes != nil {
		for k, v := range *boxes {
			next[k] = v
		}
	}
	delete(next, n)
	if b != nil {
		next[n] = b
	}
	s.boxes.Store(&next)
}

// all returns the boxes there are.
func (m *mail) all() (list []*box) {
	if m.boxes.Load() == 0 {
		return nil
	}
	for i := range m.shards {
		if boxes := m.shards[i].boxes.Load(); boxes != nil {
			for _, b := range *boxes {
				list = append(list, b)
			}
		}
	}
	return list
}

func (b *box) put(p posted) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return errEmptied
	case len(b.frames) >= postFrames, b.bytes > 0 && b.bytes+p.size > postBytes:
		return actor.ErrOverloaded
	}
	if b.mail.bytes.Add(int64(p.size)) > postTotal {
		b.mail.bytes.Add(-int64(p.size))
		return actor.ErrOverloaded
	}
	b.frames = append(b.frames, p)
	b.bytes += p.size
	return nil
}

// send gives the frames to l, as many as it takes, in order within each lane.
// Those that cannot be sent at all are returned with the reason. An empty box is
// taken out of the table.
func (b *box) send(l link, now time.Time) (failed []undelivered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var full [transport.Bulk]bool
	down := false
	b.keep(func(p posted) bool {
		if down || full[p.lane] {
			return true
		}
		if !age(p.frame, now.Sub(p.at)) {
			failed = append(failed, undelivered{p.frame, actor.ErrExpired})
			return false
		}
		err := l.TrySend(p.lane, p.frame)
		switch {
		case err == nil:
		case errors.Is(err, actor.ErrUnreachable):
			down = true
			return true
		case errors.Is(err, actor.ErrOverloaded):
			full[p.lane] = true
			return true
		default:
			failed = append(failed, undelivered{p.frame, err})
		}
		return false
	})
	return failed
}

// undelivered is a frame that was never sent, and why.
type undelivered struct {
	frame wire.Frame
	err   error
}

// expire takes out what was posted before a time. An empty box is taken out of
// the table.
func (b *box) expire(before time.Time, err error) (failed []undelivered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(func(p posted) bool {
		if p.at.After(before) {
			return true
		}
		failed = append(failed, undelivered{p.frame, err})
		return false
	})
	return failed
}

// keep drops the frames that f does not want. The caller holds mu.
func (b *box) keep(f func(posted) bool) {
	kept := b.frames[:0]
	for _, p := range b.frames {
		if f(p) {
			kept = append(kept, p)
			continue
		}
		b.bytes -= p.size
		b.mail.bytes.Add(-int64(p.size))
	}
	clear(b.frames[len(kept):])
	b.frames = kept
	if len(kept) > 0 || b.gone {
		return
	}
	b.gone = true
	s := b.mail.shard(b.node)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replace(b.node, nil)
	b.mail.boxes.Add(-1)
}

// age shortens the time that a request has left by what it waited. It reports
// false if none is left.
func age(f wire.Frame, waited time.Duration) bool {
	var ttl *uint32
	switch f := f.(type) {
	case *wire.Ask:
		ttl = &f.TTLMs
	case *wire.Request:
		ttl = &f.TTLMs
	}
	ms := uint32(waited / time.Millisecond)
	if ttl == nil || *ttl == 0 || ms == 0 {
		return true
	}
	if *ttl <= ms {
		return false
	}
	*ttl -= ms
	return true
}

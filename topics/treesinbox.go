package topics

import (
	"sync"
	"sync/atomic"

	"iris/actor"
	"iris/internal/id"
)

// Bounds of what waits for the actors of trees. What is beyond is refused: frames
// are dropped and counted, publishers wait or get ErrOverloaded.
const (
	inboxItems = 8192
	inboxBytes = 4 << 20 // of one group; a single item may be larger
)

// queued is what waits before the actors of all trees, in bytes. Beyond the limit an
// inbox takes one item at a time.
type queued struct {
	atomic.Int64
	limit int64
}

// item is something for the actor of trees to handle.
type item struct {
	from   id.ID // of a message
	stripe int   // of a scribe.Message
	what   any   // scribe.Message, reliable.Message, *publication or reliable.Lost
	size   int   // bytes
}

// inbox is the queue before an actor of trees: lane readers and publishers put,
// the actor takes. It is beside the actor's mailbox so that it keeps its order from
// before the actor exists, and cannot crowd out the actor's other messages.
type inbox struct {
	total *queued // in all inboxes

	mu     sync.Mutex // guards the following fields
	items  []item
	bytes  int
	puts   uint64 // items and pokes ever put
	poked  bool
	awake  bool // the actor was woken and has not found the inbox empty since
	closed bool
	space  chan struct{} // closed when there is room again; nil if nobody waits
}

// put adds x; wake says that the actor is to be woken.
func (q *inbox) put(x item) (wake bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch n := len(q.items); {
	case q.closed:
		return false, errWithered
	case n >= inboxItems || n > 0 && (q.bytes+x.size > inboxBytes || q.total.Load()+int64(x.size) > q.total.limit):
		return false, actor.ErrOverloaded
	}
	q.items = append(q.items, x)
	q.bytes += x.size
	q.total.Add(int64(x.size))
	return q.put1(), nil
}

// poke asks the actor to look at what this node wants; ok is false if nobody will.
func (q *inbox) poke() (wake, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, false
	}
	q.poked = true
	return q.put1(), true
}

func (q *inbox) put1() (wake bool) {
	q.puts++
	wake = !q.awake
	q.awake = true
	return wake
}

// take returns the next item. Without one the actor sleeps until it is woken.
func (q *inbox) take() (x item, poked, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	poked, q.poked = q.poked, false
	if len(q.items) == 0 {
		q.items = nil
		q.awake = poked // it will ask again
		return item{}, poked, poked
	}
	x = q.items[0]
	q.items[0] = item{}
	q.items = q.items[1:]
	q.bytes -= x.size
	q.total.Add(-int64(x.size))
	if q.space != nil && len(q.items) < inboxItems/2 && q.bytes <= inboxBytes/2 {
		close(q.space)
		q.space = nil
	}
	return x, poked, true
}

// room returns what is closed when there is room.
func (q *inbox) room() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.space == nil {
		q.space = make(chan struct{})
		if len(q.items) == 0 || q.closed {
			close(q.space)
			defer func() { q.space = nil }()
		}
	}
	return q.space
}

// handled returns how much was ever put, for close; ok is false while some of that
// has not been taken: what waits here may be the one publication that nobody else has.
func (q *inbox) handled() (puts uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.puts, len(q.items) == 0 && !q.poked
}

// close refuses all from now on, if nothing was put beyond puts.
func (q *inbox) close(puts uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.puts != puts || len(q.items) > 0 {
		return false
	}
	q.closed = true
	return true
}

// abandon closes the inbox and returns the publications in it.
func (q *inbox) abandon() (left []*publication) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, x := range q.items {
		if p, ok := x.what.(*publication); ok {
			left = append(left, p)
		}
	}
	q.total.Add(-int64(q.bytes))
	q.items, q.bytes, q.closed = nil, 0, true
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
	return left
}

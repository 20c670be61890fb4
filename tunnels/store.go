package tunnels

import "sync"

// Sizes of the receive segments in bytes. A tunnel that holds little takes a
// small one, so that many nearly idle tunnels cost little.
const (
	smallSegment = 4 << 10
	largeSegment = 64 << 10
)

// segment is a fixed piece of receive memory. Bytes [r:w) are unread.
type segment struct {
	buf  []byte
	r, w int
}

// segments recycles receive memory among the tunnels of a node.
type segments struct{ small, large sync.Pool }

func (p *segments) get(want int) *segment {
	pool, size := &p.large, largeSegment
	if want <= smallSegment {
		pool, size = &p.small, smallSegment
	}
	if s, ok := pool.Get().(*segment); ok {
		return s
	}
	return &segment{buf: make([]byte, size)}
}

func (p *segments) put(s *segment) {
	s.r, s.w = 0, 0
	if len(s.buf) == smallSegment {
		p.small.Put(s)
	} else {
		p.large.Put(s)
	}
}

// mark is the end of a chunk in the store: left bytes of it are unread, and
// more of the same message follows.
type mark struct {
	left uint32
	more bool
}

// store keeps the chunks of a tunnel that wait for the application: their bytes
// back to back in segments, their boundaries in marks. The bytes go from the
// stream straight into a segment, and the bookkeeping of a chunk is 8 bytes, so
// the memory of a store follows the credit that was spent to fill it.
//
// The reader of the stream fills (room, fill, commit) while the application
// takes (head, take): both under the lock of the inbox, but the bytes themselves
// are copied without it. That is safe because the regions are disjoint: the
// filler writes only beyond w of the tail, which no mark covers yet, and only
// the taker recycles a segment, never the tail while it is being filled.
type store struct {
	pool    *segments
	segs    queue[*segment]
	marks   queue[mark]
	filling bool // the filler holds a region of the tail
}

// room returns a region of 1..n bytes to fill, n > 0. The filler calls fill
// before it asks again.
func (s *store) room(n int) []byte {
	tail, ok := s.segs.last()
	if !ok || tail.w == len(tail.buf) {
		if ok && tail.r == tail.w {
			s.recycle() // full and read while it was being filled
		}
		want := n
		if s.segs.len() > 0 {
			want = largeSegment // a store that grows takes few segments
		}
		tail = s.pool.get(want)
		s.segs.push(tail)
	}
	s.filling = true
	return tail.buf[tail.w:min(tail.w+n, len(tail.buf))]
}

// fill says that n bytes of the region were written.
func (s *store) fill(n int) {
	if tail, ok := s.segs.last(); ok { // not after a reset
		tail.w += n
	}
	s.filling = false
}

// commit makes the n bytes that were filled last visible as a chunk.
func (s *store) commit(n int, more bool) { s.marks.push(mark{uint32(n), more}) }

// head returns the unread bytes of the first chunk that lie in one piece. They
// stay valid until take. ok is false when there is no chunk.
func (s *store) head() (piece []byte, m mark, ok bool) {
	m, ok = s.marks.first()
	if !ok || m.left == 0 {
		return nil, m, ok
	}
	s.skip()
	seg, _ := s.segs.first()
	return seg.buf[seg.r:min(seg.r+int(m.left), seg.w)], m, true
}

// take consumes n bytes of the piece that head returned and, when the chunk is
// used up, its mark. done reports the latter.
func (s *store) take(n int) (done bool) {
	m := s.marks.front()
	if n > 0 {
		seg, _ := s.segs.first()
		seg.r += n
		m.left -= uint32(n)
	}
	done = m.left == 0
	if done {
		s.marks.pop()
	}
	s.skip()
	return done
}

// skip recycles what was read: all segments at the front that are used up,
// except a tail that is being filled.
func (s *store) skip() {
	for {
		seg, ok := s.segs.first()
		if !ok || seg.r < seg.w || s.segs.len() == 1 && s.filling {
			return
		}
		s.recycle()
	}
}

func (s *store) recycle() {
	if seg, ok := s.segs.pop(); ok {
		s.pool.put(seg)
	}
}

// message returns how much of the first message has arrived, as far as a look
// at a few chunks tells: a guess for the allocation of the whole.
func (s *store) message() (size int) {
	for i := range min(s.marks.len(), 64) {
		m := s.marks.at(i)
		size += int(m.left)
		if !m.more {
			break
		}
	}
	return size
}

// unread is the number of payload bytes that wait.
func (s *store) unread() (n int) {
	for i := range s.marks.len() {
		n += int(s.marks.at(i).left)
	}
	return n
}

// reset drops everything. The segments are left to the garbage collector: the
// filler or the taker may still be at work on one.
func (s *store) reset() {
	s.marks, s.segs, s.filling = queue[mark]{}, queue[*segment]{}, false
}

// queue is a slice used as a FIFO. It moves its elements down when more than
// half of it is used up, and gives its memory back when it runs empty after
// having been large.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int    { return len(q.items) - q.head }
func (q *queue[T]) push(v T)    { q.items = append(q.items, v) }
func (q *queue[T]) at(i int) T  { return q.items[q.head+i] }
func (q *queue[T]) front() *T   { return &q.items[q.head] }
func (q *queue[T]) empty() bool { return q.head == len(q.items) }

func (q *queue[T]) first() (v T, ok bool) {
	if q.empty() {
		return v, false
	}
	return q.items[q.head], true
}

func (q *queue[T]) last() (v T, ok bool) {
	if q.empty() {
		return v, false
	}
	return q.items[len(q.items)-1], true
}

func (q *queue[T]) pop() (v T, ok bool) {
	if q.empty() {
		return v, false
	}
	var zero T
	v, q.items[q.head] = q.items[q.head], zero
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > 1024 {
			q.items = nil
		}
	case q.head > 64 && q.head > len(q.items)/2:
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return v, true
}

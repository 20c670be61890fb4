package budget

import "sync/atomic"

// Step is the number of bytes by which queues that hold many small things take from
// a Share: they need not ask for each.
const Step = 64 << 10

// fair is the part of what is free that one queue may hold.
const fair = 8

// Share is a number of bytes that many queues hold together.
type Share struct {
	limit int64
	tell  func(over bool, refused uint64)

	used    atomic.Int64
	refused atomic.Uint64 // since the first refusal
	relief  atomic.Int64  // below it the refusing is over; 0: there is none
}

// New returns a share of limit bytes, at least a Step. tell is called, on the goroutine of the
// queue, with true when something was refused, and with false and the number of refusals
// when half of what was used then is free again. It must not block or use the share.
func New(limit int64, tell func(over bool, refused uint64)) *Share {
	return &Share{limit: max(limit, Step), tell: tell}
}

// Take reports whether a queue that holds held bytes of the share may hold n more, and
// if so counts them.
func (s *Share) Take(held, n int) bool { return s.TakePart(held, n, fair) }

// TakePart is Take for a queue that may hold up to 1/part of what is free, part > 0. With held 0
// and part 1 it gets whatever there is.
func (s *Share) TakePart(held, n, part int) bool {
	if s == nil {
		return true
	}
	before := s.used.Add(int64(n)) - int64(n)
	if int64(held+n) <= (s.limit-before)/int64(part) {
		return true
	}
	s.used.Add(-int64(n))
	s.refused.Add(1)
	if s.relief.CompareAndSwap(0, max(before/2, 1)) {
		s.tell(true, 0)
	}
	return false
}

// Give returns n bytes that were taken.
func (s *Share) Give(n int) {
	if s == nil || n == 0 {
		return
	}
	left := s.used.Add(-int64(n))
	if r := s.relief.Load(); r > 0 && left < r && s.relief.CompareAndSwap(r, 0) {
		s.tell(false, s.refused.Swap(0))
	}
}

// Limit returns how many bytes may be held at most, 0 if there is no bound.
func (s *Share) Limit() int64 {
	if s == nil {
		return 0
	}
	return s.limit
}

// Used returns how many bytes are held.
func (s *Share) Used() int64 {
	if s == nil {
		return 0
	}
	return s.used.Load()
}

package transport

import (
	"sync/atomic"
	"time"
)

// companyFor is how long a link that carried messages counts as one that does: a node
// that asks another once a second finds its tunnels ready to give way.
const companyFor = time.Second

// company remembers when messages last went between the two nodes of a pair, as far as
// its tunnels have asked. Any goroutine may ask.
type company struct {
	traffic atomic.Uint64 // of the link when it was last seen to move
	moved   atomic.Int64  // when that was, nanoseconds of the Unix clock; 0: never
}

// lately reports whether traffic, the link's count, has moved within companyFor of now.
func (c *company) lately(traffic uint64, now time.Time) bool {
	if c.traffic.Swap(traffic) != traffic {
		c.moved.Store(now.UnixNano())
	}
	return now.UnixNano()-c.moved.Load() < int64(companyFor)
}

// Accompanied reports whether messages went between the two nodes lately.
func (s *quicStream) Accompanied() bool {
	l := s.pair.e.Link(s.pair.peer)
	return l != nil && s.pair.company.lately(l.traffic.Load(), time.Now())
}

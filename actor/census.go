package actor

import (
	"sync"
	"time"
)

// census is what all actors did at one moment, for people who look. With many actors taking it is the work, as hardly
// anything of them is in a cache: it is used again for so long that taking it costs a 64th of the time, and all who look share
// it. Looking then reads one list from its beginning to its end.
type census struct {
	mu   sync.Mutex // guards the following fields, also while the list is read
	at   time.Time
	took time.Duration
	list []figures
	past map[string]work // of the actors that had ended, by branch
}

const (
	censusShare = 64               // a census is used for so many times what it took
	censusSlack = 64               // room for so many actors more is not worth a new list
	censusEnd   = 10 * time.Second // unused for so long it is let go: it keeps actors in memory that have ended
)

// figures are the numbers of one actor alone.
type figures struct {
	id           string
	c, parent    *cell
	trouble      *trouble // nil: it had none
	queued       int
	bytes        int64
	handled      uint64
	busy, oldest time.Duration
}

// figures reads the numbers of c.
func (c *cell) figures() figures {
	n, bytes := split(c.mb.load.Load())
	f := figures{id: c.pid.Id, c: c, parent: c.parent, trouble: c.trouble.Load(), queued: int(n), bytes: bytes, handled: c.mb.meter.shown.Load()}
	f.busy, f.oldest = c.mb.times(c.sys.beat.Load())
	if n == 0 {
		f.oldest = 0
	}
	return f
}

// look calls f with the numbers of all actors, and what those did that had ended, taken not long ago. One looks at a time.
// Both are read only, and not to be kept.
func (s *System) look(f func(all []figures, past map[string]work)) {
	x := &s.census
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	if x.list == nil || now.Sub(x.at) >= x.took*censusShare {
		x.list = emptied(x.list, s.cells.len())
		x.past = s.cells.each(func(c *cell) { x.list = append(x.list, c.figures()) })
		clear(x.list[len(x.list):cap(x.list)]) // of the census before, and they may have ended
		x.at = time.Now()
		x.took = x.at.Sub(now)
	}
	f(x.list, x.past)
}

// emptied returns list to be filled with about n, or a new one if it has room for far more: it would stay as long for ever.
func emptied(list []figures, n int) []figures {
	if cap(list) > 2*n+censusSlack {
		return make([]figures, 0, n+censusSlack)
	}
	return list[:0]
}

// expire lets go of a census that nobody has used for long.
func (x *census) expire() {
	if !x.mu.TryLock() {
		return
	}
	defer x.mu.Unlock()
	if x.list != nil && time.Since(x.at) > max(censusEnd, x.took*censusShare) {
		x.list, x.past = nil, nil
	}
}

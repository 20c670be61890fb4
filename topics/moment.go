package topics

import (
	"sync/atomic"
	"time"
)

// moment is how long senders of events go on without reading the clock. A lease is
// thus overdrawn by at most that, of 10 s.
const moment = 10 * time.Millisecond

// moments divides time for those who send so often that reading the clock would be
// half of their work. A moment ends when its timer fires, which runs only while somebody
// sends.
type moments struct {
	number atomic.Uint64
	timed  atomic.Bool // a timer ends the present moment
	timer  *time.Timer
}

func newMoments() *moments {
	m := &moments{}
	m.number.Store(1) // 0 is none
	m.timed.Store(true)
	m.timer = time.AfterFunc(moment, m.end)
	return m
}

// begin returns the number of the present moment and sees to it that it ends. What
// the caller then finds true by the clock it may take for true in this moment.
func (m *moments) begin() uint64 {
	n := m.number.Load()
	if m.timed.CompareAndSwap(false, true) {
		m.timer.Reset(moment)
	}
	return n
}

// end runs when the timer fires. A moment that begins between the two steps has a
// timer and is over at once.
func (m *moments) end() {
	m.timed.Store(false)
	m.number.Add(1)
}

// is reports whether n is the present moment.
func (m *moments) is(n uint64) bool { return m.number.Load() == n }

package router

import (
	"sync/atomic"
	"time"

	"iris/router/detector"
)

// pulse is how the router actor, which alone ticks, tells the peer actors about
// this node: when it last ran, how often it found that it had not, and its health.
// A peer actor that is awake while the pulse is overdue knows that the whole
// process has just been stopped, even before the router has noticed.
type pulse struct {
	base   time.Time // monotonic origin
	last   atomic.Int64
	pauses atomic.Uint64
	health atomic.Int32
}

func (p *pulse) init(now time.Time) { p.base = now }

func (p *pulse) beat(now time.Time, paused bool, score int) {
	p.health.Store(int32(score))
	if paused {
		p.pauses.Add(1)
	}
	p.last.Store(int64(now.Sub(p.base)))
}

// overdue reports whether the router should have ticked long ago.
func (p *pulse) overdue(now time.Time) bool {
	return now.Sub(p.base)-time.Duration(p.last.Load()) > detector.TickEvery+detector.PauseAfter
}

func (p *pulse) factor() int { return int(p.health.Load()) + 1 }

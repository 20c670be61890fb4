package router

import (
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/router/detector"
)

// A process that stood still, and a wall clock that was set, are told.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newNetwork(t).start(1, 1)
		m := newMembership(x.router)
		now := time.Now()
		m.lastWall, m.lastTick = now.Round(0), now
		m.clock(now)
		now = now.Add(detector.TickEvery)
		m.clock(now)
		m.lastWall = m.lastWall.Add(-2 * time.Second) // as if the clock was set forward since
		now = now.Add(detector.TickEvery)
		m.clock(now)
		now = now.Add(detector.TickEvery + detector.PauseAfter + time.Millisecond)
		m.clock(now)
		var got []time.Duration
		for _, ev := range m.events { // they are published at the end of its turn
			if c, ok := ev.(*actor.ClockJump); ok {
				got = append(got, c.By)
			}
		}
		if len(got) != 2 || got[0] != 2*time.Second || got[1] != detector.PauseAfter+time.Millisecond {
			t.Errorf("jumps %v", got)
		}
		x.stop(true)
	})
}

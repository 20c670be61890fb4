package lookup

import (
	"math/rand/v2"
	"time"
)

const (
	first = time.Second      // after the first attempt, doubling
	limit = 10 * time.Second // up to this
)

// pace is how soon to do something again.
type pace struct {
	fast bool          // by doubling steps
	slow time.Duration // else this
}

// clock says when one task is due. It is pure: time comes in. Owned by the
// goroutine of the task.
type clock struct {
	due   time.Time
	steps int // fast ones in a row
}

// done notes the end of an attempt and sets the time of the next one.
func (c *clock) done(now time.Time, p pace, rng *rand.Rand) {
	wait := p.slow
	if p.fast {
		wait = min(first<<min(c.steps, 10), limit)
		c.steps++
	} else {
		c.steps = 0
	}
	c.due = now.Add(jitter(wait, rng))
}

// hurry brings the next attempt forward, for a node that has become alone.
func (c *clock) hurry(now time.Time) {
	if soon := now.Add(limit); c.due.After(soon) {
		c.due, c.steps = now, 0
	}
}

// jitter returns d give or take a fifth.
func jitter(d time.Duration, rng *rand.Rand) time.Duration {
	return d*4/5 + time.Duration(rng.Int64N(int64(d*2/5)+1))
}

package sim

import (
	"time"

	"iris/router/pastry"
)

// skew is the clock of one node: it started some time before the world's and runs
// at its own rate.
type skew struct {
	offset time.Duration
	drift  float64 // seconds gained in a second; 0: none
}

// maxOffset is how far apart clocks are.
const maxOffset = 24 * time.Hour

// newSkew returns a clock whose rate is wrong by at most most.
func (w *World) newSkew(most float64) skew {
	return skew{
		offset: time.Duration(w.rng.Int64N(int64(maxOffset))),
		drift:  most * (2*w.rng.Float64() - 1),
	}
}

// local returns what the node's clock shows at now.
func (s skew) local(now time.Duration) pastry.Time {
	return s.offset + now + time.Duration(s.drift*float64(now))
}

// world returns the first instant at which the node's clock shows at least t.
func (s skew) world(t pastry.Time) time.Duration {
	if s.drift == 0 {
		return t - s.offset
	}
	now := time.Duration(float64(t-s.offset) / (1 + s.drift))
	for s.local(now) < t {
		now++
	}
	return now
}

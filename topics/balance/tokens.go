package balance

import "time"

// tokens is a token bucket.
type tokens struct {
	have float64
	at   time.Time
}

// refill adds what a rate per second gives since the last time, up to most.
func (t *tokens) refill(now time.Time, rate, most float64) {
	if !t.at.IsZero() {
		t.have = min(t.have+now.Sub(t.at).Seconds()*rate, most)
	} else {
		t.have = most
	}
	t.at = now
}

// take takes one.
func (t *tokens) take() bool {
	if t.have < 1 {
		return false
	}
	t.have--
	return true
}

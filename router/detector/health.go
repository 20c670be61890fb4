package detector

import "time"

const (
	// TickEvery is the period at which the owner of a Health ticks.
	TickEvery = 100 * time.Millisecond
	// PauseAfter is how late a tick may be before we say that we were paused.
	PauseAfter = 500 * time.Millisecond

	healthMax     = 7                      // so that the factor is at most 8
	lateAfter     = 250 * time.Millisecond // a tick so late costs a point, though it is no pause
	lateCharge    = time.Second            // at most one per such time
	healthRelief  = 5 * time.Second        // of punctual ticks take one point away
	silenceCharge = 2 * time.Second        // at most one point per such time for common silence
)

// Health is a node's opinion of itself: 0 well, 7 hardly running. Its own
// troubles must not become accusations of others (Lifeguard, section IV.A).
type Health struct {
	score    int
	last     time.Time // the last tick
	relief   time.Time // since when all was well
	charged  time.Time // when common silence was last charged
	worsened time.Time // when the score last rose
}

// Score returns 0..7, what heartbeats report.
func (h *Health) Score() int { return h.score }

// Factor returns 1..8, by which timeouts that accuse others are multiplied.
func (h *Health) Factor() int { return h.score + 1 }

// Tick takes note of the time. It returns how long the process did not run if
// the tick is more than PauseAfter late, else 0. Ticks that are often a little
// late tell of a starved processor.
func (h *Health) Tick(now time.Time) (paused time.Duration) {
	if h.last.IsZero() {
		h.last, h.relief = now, now
		return 0
	}
	late := now.Sub(h.last) - TickEvery
	h.last = now
	if late > PauseAfter {
		h.worse(now)
		return late
	}
	if late > lateAfter && now.Sub(h.worsened) >= lateCharge {
		h.worse(now)
		return 0
	}
	if late > lateAfter/2 { // not well yet, but not worth a point either
		h.relief = now
		return 0
	}
	if h.score > 0 && now.Sub(h.relief) >= healthRelief {
		h.score--
		h.relief = now
	}
	return 0
}

// AllSilent says that every one of several peers fell silent at once: more
// likely our own network or processor than all of theirs.
func (h *Health) AllSilent(now time.Time) {
	if h.charged.IsZero() || now.Sub(h.charged) >= silenceCharge {
		h.charged = now
		h.worse(now)
	}
}

func (h *Health) worse(now time.Time) {
	h.score = min(h.score+1, healthMax)
	h.relief, h.worsened = now, now
}

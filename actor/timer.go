package actor

import "time"

// timer is a time.AfterFunc that Shutdown waits for.
type timer struct {
	t      *time.Timer
	firing *tally
}

// after runs f on its own goroutine when d has passed. f must not block.
func (s *System) after(d time.Duration, f func()) *timer {
	t := &timer{firing: &s.timing}
	t.start(d, f)
	return t
}

// start is called once, before any stop.
func (t *timer) start(d time.Duration, f func()) {
	t.firing.add()
	t.t = time.AfterFunc(d, func() {
		defer t.firing.done()
		f()
	})
}

// stop keeps the timer from firing. It may be called any number of times, also after it fired.
func (t *timer) stop() {
	if t.t.Stop() {
		t.firing.done()
	}
}

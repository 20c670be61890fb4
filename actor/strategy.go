package actor

import (
	"math/rand/v2"
	"time"
)

// Directive is what a supervisor does with a failed actor.
type Directive uint8

const (
	DirectiveDefault  Directive = iota // Restart in Decide, Stop in Exhausted
	DirectiveRestart                   // a new incarnation after the back-off; the queue is kept, the failing message is not
	DirectiveStop                      // end it for good
	DirectiveEscalate                  // the supervisor itself fails; the root supervisor restarts instead
	DirectiveResume                    // go on with the same incarnation
)

func (d Directive) String() string {
	switch d {
	case DirectiveRestart:
		return "restart"
	case DirectiveStop:
		return "stop"
	case DirectiveEscalate:
		return "escalate"
	case DirectiveResume:
		return "resume"
	default:
		return "default"
	}
}

// Failure is what a strategy decides about.
type Failure struct {
	PID         *PID
	Reason      any    // the panic value, or an error
	Stack       []byte // of the panicking handler; shared, do not modify
	Message     any    // being handled
	MessageType string
	Restarts    int // failures in the current window, this one included
}

// Strategy bounds how often and how fast a failing actor comes back. Its zero value restarts up to 10 times a minute,
// after 20 ms, 40 ms, ... 10 s, each shortened by up to a fifth, then stops the actor.
type Strategy struct {
	MaxRestarts int           // restarts per Window; 0 means 10, negative means no limit
	Window      time.Duration // 0 means 1 minute; back-off starts over after as long without a failure
	BackoffMin  time.Duration // before the first restart; 0 means 20 ms
	BackoffMax  time.Duration // 0 means 10 s
	Exhausted   Directive     // when the budget is spent: DirectiveStop (default) or DirectiveEscalate
	// Decide overrides the directive for one failure; nil restarts. It runs on the supervisor's turn: it must not block.
	Decide func(Failure) Directive
}

func (s Strategy) withDefaults() Strategy {
	if s.MaxRestarts == 0 {
		s.MaxRestarts = 10
	}
	if s.Window <= 0 {
		s.Window = time.Minute
	}
	if s.BackoffMin <= 0 {
		s.BackoffMin = 20 * time.Millisecond
	}
	if s.BackoffMax <= 0 {
		s.BackoffMax = 10 * time.Second
	}
	s.BackoffMax = max(s.BackoffMax, s.BackoffMin)
	return s
}

// backoff is the delay before restart n (from 1): doubling from BackoffMin, capped at BackoffMax, then shortened by a
// random part of up to a fifth so that actors that failed together do not come back together.
func (s Strategy) backoff(n int, random func() float64) time.Duration {
	d := s.BackoffMin
	for i := 1; i < n && d < s.BackoffMax; i++ {
		d *= 2
	}
	d = min(d, s.BackoffMax)
	return d - time.Duration(random()*float64(d)/5)
}

// decide calls the user's function; if that fails itself, the default applies.
func (s Strategy) decide(f Failure) (d Directive) {
	defer func() {
		if recover() != nil {
			d = DirectiveDefault
		}
	}()
	return s.Decide(f)
}

// restarts counts the failures of one child; owned by its supervisor.
type restarts struct {
	times []time.Time // failures within the window, oldest first
	row   int         // failures since the last quiet window
}

// fail records a failure at now and decides. s has its defaults.
func (r *restarts) fail(now time.Time, s Strategy, f Failure) (Directive, time.Duration) {
	keep := r.times[:0]
	for _, t := range r.times {
		if now.Sub(t) < s.Window {
			keep = append(keep, t)
		}
	}
	if len(keep) == 0 {
		r.row = 0
	}
	r.times = append(keep, now)
	r.row++
	f.Restarts = len(r.times)
	d := DirectiveDefault
	if s.Decide != nil {
		d = s.decide(f)
	}
	if d != DirectiveDefault && d != DirectiveRestart {
		return d, 0
	}
	if s.MaxRestarts >= 0 && len(r.times) > s.MaxRestarts {
		if s.Exhausted == DirectiveEscalate {
			return DirectiveEscalate, 0
		}
		return DirectiveStop, 0
	}
	if s.MaxRestarts < 0 && len(r.times) > 64 { // without a budget the history serves nothing but the quiet-window test
		r.times = append(r.times[:0], r.times[len(r.times)-1])
	}
	return DirectiveRestart, s.backoff(r.row, rand.Float64)
}

// limits are what the place of a failed actor makes of the directive.
type limits struct {
	top      bool // nobody is above its supervisor, which is the root: the subtree restarts instead
	leaving  bool // poisoned: it has to work off its queue before a deadline, and its end is no matter for those above
	starting bool // it failed to start, and would again
	renewed  bool // its supervisor has renewed it since: it has a new incarnation, or gets it at once
}

// apply returns what is done, and after how long. backoff is the delay of a restart that was not decided as one.
func (l limits) apply(d Directive, delay, backoff time.Duration) (Directive, time.Duration) {
	switch again := d == DirectiveRestart || d == DirectiveEscalate; {
	case again && l.leaving && l.starting:
		return DirectiveStop, 0
	case again && (l.leaving || l.renewed):
		return DirectiveRestart, 0
	case l.top && d == DirectiveEscalate:
		return DirectiveRestart, backoff
	}
	return d, delay
}

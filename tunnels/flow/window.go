package flow

import "time"

const (
	// FirstWindow is the window that a receiver begins with, in bytes, if it may be so
	// large.
	FirstWindow = 1 << 20
	// Near is the round trip below which a window does not grow: the first one then
	// lasts for two gigabytes a second and more.
	Near = 500 * time.Microsecond
	// shortTrips is how many round trips a window lasts at least if it is long enough.
	// Where the sender does nothing but wait for credit it lasts one, or up to two
	// since credit comes by half windows.
	shortTrips = 3
)

// First is what a receiver whose window may become most bytes grants at first.
func First(most int) uint64 { return min(clamp(most), FirstWindow) }

func clamp(window int) uint64 { return uint64(min(max(window, MinWindow), MaxWindow)) }

// pace finds out whether a window is too short for the round trip: a whole one was
// granted, and is again, within so few of them that the sender must have waited.
//
//	what holds the sender up    a window lasts    the window
//	credit                      1 to 2 trips      doubles
//	a path that is full         more, the longer  stays
//	the application             the window is     stays
//
// What waits on the way must not count as round trip: a larger window only makes it
// wait longer, and would justify itself.
type pace struct {
	since   time.Time // when the window that is being measured began; zero: none has
	granted uint64    // of it
}

// short accounts for n bytes that are granted now. Its result is
// meant for a window that is measured as a whole, so it is false in between.
func (p *pace) short(now time.Time, rtt time.Duration, n, window uint64) bool {
	if p.since.IsZero() {
		p.since = now
		return false
	}
	if p.granted += n; p.granted < window {
		return false
	}
	took := now.Sub(p.since)
	p.since, p.granted = now, 0
	return rtt >= Near && took < shortTrips*rtt
}

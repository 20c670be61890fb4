package transport

import "time"

// Stalled returns for how long the peer has shown no sign that it will take what lane
// n has for it: the lane's stream took nothing, nor did that of large frames beside it, and
// no packet came. A round trip is allowed for. 0 means that lane n has nothing to
// write, or goes on. It costs a microsecond at most; that packets came is noticed from one call
// to the next, so who waits for a lane calls it now and then.
func (l *Link) Stalled(n Lane) time.Duration {
	d, busy := l.lanes[n].stalled()
	if b, bulky := l.lanes[Bulk].stalled(); bulky && (!busy || b < d) {
		d = b
	}
	if d == 0 {
		return 0
	}
	return max(min(d, l.silence())-l.conn.ConnectionStats().SmoothedRTT, 0)
}

// heard is how many packets had come from a peer at some time.
type heard struct {
	packets uint64
	at      time.Time
}

// silence returns for how long it is known that no packet came.
func (l *Link) silence() time.Duration {
	now, packets := time.Now(), l.conn.ConnectionStats().PacketsReceived
	l.mu.Lock()
	defer l.mu.Unlock()
	if packets != l.heard.packets {
		l.heard = heard{packets, now}
	}
	return now.Sub(l.heard.at)
}

// begin notes that a write begins, and returns the time.
func (l *lane) begin() time.Time {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = now
	return now
}

// stalled returns for how long the write under way has lasted, if there is one.
func (l *lane) stalled() (d time.Duration, busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun.IsZero() {
		return 0, false
	}
	return time.Since(l.begun), true
}

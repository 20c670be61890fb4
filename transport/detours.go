package transport

import (
	"sync"
	"time"

	"iris/internal/id"
)

const (
	// briefDetour is how long a peer is spared whose socket for tunnels answered that
	// it takes nobody just now.
	briefDetour = time.Second
	// A peer that hides it is tried again after firstDetour, then after twice as long
	// each time, up to longestDetour.
	firstDetour   = time.Minute
	longestDetour = time.Hour
)

// detours remembers the peers whose socket for tunnels could not be reached, also beyond
// the end of a link. Its methods may be called from any goroutine.
type detours struct {
	max int // peers; of more nothing is remembered

	mu    sync.Mutex // guards the following field
	peers map[id.ID]detour
}

type detour struct {
	until time.Time
	next  time.Duration // how long another one would be
}

func newDetours(most int) *detours { return &detours{max: most, peers: make(map[id.ID]detour)} }

// on reports whether the socket of n is not to be tried now.
func (d *detours) on(n id.ID, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.peers[n].until)
}

// hidden begins a detour for a peer that did not answer.
func (d *detours) hidden(n id.ID, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	took := max(d.peers[n].next, firstDetour)
	d.put(n, detour{now.Add(took), min(2*took, longestDetour)}, now)
}

// refused begins a short one, for a peer that did.
func (d *detours) refused(n id.ID, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(n, detour{now.Add(briefDetour), d.peers[n].next}, now)
}

// over forgets what was remembered of n.
func (d *detours) over(n id.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.peers, n)
}

// put makes room by forgetting detours that have ended. The caller holds mu.
func (d *detours) put(n id.ID, x detour, now time.Time) {
	if _, known := d.peers[n]; !known && len(d.peers) >= d.max {
		for peer, old := range d.peers {
			if !now.Before(old.until) {
				delete(d.peers, peer)
			}
		}
		if len(d.peers) >= d.max {
			return
		}
	}
	d.peers[n] = x
}

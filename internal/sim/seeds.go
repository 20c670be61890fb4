package sim

import (
	"slices"

	"iris/router/pastry"
)

// start lets a node join through random active ones.
func (w *World) start(h pastry.Handle) pastry.Handle {
	e := pastry.Event{Kind: pastry.Start}
	for range min(2, len(w.ring)) {
		e.Seeds = append(e.Seeds, w.ring[w.rng.IntN(len(w.ring))])
	}
	w.joining[h] = e.Seeds
	w.step(h, &e)
	return h
}

// rescue gives other seeds to nodes whose seeds all crashed before they were active,
// as discovery does: alone they would search for ever.
func (w *World) rescue() {
	if len(w.joining) == 0 || len(w.ring) == 0 {
		return
	}
	lives := func(h pastry.Handle) bool { return w.members[h].node != nil }
	for _, h := range w.alive {
		seeds := w.joining[h]
		if len(seeds) > 0 && w.members[h].paused <= w.now && !slices.ContainsFunc(seeds, lives) {
			w.start(h)
		}
	}
}

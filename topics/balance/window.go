package balance

import "slices"

// windowSize is how many recent rifs the hot limit is taken from.
const windowSize = 128

// window keeps the latest rifs per member and a quantile of them, recomputed
// every windowSize/8 additions: the limit moves slowly and a pick stays cheap.
type window struct {
	ring   [windowSize]float64
	n      int // additions so far
	cached float64
	stale  int
}

func (w *window) add(v float64) {
	w.ring[w.n%windowSize] = v
	w.n++
	w.stale++
}

// quantile returns the q-quantile of the window, 0 while it is empty.
func (w *window) quantile(q float64) float64 {
	if w.n == 0 {
		return 0
	}
	if w.stale >= windowSize/8 || w.stale >= w.n {
		var buf [windowSize]float64
		s := buf[:copy(buf[:], w.ring[:min(w.n, windowSize)])]
		slices.Sort(s)
		w.cached = s[int(q*float64(len(s)-1))]
		w.stale = 0
	}
	return w.cached
}

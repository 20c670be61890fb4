package reliable

// window remembers which of the seqs above low were had, in a bitmap of fixed
// size. All up to low count as had.
type window struct {
	low  uint64
	bits []uint64 // bit seq mod size; only seqs in (low, low+size] may be set
}

func newWindow(size int) window { return window{bits: make([]uint64, size/64)} }

func (w *window) size() uint64 { return uint64(len(w.bits)) * 64 }

// fits reports whether seq can be set without moving low.
func (w *window) fits(seq uint64) bool { return seq-w.low <= w.size() }

func (w *window) has(seq uint64) bool {
	if seq <= w.low {
		return true
	}
	i := seq % w.size()
	return w.fits(seq) && w.bits[i/64]>>(i%64)&1 == 1
}

// set notes seq, which must be above low and fit.
func (w *window) set(seq uint64) {
	i := seq % w.size()
	w.bits[i/64] |= 1 << (i % 64)
}

// next moves low over the next seq if that was had.
func (w *window) next() bool {
	if !w.has(w.low + 1) {
		return false
	}
	i := (w.low + 1) % w.size()
	w.bits[i/64] &^= 1 << (i % 64)
	w.low++
	return true
}

// skip moves low over the missing seqs up to, at most, upto; it returns how far.
func (w *window) skip(upto uint64) uint64 {
	for w.low < upto && !w.has(w.low+1) {
		if w.empty() {
			w.low = upto
			break
		}
		w.low++
	}
	return w.low
}

func (w *window) empty() bool {
	for _, b := range w.bits {
		if b != 0 {
			return false
		}
	}
	return true
}

// skipTo moves low to seq, had or not.
func (w *window) skipTo(seq uint64) {
	if seq-w.low >= w.size() {
		clear(w.bits)
		w.low = seq
		return
	}
	for w.low < seq {
		w.low++
		i := w.low % w.size()
		w.bits[i/64] &^= 1 << (i % 64)
	}
}

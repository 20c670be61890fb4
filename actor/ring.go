package actor

// ring is a growing FIFO of messages that gives memory back after a burst. The zero value is empty. Not safe for
// concurrent use.
//
// Invariants: len(buf) is 0 or a power of two; n <= len(buf); all slots outside the queue are nil.
type ring struct {
	buf  []any
	head int // index of the oldest
	n    int
}

const (
	ringMin  = 2   // most actors are idle most of the time
	ringKeep = 512 // slots an empty ring may hold on to
)

func (r *ring) push(v any) {
	if r.n == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = v
	r.n++
}

// pop returns nil if the ring is empty.
func (r *ring) pop() any {
	if r.n == 0 {
		return nil
	}
	v := r.buf[r.head]
	r.buf[r.head] = nil
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	return v
}

// fit gives the memory of an empty ring back if it is much more than what n messages need. Who calls it whenever the ring
// is empty keeps its size while it is busy, and not after a burst.
func (r *ring) fit(n int) {
	if len(r.buf) > ringKeep && n < len(r.buf)/8 {
		*r = ring{}
	}
}

func (r *ring) grow() {
	buf := make([]any, max(ringMin, 2*len(r.buf)))
	for i := range r.n {
		buf[i] = r.buf[(r.head+i)&(len(r.buf)-1)]
	}
	r.buf, r.head = buf, 0
}

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
	ringMin  = 8
	ringKeep = 512 // slots an empty ring may hold on to
)

func (r *ring) push(v any) {
	if r.n == len(r.buf) {
		r.resize(max(ringMin, 2*len(r.buf)))
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
	if len(r.buf) > ringKeep && r.n < len(r.buf)/8 {
		r.resize(len(r.buf) / 4)
	}
	return v
}

func (r *ring) resize(size int) {
	buf := make([]any, size)
	for i := range r.n {
		buf[i] = r.buf[(r.head+i)&(len(r.buf)-1)]
	}
	r.buf, r.head = buf, 0
}

package wire

// keepSize is the least size of a frame for Keep: below it a copy costs less than
// another buffer.
const keepSize = 32 << 10

// Keep makes the bytes of the frame that Next returned last the caller's own, to use
// for as long as it likes: the Reader goes on with another buffer. It reports false,
// and does nothing, for frames of less than 32 KiB and those that fill less than half
// of a buffer: of these the caller takes a copy. Call it before the next call of Next.
func (r *Reader) Keep() bool {
	if r.last < keepSize || 2*r.last < len(r.buf) {
		return false
	}
	rest := r.buf[r.rd:r.wr]
	size := max(len(rest), batchSize)
	if n, _ := r.measure(); n <= r.last { // another such frame begins: the peer has just shown that it sends them
		size = max(size, n)
	}
	r.buf = room(size)
	copy(r.buf, rest)
	r.rd, r.wr, r.last, r.full = 0, len(rest), 0, false
	return true
}

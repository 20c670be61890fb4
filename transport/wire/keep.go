package wire

// keepSize is the least size of a frame for Keep: below it a copy costs less than
// another buffer.
const keepSize = 32 << 10

// Keep makes the bytes of the frame that Next returned last the caller's own, to use
// for as long as it likes: the Reader goes on with another buffer. n is how many of them
// it is about. It reports false, and does nothing, if these are less than 32 KiB or less
// than half of the buffer, which stays in memory with them: of these the caller takes a copy.
// Call it before the next call of Next.
func (r *Reader) Keep(n int) bool {
	if n < keepSize || n > r.last || 2*n < len(r.buf) {
		return false
	}
	rest := r.buf[r.rd:r.wr]
	size := max(len(rest), batchSize)
	if next, _ := r.measure(); next <= r.last { // another such frame begins: the peer has just shown that it sends them
		size = max(size, next)
	}
	r.buf = room(size)
	copy(r.buf, rest)
	r.rd, r.wr, r.last, r.full = 0, len(rest), 0, false
	return true
}

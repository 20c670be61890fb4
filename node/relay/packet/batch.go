package packet

import "slices"

// Kept is the size in octets from which on a Batch does not copy a payload: it is
// cheaper to hand to the system as it is.
const Kept = 8 << 10

const (
	// maxSpare is the most memory that an empty batch holds for the next one.
	maxSpare = 1 << 20
)

// Batch collects packets for one write to the connection. Payloads of Kept octets
// and more are kept and not copied; they must not change until Reset. The zero
// value is an empty batch.
type Batch struct {
	buf   []byte
	kept  []kept
	size  int
	parts [][]byte
}

// kept is a payload that belongs before buf[at:].
type kept struct {
	at      int
	payload []byte
}

// Add adds the octets of p at the end, under the conditions of Append.
func (b *Batch) Add(p Packet) {
	before := len(b.buf)
	out := output{head: b.buf}
	out.packet(p)
	if len(out.payload) < Kept {
		out.head = append(out.head, out.payload...)
	} else {
		b.kept = append(b.kept, kept{len(out.head), out.payload})
		b.size += len(out.payload)
	}
	b.buf = append(out.head, out.tail[:out.tailLen]...)
	b.size += len(b.buf) - before
}

// Like makes room for what another batch holds and a little more, so that one that
// follows it in a burst need not grow.
func (b *Batch) Like(other *Batch) {
	n := len(other.buf)
	b.buf = slices.Grow(b.buf, n+n/8)
}

// Len returns the number of octets in the batch.
func (b *Batch) Len() int { return b.size }

// Buffers returns the octets of the batch in order, as net.Buffers wants them.
// The slices are valid until the next Add or Reset; the outer one may be
// consumed.
func (b *Batch) Buffers() [][]byte {
	b.parts = b.parts[:0]
	at := 0
	for _, k := range b.kept {
		b.parts = append(b.parts, b.buf[at:k.at], k.payload)
		at = k.at
	}
	if at < len(b.buf) {
		b.parts = append(b.parts, b.buf[at:])
	}
	return b.parts
}

// Reset empties the batch. It lets go of payloads, and of its own memory where
// that is more than 1 MiB, or more than 64 KiB and the batch needed less than a
// quarter of it.
func (b *Batch) Reset() {
	if n := cap(b.buf); n > maxSpare || n > maxBuffer && len(b.buf) < n/4 {
		b.buf = nil
	}
	clear(b.kept)
	clear(b.parts[:cap(b.parts)])
	b.kept, b.parts, b.size = b.kept[:0], b.parts[:0], 0
	b.buf = b.buf[:0]
	if cap(b.kept) > maxBuffer/Kept {
		b.kept, b.parts = nil, nil
	}
}

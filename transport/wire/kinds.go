package wire

import (
	"encoding/binary"
	"iter"
)

// Kinds yields the kinds of the frames that a Writer has put into b, in their order,
// without reading what is in them. It ends where b does not hold whole frames.
func Kinds(b []byte) iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for len(b) > 0 {
			size, n := binary.Uvarint(b)
			if n <= 0 || size < 2 || size > uint64(len(b)-n) {
				return
			}
			frame := b[n : n+int(size)]
			b = b[n+int(size):]
			k := frame[1] // behind the head of the array
			if k >= 0x80 && size > 2 {
				k = frame[2] // behind the mark of an uint8
			}
			if !yield(Kind(k)) {
				return
			}
		}
	}
}

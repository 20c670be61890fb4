package wire

import "sync"

// rooms are the sizes of the buffers that Readers share, each about twice that before:
// a batch of small frames, and frames with payloads of 64, 128, 256 and 512 KiB and
// 1 MiB.
var rooms = [...]int{batchSize, 66 << 10, 132 << 10, 264 << 10, 528 << 10, 1056 << 10}

// lent are the buffers that no Reader uses, by size; what stays unused, the garbage
// collector takes. A large frame would otherwise cost more for its room than for its
// bytes, or every lane that ever had one would keep it.
var lent [len(rooms)]sync.Pool // of *[]byte

// room returns a buffer of at least n bytes, less than twice that and some.
func room(n int) []byte {
	if n < rooms[0] {
		return make([]byte, n)
	}
	for i, size := range rooms {
		if n <= size {
			if b, ok := lent[i].Get().(*[]byte); ok {
				return *b
			}
			return make([]byte, size)
		}
	}
	return make([]byte, n)
}

// giveBack takes a buffer of room that nobody uses any more.
func giveBack(b []byte) {
	for i, size := range rooms {
		if len(b) == size {
			lent[i].Put(&b)
			return
		}
	}
}

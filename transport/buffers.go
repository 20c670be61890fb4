package transport

import "sync"

const (
	// segment is the size in which a lane's buffer is handed to the writer. Room
	// for senders comes back in these steps.
	segment = 256 << 10
	// smallBuffer is the capacity up to which an idle lane keeps a buffer of its
	// own. A node has many links, and few of them are busy.
	smallBuffer = 4 << 10
)

// bufferSizes are the capacities of shared buffers; the largest holds a segment
// and the frame that completes it, unless that is large itself.
var bufferSizes = [...]int{16 << 10, 64 << 10, segment + 16<<10}

// buffers are lent to the lanes that have something to send. All lanes of an
// endpoint share one; what is not used for a while, the garbage collector takes.
type buffers struct {
	pools [len(bufferSizes)]sync.Pool // of *[]byte
}

// get returns an empty buffer with room for n bytes, or nil for an unusual n.
func (b *buffers) get(n int) []byte {
	for i, size := range bufferSizes {
		if n <= size {
			if buf, ok := b.pools[i].Get().(*[]byte); ok {
				return (*buf)[:0]
			}
			return make([]byte, 0, size)
		}
	}
	return nil
}

// put takes a buffer back. One that has outgrown the largest size held an
// unusual frame; it is dropped.
func (b *buffers) put(buf []byte) {
	for i := len(bufferSizes) - 1; i >= 0; i-- {
		if size := bufferSizes[i]; cap(buf) >= size {
			if cap(buf) <= 2*size {
				b.pools[i].Put(&buf)
			}
			return
		}
	}
}

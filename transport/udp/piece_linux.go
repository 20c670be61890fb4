package udp

import (
	"encoding/binary"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	// pieceSize is the largest piece that the kernel hands over; of a larger one the
	// rest would be lost.
	pieceSize = 64 << 10
	// slabPieces is how many pieces one system call brings at most. From many senders,
	// none of whom is fast, a piece is one packet.
	slabPieces = 4
	// marksSize is the room for what the kernel says of a piece: 128 bytes as quic-go
	// has, and the size of its packets.
	marksSize = 128 + 24
)

// slab is where pieces are received.
type slab struct {
	pieces [slabPieces]ipv4.Message
}

// slabs are lent to the sockets of the process while they take pieces apart.
var slabs = sync.Pool{New: func() any {
	s := new(slab)
	data, marks := make([]byte, slabPieces*pieceSize), make([]byte, slabPieces*marksSize)
	for i := range s.pieces {
		m := &s.pieces[i]
		m.Buffers = [][]byte{data[i*pieceSize:][:pieceSize:pieceSize]}
		m.OOB = marks[i*marksSize:][:marksSize:marksSize]
	}
	return s
}}

// cutter takes the pieces of a slab apart.
type cutter struct {
	pieces []ipv4.Message // not taken apart yet; of the first, what is before offset is
	offset int
	packet int // size of the first piece's packets, the last of which may be shorter
}

// empty reports whether every packet was taken.
func (c *cutter) empty() bool { return len(c.pieces) == 0 }

// begin starts with pieces that were received.
func (c *cutter) begin(pieces []ipv4.Message) {
	c.pieces = pieces
	c.measure()
}

func (c *cutter) measure() {
	c.offset = 0
	if len(c.pieces) > 0 {
		c.packet = unmark(&c.pieces[0])
	}
}

// take fills ms with one packet each and returns how many there were. Of a packet
// that is larger than its buffer the rest is lost, as with any datagram.
func (c *cutter) take(ms []ipv4.Message) int {
	n := 0
	for n < len(ms) && len(c.pieces) > 0 {
		piece, m := &c.pieces[0], &ms[n]
		end := min(c.offset+c.packet, piece.N)
		m.N = copy(m.Buffers[0], piece.Buffers[0][c.offset:end])
		m.NN = copy(m.OOB, piece.OOB[:piece.NN])
		m.Addr, m.Flags = piece.Addr, piece.Flags
		n++
		if c.offset = end; end == piece.N {
			c.pieces = c.pieces[1:]
			c.measure()
		}
	}
	return n
}

// unmark takes the size of the packets in m out of its marks and returns it; a piece
// without this mark is one packet. The marks that stay are those that each of the
// packets would have had.
func unmark(m *ipv4.Message) (size int) {
	size = m.N
	for at := 0; at < m.NN; {
		marks := m.OOB[at:m.NN]
		hdr, body, rest, err := unix.ParseOneSocketControlMessage(marks)
		if err != nil {
			break
		}
		if hdr.Level == unix.IPPROTO_UDP && hdr.Type == unix.UDP_GRO && len(body) >= 4 {
			if n := int(int32(binary.NativeEndian.Uint32(body))); n > 0 {
				size = n
			}
			m.NN = at + copy(marks, rest)
			continue
		}
		at = m.NN - len(rest)
	}
	return size
}

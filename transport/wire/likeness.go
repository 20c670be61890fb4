package wire

import (
	"bytes"
	"encoding/binary"
)

// likeness is the latest event or broadcast of a lane. Most are followed by others to
// the same name, of the same type: then all bytes are the same but those of the data,
// and comparing them costs a fraction of reading them.
//
//	head: kind, name, type │ length, data │ tail: trace, ...
//
// It is noted for frames that left the dictionary as it was, for only then the same
// bytes mean the same again.
type likeness struct {
	frame Frame   // nil: there is none
	data  *[]byte // of frame
	head  []byte
	tail  []byte
	first edge // of head
	last  edge // of tail
}

// edge is the eight bytes at one end of a frame, as far as they belong to its head or tail:
// mostly that is all of it.
type edge struct{ mask, bits uint64 }

const edgeSize = 8

// at reports whether b begins with the edge.
func (e edge) at(b []byte) bool { return binary.LittleEndian.Uint64(b)&e.mask == e.bits }

func edgeOf(b []byte, mask uint64) edge { return edge{mask, binary.LittleEndian.Uint64(b) & mask} }

// maxLikeness bounds the bytes that are compared.
const maxLikeness = 64

// note remembers f, read from b, whose data begin at data and end before rest.
func (l *likeness) note(f Frame, b []byte, data, rest int) {
	if l.data = bodyOf(f); l.data == nil || data+len(b)-rest > maxLikeness || len(b) < edgeSize {
		return
	}
	l.frame = f
	l.head, l.tail = append(l.head[:0], b[:data]...), append(l.tail[:0], b[rest:]...)
	l.first = edgeOf(b, ^uint64(0)>>(64-8*min(len(l.head), edgeSize)))
	l.last = edgeOf(b[len(b)-edgeSize:], ^uint64(0)<<(64-8*min(len(l.tail), edgeSize)))
}

func bodyOf(f Frame) *[]byte {
	switch f := f.(type) {
	case *Event:
		return &f.Body.Data
	case *Broadcast:
		return &f.Body.Data
	}
	return nil
}

// fill makes the noted frame that of b, if it is like it; nil otherwise.
func (l *likeness) fill(b []byte) Frame {
	at := len(l.head)
	if l.frame == nil || len(b) < at+5 || len(b) < edgeSize || !l.first.at(b) || !l.last.at(b[len(b)-edgeSize:]) {
		return nil
	}
	var n int
	switch b[at] {
	case 0xc4:
		n, at = int(b[at+1]), at+2
	case 0xc5:
		n, at = int(binary.BigEndian.Uint16(b[at+1:])), at+3
	default:
		return nil
	}
	end := len(b) - len(l.tail)
	if n == 0 || at+n != end {
		return nil
	}
	if len(l.head) > edgeSize && !bytes.Equal(b[:len(l.head)], l.head) || len(l.tail) > edgeSize && !bytes.Equal(b[end:], l.tail) {
		return nil
	}
	*l.data = b[at:end:end]
	return l.frame
}

package wire

import (
	"encoding/binary"
	"math"

	"iris/internal/bounds"
	"iris/internal/id"
)

// The reads of a frame's values, in the order of its fields. Each checks before
// it takes, and returns a zero value once something has failed.

// next consumes the type byte of the next value of the array being read.
func (r *Reader) next() (c byte, ok bool) {
	switch {
	case r.reason != "":
		return 0, false
	case r.left == 0:
		r.fail(reasonMissing)
		return 0, false
	case r.at == len(r.frame):
		r.fail(reasonCut)
		return 0, false
	}
	r.left--
	c = r.frame[r.at]
	r.at++
	return c, true
}

// bytes consumes the next n bytes; nil if there are not that many.
func (r *Reader) bytes(n uint64) []byte {
	if n > uint64(len(r.frame)-r.at) {
		r.fail(reasonCut)
		return nil
	}
	b := r.frame[r.at : r.at+int(n) : r.at+int(n)]
	r.at += int(n)
	return b
}

// number consumes a big endian number of the given width.
func (r *Reader) number(width uint64) uint64 {
	b := r.bytes(width)
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// uintFrom finishes an integer whose type byte is c. Any msgpack integer that
// is not negative will do, whatever its width.
func (r *Reader) uintFrom(c byte, limit uint64) uint64 {
	var v uint64
	switch {
	case c <= 0x7f:
		v = uint64(c)
	case c >= 0xcc && c <= 0xcf: // uint8, 16, 32, 64
		v = r.number(1 << (c - 0xcc))
	case c >= 0xd0 && c <= 0xd3: // int8, 16, 32, 64
		width := uint64(1) << (c - 0xd0)
		v = r.number(width)
		if v>>(8*width-1) != 0 {
			r.fail(reasonRange)
		}
	case c >= 0xe0: // negative fixint
		r.fail(reasonRange)
	default:
		r.fail(reasonType)
	}
	if v > limit {
		r.fail(reasonRange)
	}
	if r.reason != "" {
		return 0
	}
	return v
}

func (r *Reader) uintUpTo(limit uint64) uint64 {
	c, ok := r.next()
	if !ok {
		return 0
	}
	return r.uintFrom(c, limit)
}

func (r *Reader) uint8() uint8   { return uint8(r.uintUpTo(math.MaxUint8)) }
func (r *Reader) uint16() uint16 { return uint16(r.uintUpTo(math.MaxUint16)) }
func (r *Reader) uint32() uint32 { return uint32(r.uintUpTo(math.MaxUint32)) }
func (r *Reader) uint64() uint64 { return r.uintUpTo(math.MaxUint64) }

// more reports whether the array being read has a field that an older peer
// leaves out.
func (r *Reader) more() bool { return r.reason == "" && r.left > 0 }

// optUint8 returns 0 for a field that an older peer leaves out.
func (r *Reader) optUint8() uint8 {
	if !r.more() {
		return 0
	}
	return r.uint8()
}

func (r *Reader) optUint16() uint16 {
	if !r.more() {
		return 0
	}
	return r.uint16()
}

func (r *Reader) bool() bool {
	c, ok := r.next()
	if ok && c != 0xc2 && c != 0xc3 {
		r.fail(reasonType)
	}
	return c == 0xc3
}

// null consumes a nil if that is what comes next.
func (r *Reader) null() bool {
	if r.reason != "" || r.left == 0 || r.at == len(r.frame) || r.frame[r.at] != 0xc0 {
		return false
	}
	r.left--
	r.at++
	return true
}

func (r *Reader) id() id.ID {
	c, ok := r.next()
	if !ok || c == 0xc0 {
		return id.ID{}
	}
	b := r.binFrom(c, id.Size)
	if r.reason == "" && len(b) != id.Size {
		r.fail(reasonRange)
	}
	if r.reason != "" {
		return id.ID{}
	}
	return id.FromBytes([id.Size]byte(b))
}

// bin returns a payload of at most limit bytes, a part of the frame's memory;
// nil if it is empty.
func (r *Reader) bin(limit int) []byte {
	c, ok := r.next()
	if !ok {
		return nil
	}
	return r.binFrom(c, limit)
}

func (r *Reader) binFrom(c byte, limit int) []byte {
	if c < 0xc4 || c > 0xc6 {
		r.fail(reasonType)
		return nil
	}
	n := r.number(1 << (c - 0xc4))
	if n > uint64(limit) {
		r.fail(reasonLong)
	}
	if r.reason != "" || n == 0 {
		return nil
	}
	return r.bytes(n)
}

// open enters an array. What it returns goes to close.
func (r *Reader) open() (outer int) {
	_, outer = r.list(math.MaxInt, 1)
	return outer
}

// list enters an array of at most limit elements, each at least least bytes
// long, and returns their number.
func (r *Reader) list(limit, least int) (n, outer int) {
	c, ok := r.next()
	outer = r.left
	r.left = 0
	if !ok {
		return 0, outer
	}
	var count uint64
	switch {
	case c >= 0x90 && c <= 0x9f:
		count = uint64(c & 0x0f)
	case c == 0xdc:
		count = r.number(2)
	case c == 0xdd:
		count = r.number(4)
	default:
		r.fail(reasonType)
	}
	if count > uint64(limit) {
		r.fail(reasonCount)
	} else if count > uint64(len(r.frame)-r.at)/uint64(least) {
		r.fail(reasonCut)
	}
	if r.reason != "" {
		return 0, outer
	}
	r.left = int(count)
	return r.left, outer
}

// close leaves the array that open or list entered. Elements that were not
// read belong to a later version of the protocol and are passed over.
func (r *Reader) close(outer int) {
	if r.reason == "" && r.left > 0 {
		n, err := bounds.Skip(r.frame[r.at:], r.left)
		if err != nil {
			r.fail(reasonExtra)
		}
		r.at += n
	}
	r.left = outer
}

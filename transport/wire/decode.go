package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"iris/internal/bounds"
	"iris/internal/id"
)

// Reasons of a ProtocolError.
const (
	reasonEOF      = "stream ends inside a frame"
	reasonPrefix   = "length prefix is too long"
	reasonTooLarge = "frame exceeds the limit"
	reasonEmpty    = "frame is empty"
	reasonShape    = "frame is not an array that begins with its kind"
	reasonKind     = "unknown kind"
	reasonMissing  = "missing field"
	reasonCut      = "frame ends inside a field"
	reasonTrailing = "bytes after the frame's array"
	reasonExtra    = "unknown field is malformed"
	reasonType     = "field has the wrong type"
	reasonRange    = "field is out of range"
	reasonCount    = "too many elements"
	reasonIndex    = "name index was never defined"
	reasonLong     = "data is too long"
)

// decode parses one frame from b, which must hold nothing else. known is false
// for a kind to be skipped. A failure is left in r.err.
func (r *Reader) decode(b []byte) (f Frame, known bool) {
	r.frame, r.at, r.kind, r.reason = b, 0, 0, ""
	r.left = 1
	r.open()
	k := r.uintUpTo(math.MaxUint64)
	if r.reason != "" {
		r.err = &ProtocolError{Reason: reasonShape}
		return nil, false
	}
	if k > math.MaxUint8 {
		r.skipped++
		return nil, false
	}
	if f = r.take(Kind(k)); f == nil {
		r.skipped++
		return nil, false
	}
	r.kind = Kind(k)
	f.parse(r)
	r.close(0)
	if r.at != len(b) {
		r.fail(reasonTrailing)
	}
	r.frame = nil
	if r.reason != "" {
		r.err = &ProtocolError{Kind: r.kind, Reason: r.reason}
		return nil, true
	}
	return f, true
}

// take returns the frame of kind k to fill, or nil if there is no such kind.
func (r *Reader) take(k Kind) Frame {
	if int(k) < len(r.frames) && r.frames[k] != nil {
		return r.frames[k]
	}
	f := New(k)
	if f != nil && !r.plain {
		if n := int(k) + 1 - len(r.frames); n > 0 {
			r.frames = append(r.frames, make([]Frame, n)...)
		}
		r.frames[k] = f
	}
	return f
}

// fail records why the frame is refused; the first reason stays. Every read
// after it returns a zero value.
func (r *Reader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
}

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

// strFrom finishes a str whose type byte is c, of at most limit bytes.
func (r *Reader) strFrom(c byte, limit int) []byte {
	var n uint64
	switch {
	case c >= 0xa0 && c <= 0xbf:
		n = uint64(c & 0x1f)
	case c >= 0xd9 && c <= 0xdb:
		n = r.number(1 << (c - 0xd9))
	default:
		r.fail(reasonType)
	}
	if n > uint64(limit) {
		r.fail(reasonTooLong)
	}
	if r.reason != "" {
		return nil
	}
	return r.bytes(n)
}

func (r *Reader) text() string {
	c, ok := r.next()
	if !ok {
		return ""
	}
	b := r.strFrom(c, MaxText)
	if !utf8.Valid(b) {
		r.fail(reasonUTF8)
		return ""
	}
	return string(b)
}

func (r *Reader) label() string {
	c, ok := r.next()
	if !ok {
		return ""
	}
	return r.labelFrom(c, MaxName)
}

func (r *Reader) labelFrom(c byte, limit int) string {
	b := r.strFrom(c, limit)
	if reason := checkLabel(b, limit); reason != "" {
		r.fail(reason)
	}
	if r.reason != "" {
		return ""
	}
	return string(b)
}

func (r *Reader) addrs() []string {
	n, outer := r.list(MaxAddrs, 1)
	var addrs []string
	if n > 0 {
		addrs = make([]string, n)
	}
	for i := range addrs {
		addrs[i] = r.label()
	}
	r.close(outer)
	return addrs
}

func (r *Reader) name() string     { return r.intern(MaxName, false) }
func (r *Reader) optName() string  { return r.intern(MaxName, true) }
func (r *Reader) actor() string    { return r.intern(MaxActor, false) }
func (r *Reader) optActor() string { return r.intern(MaxActor, true) }

// intern returns a name, by index from the dictionary or as a literal, which
// enters the dictionary by the rule of Writer.intern.
func (r *Reader) intern(limit int, optional bool) string {
	c, ok := r.next()
	if !ok {
		return ""
	}
	if c < 0xa0 || c > 0xbf && c < 0xd9 { // an integer, if the frame is right
		i := r.uintFrom(c, MaxNames-1)
		if r.reason == "" && i >= uint64(len(r.names)) {
			r.fail(reasonIndex)
		}
		if r.reason != "" {
			return ""
		}
		return r.names[i]
	}
	s := r.labelFrom(c, limit)
	if s == "" {
		if !optional {
			r.fail(reasonNameEmpty)
		}
		return ""
	}
	if !r.plain && len(s) <= MaxName && len(r.names) < MaxNames {
		r.names = append(r.names, s)
	}
	return s
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

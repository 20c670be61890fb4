package bounds

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

const (
	// MaxDepth is the number of arrays and maps that may contain one another.
	MaxDepth = 32

	// MaxElements is the number of values in one message: the value itself,
	// array elements, map keys and map values at every level.
	MaxElements = 1 << 20
)

// Error says which rule a value breaks and where.
type Error struct {
	Reason string // constant text, fit for a metric label
	Offset int    // index of the byte that begins the offending value
}

func (e *Error) Error() string {
	return fmt.Sprintf("msgpack: %s at byte %d", e.Reason, e.Offset)
}

// Reasons of an Error. They are constants so that refusing a hostile value
// costs one small allocation and no formatting.
const (
	reasonTruncated = "value is cut off"
	reasonTrailing  = "bytes after the value"
	reasonDepth     = "nested too deeply"
	reasonElements  = "too many elements"
	reasonLength    = "claimed length exceeds the bytes left"
	reasonUTF8      = "string is not valid UTF-8"
	reasonReserved  = "reserved type byte"
)

// Check reports whether msg is exactly one well-formed msgpack value within
// the package's bounds. It never panics, never blocks and allocates only the
// *Error it returns. Time is linear in len(msg).
func Check(msg []byte) error {
	n, err := Skip(msg, 1)
	if err == nil && n != len(msg) {
		return &Error{reasonTrailing, n}
	}
	return err
}

// Skip returns the length of the first count values of msg, under the rules of
// Check but for what follows them.
func Skip(msg []byte, count int) (n int, err error) {
	// left[d] counts the values still due at depth d; left[0] is the message.
	var left [MaxDepth + 1]int
	left[0] = count
	depth, at, budget := 0, 0, MaxElements

	for {
		for left[depth] == 0 {
			if depth == 0 {
				return at, nil
			}
			depth--
		}
		left[depth]--
		if budget--; budget < 0 {
			return 0, &Error{reasonElements, at}
		}
		if at >= len(msg) {
			return 0, &Error{reasonTruncated, at}
		}

		head, body, kids, str, reason := measure(msg[at:])
		if reason != "" {
			return 0, &Error{reason, at}
		}
		rest := uint64(len(msg) - at - head)
		if body > rest {
			return 0, &Error{reasonLength, at}
		}
		if str && !utf8.Valid(msg[at+head:at+head+int(body)]) {
			return 0, &Error{reasonUTF8, at}
		}
		if kids > rest { // every element takes a byte or more
			return 0, &Error{reasonLength, at}
		}
		if kids > uint64(budget) {
			return 0, &Error{reasonElements, at}
		}
		if depth == MaxDepth && isContainer(msg[at]) {
			return 0, &Error{reasonDepth, at}
		}
		at += head + int(body)
		if kids > 0 {
			depth++
			left[depth] = int(kids)
		}
	}
}

// measure reads the header of the value at the front of b, which is not empty:
// head is the length of type byte and length field, body the bytes that follow
// them, kids the values an array or map contains.
func measure(b []byte) (head int, body, kids uint64, str bool, reason string) {
	c := b[0]
	switch {
	case c <= 0x7f || c >= 0xe0: // fixint
		return 1, 0, 0, false, ""
	case c <= 0x8f: // fixmap
		return 1, 0, 2 * uint64(c&0x0f), false, ""
	case c <= 0x9f: // fixarray
		return 1, 0, uint64(c & 0x0f), false, ""
	case c <= 0xbf: // fixstr
		return 1, uint64(c & 0x1f), 0, true, ""
	}

	switch c {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return 1, 0, 0, false, ""
	case 0xcc, 0xd0: // uint8, int8
		return 1, 1, 0, false, ""
	case 0xcd, 0xd1: // uint16, int16
		return 1, 2, 0, false, ""
	case 0xca, 0xce, 0xd2: // float32, uint32, int32
		return 1, 4, 0, false, ""
	case 0xcb, 0xcf, 0xd3: // float64, uint64, int64
		return 1, 8, 0, false, ""
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // fixext: kind byte and 1..16 bytes
		return 1, 1 + 1<<(c-0xd4), 0, false, ""
	case 0xc1:
		return 0, 0, 0, false, reasonReserved
	}

	// What is left carries a length of 1, 2 or 4 bytes.
	width := lengthWidth(c)
	if len(b) < 1+width {
		return 0, 0, 0, false, reasonTruncated
	}
	var n uint64
	switch width {
	case 1:
		n = uint64(b[1])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b[1:]))
	}
	head = 1 + width
	switch c {
	case 0xc7, 0xc8, 0xc9: // ext: the kind byte is not part of the length
		return head, n + 1, 0, false, ""
	case 0xd9, 0xda, 0xdb: // str
		return head, n, 0, true, ""
	case 0xdc, 0xdd: // array
		return head, 0, n, false, ""
	case 0xde, 0xdf: // map
		return head, 0, 2 * n, false, ""
	}
	return head, n, 0, false, "" // bin
}

// lengthWidth returns the bytes of the length field that follows type byte c.
func lengthWidth(c byte) int {
	switch c {
	case 0xc4, 0xc7, 0xd9: // bin8, ext8, str8
		return 1
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde: // bin16, ext16, str16, array16, map16
		return 2
	}
	return 4 // bin32, ext32, str32, array32, map32
}

// isContainer reports whether type byte c begins an array or a map.
func isContainer(c byte) bool {
	return c >= 0x80 && c <= 0x9f || c >= 0xdc && c <= 0xdf
}

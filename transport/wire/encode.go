package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"iris/internal/id"
)

// Upper estimates of encoded sizes, for Frame.Size.
const (
	sizeHead  = binary.MaxVarintLen32 + 1 + 2 // prefix, array header, kind
	sizeUint  = 9
	sizeBool  = 1
	sizeArray = 5
	sizeID    = 2 + id.Size
)

func sizeStr(s string) int  { return 5 + len(s) }
func sizeBin(b []byte) int  { return 5 + len(b) }
func sizeText(s string) int { return 5 + min(len(s), MaxText) }

func sizeStrings(list []string) int {
	n := sizeArray
	for _, s := range list {
		n += sizeStr(s)
	}
	return n
}

// fail records why the frame cannot be encoded; the first reason stays.
func (w *Writer) fail(reason string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %v: %s", ErrInvalid, w.kind, reason)
	}
}

// room reports whether n more bytes fit the limit. It is asked before anything
// of variable length is copied, so an oversized frame costs no memory.
func (w *Writer) room(n int) bool {
	if n > w.max-(len(w.buf)-w.start) && w.err == nil {
		w.err = ErrTooLarge
	}
	return w.err == nil
}

// head begins a frame of the given number of fields after its kind; they
// never exceed 14.
func (w *Writer) head(k Kind, fields int) {
	w.kind = k
	w.array(1 + fields)
	w.uint(uint64(k))
}

func (w *Writer) null() { w.buf = append(w.buf, 0xc0) }

func (w *Writer) bool(v bool) {
	if v {
		w.buf = append(w.buf, 0xc3)
	} else {
		w.buf = append(w.buf, 0xc2)
	}
}

func (w *Writer) uint(v uint64) {
	switch {
	case v <= 0x7f:
		w.buf = append(w.buf, byte(v))
	case v <= math.MaxUint8:
		w.buf = append(w.buf, 0xcc, byte(v))
	case v <= math.MaxUint16:
		w.buf = append(w.buf, 0xcd, byte(v>>8), byte(v))
	case v <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, 0xce), uint32(v))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, 0xcf), v)
	}
}

// array appends the header of an array of n elements; n fits 16 bits.
func (w *Writer) array(n int) {
	if n <= 15 {
		w.buf = append(w.buf, 0x90|byte(n))
	} else {
		w.buf = append(w.buf, 0xdc, byte(n>>8), byte(n))
	}
}

// list appends the header of an array that may hold at most limit elements.
func (w *Writer) list(n, limit int) {
	if n > limit {
		w.fail("too many elements")
		n = 0
	}
	w.array(n)
}

func (w *Writer) id(v id.ID) {
	if v.IsZero() {
		w.null()
		return
	}
	b := v.Bytes()
	w.buf = append(append(w.buf, 0xc4, id.Size), b[:]...)
}

// bin appends a payload, limited by the frame alone.
func (w *Writer) bin(b []byte) {
	if !w.room(len(b)) {
		return
	}
	switch n := len(b); {
	case n <= math.MaxUint8:
		w.buf = append(w.buf, 0xc4, byte(n))
	case n <= math.MaxUint16:
		w.buf = append(w.buf, 0xc5, byte(n>>8), byte(n))
	case uint64(n) <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, 0xc6), uint32(n))
	default:
		w.err = ErrTooLarge
		return
	}
	w.buf = append(w.buf, b...)
}

// binUpTo appends a payload with a limit of its own.
func (w *Writer) binUpTo(b []byte, limit int) {
	if len(b) > limit {
		w.fail("data is too long")
		return
	}
	w.bin(b)
}

// str appends a str of at most 65535 bytes.
func (w *Writer) str(s string) {
	if !w.room(len(s)) {
		return
	}
	switch n := len(s); {
	case n <= 31:
		w.buf = append(w.buf, 0xa0|byte(n))
	case n <= math.MaxUint8:
		w.buf = append(w.buf, 0xd9, byte(n))
	default:
		w.buf = append(w.buf, 0xda, byte(n>>8), byte(n))
	}
	w.buf = append(w.buf, s...)
}

// text appends what people read. It is clipped rather than refused, for it is
// never worth losing the frame that carries it.
func (w *Writer) text(s string) {
	if len(s) > MaxText {
		n := MaxText
		for n > MaxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	w.str(s)
}

// label appends a short string that is not worth a place in the dictionary; it
// may be empty.
func (w *Writer) label(s string) {
	if reason := checkLabel(s, MaxName); reason != "" {
		w.fail(reason)
		return
	}
	w.str(s)
}

func (w *Writer) labels(list []string, most int) {
	w.list(len(list), most)
	if len(list) > most {
		return
	}
	for _, s := range list {
		w.label(s)
	}
}

func (w *Writer) name(s string)     { w.intern(s, MaxName, false) }
func (w *Writer) optName(s string)  { w.intern(s, MaxName, true) }
func (w *Writer) actor(s string)    { w.intern(s, MaxActor, false) }
func (w *Writer) optActor(s string) { w.intern(s, MaxActor, true) }

// intern appends a name: its index if the dictionary has it, else the literal.
// A literal of 1 to MaxName bytes enters the dictionary while there is room;
// Reader.intern counts by the same rule.
func (w *Writer) intern(s string, limit int, optional bool) {
	if s == "" {
		if !optional {
			w.fail(reasonNameEmpty)
		}
		w.str("")
		return
	}
	if i, ok := w.names[s]; ok {
		w.uint(uint64(i))
		return
	}
	if reason := checkLabel(s, limit); reason != "" {
		w.fail(reason)
		return
	}
	w.str(s)
	if !w.plain && len(s) <= MaxName && len(w.order) < MaxNames {
		s = strings.Clone(s) // the caller's may pin something big
		w.names[s] = uint32(len(w.order))
		w.order = append(w.order, s)
	}
}

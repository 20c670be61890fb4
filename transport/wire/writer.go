package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// Writer encodes the frames of one lane in one direction and owns the lane's
// name dictionary. It must see every frame of the lane, in the order they are
// sent. Not safe for concurrent use.
type Writer struct {
	names map[string]uint32 // name -> index
	order []string          // index -> name; its tail is what a failed Append takes back
	plain bool              // no dictionary: names are always literal
	max   int               // bytes of one frame without prefix
	heads *heads            // of the events that went last; nil before the first

	// The frame being encoded; owned by Append.
	buf   []byte
	start int // index in buf of the frame's first byte
	mark  int // length of order before it
	kind  Kind
	err   error // first failure
}

// NewWriter returns a Writer for a fresh lane, limited to MaxFrame.
func NewWriter() *Writer {
	return &Writer{names: make(map[string]uint32), max: MaxFrame}
}

// SetLimit changes the greatest encoded size of a frame, in bytes without the
// prefix; the control lane's is MaxControl. n is at most MaxFrame.
func (w *Writer) SetLimit(n int) { w.max = min(n, MaxFrame) }

// Append encodes f with its length prefix at the end of dst and returns the
// extended slice. It fails with ErrTooLarge if f exceeds the limit and with an
// error that wraps ErrInvalid if a field breaks a rule of the protocol; then
// dst is returned as it was and the dictionary forgets what f added to it, so
// the lane goes on. f is not kept; names are copied on first use.
func (w *Writer) Append(dst []byte, f Frame) ([]byte, error) {
	if e, ok := f.(*Event); ok {
		return w.AppendEvent(dst, e)
	}
	return w.appendFrame(dst, f)
}

// appendFrame is Append for any frame.
func (w *Writer) appendFrame(dst []byte, f Frame) ([]byte, error) {
	w.begin(dst, f.Size())
	f.append(w)
	return w.finish(dst)
}

// begin makes room for a frame of about so many bytes at the end of dst.
func (w *Writer) begin(dst []byte, size int) {
	size = min(size, w.max+binary.MaxVarintLen32)
	w.err, w.mark = nil, len(w.order)
	w.buf = append(slices.Grow(dst, size), padding[:prefixLen(size)]...)
	w.start = len(w.buf)
}

// finish completes the frame that was appended to dst since begin, or takes it back.
func (w *Writer) finish(dst []byte) ([]byte, error) {
	buf := w.buf
	w.buf = nil
	n := len(buf) - w.start
	if w.err == nil && n > w.max {
		w.err = ErrTooLarge
	}
	if w.err != nil {
		for _, name := range w.order[w.mark:] {
			delete(w.names, name)
		}
		clear(w.order[w.mark:])
		w.order = w.order[:w.mark]
		return dst, w.err
	}

	// Size is an estimate, so the prefix may need fewer bytes than kept free.
	if need, room := prefixLen(n), w.start-len(dst); need != room {
		if need > room {
			buf = append(buf, padding[:need-room]...)
		}
		copy(buf[len(dst)+need:], buf[w.start:w.start+n])
		buf = buf[:len(dst)+need+n]
	}
	binary.PutUvarint(buf[len(dst):], uint64(n))
	return buf, nil
}

// prefixLen returns the bytes of the uvarint that holds n.
func prefixLen(n int) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// Encode returns f alone: no length prefix, no dictionary, and no limit but
// that of msgpack. It is the form of a frame that travels in chunks. The
// error wraps ErrInvalid, or is ErrTooLarge for data of 4 GiB or more.
func Encode(f Frame) ([]byte, error) {
	w := Writer{plain: true, max: math.MaxInt, buf: make([]byte, 0, f.Size())}
	f.append(&w)
	if w.err != nil {
		return nil, w.err
	}
	return w.buf, nil
}

// Decode reads what Encode wrote: exactly one frame, fresh, whose byte slices
// alias b. It fails with a *ProtocolError, ErrUnknownKind for a kind it does not
// know. The caller bounds len(b).
func Decode(b []byte) (Frame, error) {
	r := Reader{plain: true, max: len(b)}
	f, known := r.decode(b)
	if r.err == nil && !known {
		r.err = ErrUnknownKind
	}
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

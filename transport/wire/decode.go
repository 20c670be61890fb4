package wire

import "math"

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
	reasonNobody   = "node without an id"
	reasonParallel = "round trips do not match the nodes"
)

// decode parses one frame from b, which must hold nothing else. known is false
// for a kind to be skipped. A failure is left in r.err.
func (r *Reader) decode(b []byte) (f Frame, known bool) {
	if f := r.like.fill(b); f != nil {
		return f, true
	}
	r.like.frame = nil // its frame may be filled otherwise now
	names := len(r.names)
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
	if r.reason == "" && len(r.names) == names && !r.plain {
		r.like.note(f, b, r.data, r.rest)
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

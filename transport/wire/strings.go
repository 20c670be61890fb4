package wire

import "unicode/utf8"

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
	return r.checked(r.strFrom(c, limit), limit)
}

// checked returns b as a label.
func (r *Reader) checked(b []byte, limit int) string {
	if reason := checkLabel(b, limit); reason != "" {
		r.fail(reason)
	}
	if r.reason != "" {
		return ""
	}
	return string(b)
}

func (r *Reader) labels(most int) []string {
	n, outer := r.list(most, 1)
	var list []string
	if n > 0 {
		list = make([]string, n)
	}
	for i := range list {
		list[i] = r.label()
	}
	r.close(outer)
	return list
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

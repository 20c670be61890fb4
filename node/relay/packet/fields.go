package packet

import (
	"encoding/binary"
)

// The methods of this file read one field each. Once the reader has failed they
// read nothing and return a zero value.

func (r *Reader) byte() byte {
	if r.err != nil {
		return 0
	}
	b, err := r.in.byte()
	if err != nil {
		r.failed(err)
	}
	return b
}

func (r *Reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.exceeds("a bool", uint64(b), 1)
	}
	return b == 1
}

// varint accepts longer forms than needed, as the original relay did, up to 10
// octets.
func (r *Reader) varint() uint64 {
	var v uint64
	for i := range binary.MaxVarintLen64 {
		b := r.byte()
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v
		}
	}
	r.violation("a varint of more than 64 bits")
	return 0
}

// length reads the length of a field of at most most octets.
func (r *Reader) length(most int) int {
	n := r.varint()
	if n > uint64(most) {
		r.exceeds("octets of a field", n, uint64(most))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// short reads at most MaxName octets, valid until the next call.
func (r *Reader) short() []byte {
	b := r.name[:r.length(MaxName)]
	for done := 0; done < len(b) && r.err == nil; {
		n, err := r.in.read(b[done:])
		if done += n; err != nil {
			r.failed(err)
		}
	}
	return b
}

// string reads a name.
func (r *Reader) string() string {
	b := r.short()
	if r.err != nil {
		return ""
	}
	s, known := r.names[string(b)]
	if !known {
		if len(r.names) == maxNames {
			clear(r.names)
		}
		s = string(b)
		r.names[s] = s
	}
	return s
}

func (r *Reader) magic(want string) {
	if b := r.short(); r.err == nil && string(b) != want {
		r.violation("the wrong magic word")
	}
}

func (r *Reader) message() []byte { return r.binary(r.limits.Message) }

func (r *Reader) text() string { return string(r.binary(MaxText)) }

// binary reads at most most octets into memory of their own, which is taken as
// they come.
func (r *Reader) binary(most int) []byte {
	n := r.length(most)
	b := make([]byte, 0, min(n, eager))
	for len(b) < n && r.err == nil {
		if len(b) == cap(b) {
			larger := make([]byte, len(b), min(n, 2*cap(b)))
			copy(larger, b)
			b = larger
		}
		got, err := r.in.read(b[len(b):cap(b)])
		if b = b[:len(b)+got]; err != nil {
			r.failed(err)
		}
	}
	return b
}

func (r *Reader) outcome() (ok bool, payload []byte, fault string) {
	if ok = r.bool(); ok {
		return ok, r.message(), ""
	}
	return ok, nil, r.text()
}

func (r *Reader) chunkLimit() uint64 {
	n := r.varint()
	if n == 0 {
		r.violation("chunks of nothing")
	}
	return n
}

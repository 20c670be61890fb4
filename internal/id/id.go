package id

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
)

// ID is a point on the ring, big endian: Hi holds the most significant bits.
// The zero ID means "none"; no node may bear it.
type ID struct{ Hi, Lo uint64 }

// Size is the length of an ID in bytes.
const Size = 16

// FromBytes reads an ID from its big endian form.
func FromBytes(b [Size]byte) ID {
	return ID{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Bytes returns the big endian form of a.
func (a ID) Bytes() [Size]byte {
	var b [Size]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

// String returns the 32 hexadecimal digits of a.
func (a ID) String() string {
	b := a.Bytes()
	return hex.EncodeToString(b[:])
}

// Short returns the first 8 digits, for logs read by people.
func (a ID) Short() string { return a.String()[:8] }

// Parse reads the form that String writes.
func Parse(s string) (ID, error) {
	var b [Size]byte
	if len(s) != 2*Size {
		return ID{}, fmt.Errorf("id %q: want %d hexadecimal digits, got %d characters", s, 2*Size, len(s))
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("id %q: %w", s, err)
	}
	return FromBytes(b), nil
}

// IsZero reports whether a is the ID that means "none".
func (a ID) IsZero() bool { return a == ID{} }

// Compare orders IDs as unsigned numbers.
func (a ID) Compare(b ID) int {
	if c := cmp.Compare(a.Hi, b.Hi); c != 0 {
		return c
	}
	return cmp.Compare(a.Lo, b.Lo)
}

// Hash returns the point of a name made of parts. Each part is hashed with its
// length, so ("a", "bc") and ("ab", "c") are different names.
func Hash(parts ...string) ID {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	var b [Size]byte
	copy(b[:], h.Sum(nil))
	return FromBytes(b)
}

// sub returns a-b modulo 2^128.
func sub(a, b ID) ID {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(a.Hi, b.Hi, borrow)
	return ID{hi, lo}
}

// Distance returns the length of the shorter way round the ring between a and
// b; it is at most 2^127.
func Distance(a, b ID) ID {
	d, e := sub(a, b), sub(b, a)
	if d.Compare(e) < 0 {
		return d
	}
	return e
}

// Closer reports whether a is a better root of key than b: nearer, or equally
// near with the smaller id. It is a strict total order for a fixed key.
func Closer(key, a, b ID) bool {
	if c := Distance(key, a).Compare(Distance(key, b)); c != 0 {
		return c < 0
	}
	return a.Compare(b) < 0
}

// Between reports whether x lies on the way clockwise from a to b, both included.
// From a to a that is a alone.
func Between(a, x, b ID) bool { return sub(x, a).Compare(sub(b, a)) <= 0 }

// Shared returns how many leading hexadecimal digits a and b have in common.
func Shared(a, b ID) int {
	if x := a.Hi ^ b.Hi; x != 0 {
		return bits.LeadingZeros64(x) / 4
	}
	return Size + bits.LeadingZeros64(a.Lo^b.Lo)/4
}

// Digit returns hexadecimal digit i of a, from 0, the most significant.
func (a ID) Digit(i int) int {
	part := a.Hi
	if i >= Size {
		part, i = a.Lo, i-Size
	}
	return int(part >> (60 - 4*i) & 15)
}

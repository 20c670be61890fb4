package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
)

const (
	// MinRaw is the least number of bytes of a raw key, after decoding.
	MinRaw = 32
	// minDistinct is the least number of different byte values of a raw key.
	// 32 random bytes have fewer than 16 with a chance under 2^-90.
	minDistinct = 8
)

// ParseRaw reads a key of at least 32 random bytes, written as hexadecimal or
// base64 text (standard or URL alphabet, padded or not, line breaks allowed) or
// as they are. Text is read as hexadecimal if it consists of an even number of
// hexadecimal digits, else as base64 if it is that, else its characters are the
// bytes; white space around text does not count.
//
// Keys made of one repeated byte or pattern are refused with ErrWeak. That is a
// guard against mistakes, not a measure of entropy: take the bytes from a
// generator (iris keygen).
func ParseRaw(data []byte) (Secret, error) {
	if len(data) > MaxInput {
		return Secret{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrFormat, len(data), MaxInput)
	}
	if isDER(data) {
		return Secret{}, fmt.Errorf("%w: looks like a key or certificate in DER; convert it to PEM", ErrFormat)
	}
	raw, form := decode(data)
	if len(raw) < MinRaw {
		return Secret{}, fmt.Errorf("%w: %d bytes (read as %s), want at least %d", ErrWeak, len(raw), form, MinRaw)
	}
	if distinct(raw) < minDistinct || periodic(raw) {
		return Secret{}, fmt.Errorf("%w: the bytes (read as %s) repeat a pattern; generate a random key", ErrWeak, form)
	}
	return Secret{seal(slices.Concat([]byte("raw\x00"), raw))}, nil
}

// decode returns the bytes that data stands for, and in which form it was read.
// The result may alias data.
func decode(data []byte) (raw []byte, form string) {
	if !isText(data) {
		return data, "raw bytes"
	}
	text := bytes.TrimSpace(data)
	compact := make([]byte, 0, len(text))
	for _, c := range text {
		if c != '\r' && c != '\n' {
			compact = append(compact, c)
		}
	}
	// Digits alone decide for hexadecimal, whatever the length: a short
	// hexadecimal key must not pass as longer base64.
	if b, err := hex.AppendDecode(nil, compact); err == nil {
		return b, "hexadecimal"
	}
	compact = bytes.TrimRight(compact, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := enc.Strict().AppendDecode(nil, compact); err == nil {
			return b, "base64"
		}
	}
	return text, "plain text"
}

// isText reports whether data is printable ASCII and white space. Random bytes
// are not, so nothing is ever trimmed off a binary key.
func isText(data []byte) bool {
	for _, c := range data {
		if (c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

func isDER(data []byte) bool {
	if len(data) < 2 || data[0] != 0x30 {
		return false
	}
	if _, err := x509.ParsePKIXPublicKey(data); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS8PrivateKey(data); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(data); err == nil {
		return true
	}
	_, err := x509.ParseCertificate(data)
	return err == nil
}

func distinct(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// periodic reports whether b repeats a pattern of at most half its length.
func periodic(b []byte) bool {
	for p := 1; p <= len(b)/2 && p <= 256; p++ {
		if bytes.Equal(b[p:], b[:len(b)-p]) {
			return true
		}
	}
	return false
}

package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// harmless reports whether a rune shows as itself, moves no cursor and changes
// no direction. Of white space that is the plain space only.
func harmless(r rune) bool { return unicode.IsPrint(r) }

// Text returns s with every rune that does not show as itself, and every byte
// that is not UTF-8, written as in a Go string: \n, \x1b, \u202e, \xff. A
// backslash of s stays one, so there is no way back: it is for reading.
func Text(s string) string {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !harmless(r) || r == utf8.RuneError && n == 1 {
			return escape(s, i)
		}
		i += n
	}
	return s
}

// escape is Text from byte at on.
func escape(s string, at int) string {
	out := append(make([]byte, 0, len(s)+16), s[:at]...)
	for i := at; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if harmless(r) && (r != utf8.RuneError || n > 1) {
			out = append(out, s[i:i+n]...)
		} else {
			q := strconv.AppendQuoteToASCII(nil, s[i:i+n])
			out = append(out, q[1:len(q)-1]...)
		}
		i += n
	}
	return string(out)
}

// Aligned returns s with U+FFFD for every rune that does not show as itself, but
// for tabs: as many characters as before, so that a mark on the next line stays
// under what it is about.
func Aligned(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !harmless(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// JSON returns valid JSON with the same value in which every rune that does not
// show as itself is a \u escape. White space between the tokens stays.
func JSON(text []byte) []byte {
	for i := 0; i < len(text); {
		n, ok := token(text[i:])
		if !ok {
			return escapeJSON(text, i)
		}
		i += n
	}
	return text
}

// token returns the length of the first rune and whether it may stay. Control
// characters below the space are outside of strings, or it is no JSON.
func token(text []byte) (int, bool) {
	if c := text[0]; c < 0x7f {
		return 1, true
	}
	r, n := utf8.DecodeRune(text)
	return n, harmless(r) && (r != utf8.RuneError || n > 1)
}

func escapeJSON(text []byte, at int) []byte {
	out := append(make([]byte, 0, len(text)+32), text[:at]...)
	for i := at; i < len(text); {
		n, ok := token(text[i:])
		if ok {
			out = append(out, text[i:i+n]...)
		} else {
			r, _ := utf8.DecodeRune(text[i:]) // U+FFFD for what is not UTF-8
			out = appendUnicode(out, r)
		}
		i += n
	}
	return out
}

// appendUnicode appends one or, beyond 16 bits, a pair of \u escapes.
func appendUnicode(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	unit := func(u rune) {
		out = append(out, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	if r < 1<<16 {
		unit(r)
	} else {
		r -= 1 << 16
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
	}
	return out
}

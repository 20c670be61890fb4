package bundle

import (
	"bytes"
	"unicode"
)

// What is as long as a key is taken for one.
const (
	longHex    = 48 // digits; a node's id has 32
	longBase64 = 43 // characters of 32 bytes
)

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isBase64(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// hideRuns hides the runs of characters in a text that are secret, and the = behind
// them.
func hideRuns(text []byte, in func(byte) bool, secret func(run []byte) bool) []byte {
	var out []byte // text up to done
	done := 0
	for i := 0; i < len(text); i++ {
		start := i
		for i < len(text) && in(text[i]) {
			i++
		}
		if i > start && secret(text[start:i]) {
			out = append(append(out, text[done:start]...), hidden...)
			for done = i; done < len(text) && text[done] == '='; done++ {
				i = done
			}
		}
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// mixed reports whether text has letters of both cases and digits, as nearly every
// base64 of 32 bytes has, and few words.
func mixed(text []byte) bool {
	return bytes.ContainsFunc(text, unicode.IsUpper) && bytes.ContainsFunc(text, unicode.IsLower) && bytes.ContainsFunc(text, unicode.IsDigit)
}

package wire

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// ValidName reports whether s may name a cluster, a topic, a message type or a
// zone: 1 to MaxName bytes of UTF-8 without control characters. The error
// wraps ErrInvalid.
func ValidName(s string) error {
	if s == "" {
		return fmt.Errorf("%w: %s", ErrInvalid, reasonNameEmpty)
	}
	if reason := checkLabel(s, MaxName); reason != "" {
		return fmt.Errorf("%w: name: %s", ErrInvalid, reason)
	}
	return nil
}

const (
	reasonNameEmpty = "name is empty"
	reasonTooLong   = "string is too long"
	reasonUTF8      = "string is not valid UTF-8"
	reasonControl   = "string has control characters"
)

// checkLabel returns why s is not a label of at most limit bytes, or "". It is
// generic so that a Reader can judge bytes before it makes a string of them.
func checkLabel[T ~string | ~[]byte](s T, limit int) (reason string) {
	if len(s) > limit {
		return reasonTooLong
	}
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f:
			return reasonControl
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if ascii {
		return ""
	}
	text := string(s)
	if !utf8.ValidString(text) {
		return reasonUTF8
	}
	for _, c := range text {
		if unicode.IsControl(c) { // U+0080 to U+009F
			return reasonControl
		}
	}
	return ""
}

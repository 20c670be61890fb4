package table

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Safe returns text with everything escaped that could act on a terminal or hide:
// control characters, marks of direction, what is no UTF-8.
func Safe(text string) string {
	clean := true
	for _, r := range text {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[n:]
	}
	return b.String()
}

// SafeJSON returns JSON that means the same with everything escaped in its strings
// that could act on a terminal.
func SafeJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == '\n', r == '\t', r == '\r':
			out = append(out, ' ') // between values: within strings they are escaped already
		case r == utf8.RuneError && n <= 1:
			out = append(out, `\ufffd`...)
		case strconv.IsPrint(r):
			out = append(out, data[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		data = data[n:]
	}
	return out
}

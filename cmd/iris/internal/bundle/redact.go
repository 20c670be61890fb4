package bundle

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// hidden stands where a secret was.
const hidden = "[redacted]"

var (
	privateBlocks = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|SECRET)[^-]*-----(?s:.*?)(?:-----END [^-\n]*-----|$)`)
	userInfo      = regexp.MustCompile(`://[^\s"'<>]*@`)

	// confided are the ends of the names of what is secret, in any case, perhaps with an s.
	confided = []string{"token", "secret", "password", "passwd", "passphrase", "credential", "authorization", "cookie"}
	// privateKey is a name of JSON whose value is hidden.
	privateKey = regexp.MustCompile(`(?i:` + words(confided...) + `s?$|(?:^|[^a-z])keys?$)|[a-z]Keys?$`)
	// privateText comes in a line before what is hidden.
	privateText = regexp.MustCompile(`(?i)(?:` + words(confided...) + `|` + words("api", "access", "private") + `[-_ ]?key)s?["'\\]*\s*[:=]|\bbearer\s`)
)

// Redactor takes secrets out of texts: those it knows, in the forms of package
// forms, and what looks like a secret. It may be used by several goroutines.
type Redactor struct{ known known }

// NewRedactor returns one that knows some secrets. It keeps their parts as long as
// it lives. Those of less than 8 bytes are not looked for.
func NewRedactor(secrets ...[]byte) *Redactor {
	r := &Redactor{known{map[uint64][]string{}, map[uint64][]string{}}}
	for _, s := range secrets {
		r.known.add(s)
	}
	return r
}

// Clean returns data without secrets. JSON, one value or several, stays JSON in
// its form: strings and names are cleaned one by one. Anything else is text and
// cleaned by line. What would tell a known secret all the same, across parts that
// are cleaned apart, is hidden as a whole. The result may alias data.
func (r *Redactor) Clean(data []byte) []byte {
	clean, whole := r.json(data), []byte(`"`+hidden+`"`)
	if clean == nil {
		clean, whole = r.text(data), []byte(hidden)
	}
	if r.known.tells(clean) {
		return whole
	}
	return clean
}

// text is Clean of a text.
func (r *Redactor) text(data []byte) []byte {
	data = r.known.hide(data)
	data = privateBlocks.ReplaceAll(data, []byte(hidden))
	data = lines(data)
	data = userInfo.ReplaceAll(data, []byte("://"+hidden+"@"))
	data = hideRuns(data, isHex, func(run []byte) bool { return len(run) >= longHex })
	return hideRuns(data, isBase64, func(run []byte) bool { return len(run) >= longBase64 && mixed(run) })
}

// lines hides, after a name such as password and a colon or equals sign, the rest
// of the line and the lines below that are further indented.
func lines(data []byte) []byte {
	if !suspicious(data) {
		return data
	}
	out := make([]byte, 0, len(data))
	below := -1 // the indentation of the line whose value may go on
	for line := range bytes.Lines(data) {
		text := bytes.TrimRight(line, "\r\n")
		depth := len(text) - len(bytes.TrimLeft(text, " \t"))
		var at []int
		if suspicious(text) {
			at = privateText.FindIndex(text)
		}
		switch {
		case below >= 0 && depth > below && depth < len(text):
			text = append(bytes.Clone(text[:depth]), hidden...)
		case at != nil:
			below = depth
			text = hideAfter(text, at[1])
		case depth < len(text):
			below = -1
		}
		out = append(out, text...)
		out = append(out, line[len(bytes.TrimRight(line, "\r\n")):]...)
	}
	return out
}

// suspicious reports whether a text may hold a match of privateText, many times
// faster than that tells.
func suspicious(text []byte) bool {
	text = lower(text)
	return slices.ContainsFunc(append(slices.Clone(confided), "key", "bearer"), func(word string) bool { return bytes.Contains(text, []byte(word)) })
}

// hideAfter hides what is in a line from at on, but for the blanks in front of it.
func hideAfter(line []byte, at int) []byte {
	rest := bytes.TrimLeft(line[at:], " \t")
	if len(rest) == 0 {
		return line
	}
	return append(bytes.Clone(line[:len(line)-len(rest)]), hidden...)
}

// words returns words as alternatives of a regular expression.
func words(list ...string) string { return "(?:" + strings.Join(list, "|") + ")" }

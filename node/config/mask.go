package config

import (
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/token"

	"iris/internal/printable"
	"iris/transport/identity"
)

// hidden stands where a secret was.
const hidden = "[redacted]"

var (
	// keyLine is a line that starts with a key, alone or in quotes.
	keyLine = regexp.MustCompile(`^\s*["']?([A-Za-z_]{1,32})["']?\s*:(\s|$)`)
	// material is a run of characters long enough to be a key in hex or base64.
	material = regexp.MustCompile(`[A-Za-z0-9+/_=-]{32,}`)
)

// mask returns the lines of the file with everything hidden that may be key
// material. It works on the bare text, for it must also hold where the YAML is
// broken, and hides rather too much: what follows the word secret on its line,
// the lines after it up to the next key that is not further indented, and any
// long run of the characters that hex and base64 consist of.
func mask(text string, s *schema) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	open, indent := false, 0
	for i, line := range lines {
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		at := strings.Index(strings.ToLower(line), "secret")
		switch {
		case at >= 0:
			open = open || !strings.HasPrefix(strings.TrimSpace(line), "#")
			indent = depth
			end := at + len("secret")
			if end < len(line) {
				line = line[:end] + afterKey(line[end:])
			}
		case open && depth <= indent && s.startsKey(line):
			open = false
		case open && strings.TrimSpace(line) != "":
			line = line[:depth] + hidden
		}
		lines[i] = printable.Aligned(material.ReplaceAllString(line, hidden))
	}
	return lines
}

// afterKey hides what follows a key but keeps the colon.
func afterKey(rest string) string {
	if strings.TrimSpace(strings.TrimLeft(rest, `"': `)) == "" {
		return rest
	}
	colon := rest[:len(rest)-len(strings.TrimLeft(rest, `"': `))]
	return strings.TrimRight(colon, `"'`) + hidden
}

// startsKey reports whether the line starts with a key of the schema.
func (s *schema) startsKey(line string) bool {
	m := keyLine.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	for _, names := range s.sections {
		for _, n := range names {
			if n == m[1] {
				return true
			}
		}
	}
	return false
}

// maxSnippet bounds the line shown with a problem, in characters.
const maxSnippet = 160

// add notes a problem at the token, which may be nil for the file as a whole.
func (r *reader) add(tk *token.Token, path string, err error) {
	r.note(tk, path, err, false)
}

// addKey notes a problem with a key. Of its line only the key is shown: the
// value behind an unknown key may be a secret whose key was mistyped.
func (r *reader) addKey(tk *token.Token, path string, err error) {
	r.note(tk, path, err, true)
}

func (r *reader) note(tk *token.Token, path string, err error, keyOnly bool) {
	p := problemOf(r.file, quoted(path), err)
	p.Message, p.Hint = material.ReplaceAllString(p.Message, hidden), material.ReplaceAllString(p.Hint, hidden)
	if tk != nil && tk.Position != nil {
		p.Line, p.Column = max(1, tk.Position.Line), max(1, tk.Position.Column)
	}
	p.Snippet = r.snippet(&p, keyOnly || private(path))
	r.problems = append(r.problems, p)
}

// private reports whether the value of a key is never shown: everything of the
// network section but its name, be the key known or mistyped.
func private(key string) bool {
	return strings.HasPrefix(key, "network.") && key != "network.name"
}

// snippet returns the line of a problem; with keyOnly without the value.
func (r *reader) snippet(p *Problem, keyOnly bool) string {
	if p.Line < 1 || p.Line > len(r.lines) {
		return ""
	}
	line := strings.TrimRight(r.lines[p.Line-1], " \t")
	if keyOnly {
		if colon := strings.IndexByte(line, ':'); colon >= 0 && colon+1 < len(line) {
			line = line[:colon+1] + " ..."
		} else if colon < 0 && line != "" {
			line = line[:len(line)-len(strings.TrimLeft(line, " \t"))] + "..."
		}
	}
	if runes := []rune(line); len(runes) > maxSnippet {
		line = string(runes[:maxSnippet]) + "..."
	}
	return line
}

// scrub removes from all problems what the secret of the finished parse shows to
// be part of it: the last line of defence, behind mask.
func (r *reader) scrub() {
	for part := range strings.Lines(string(r.config.Network.Secret)) {
		if part = strings.TrimSpace(part); len(part) < 4 {
			continue
		}
		for i := range r.problems {
			p := &r.problems[i]
			for _, field := range []*string{&p.Path, &p.Message, &p.Hint, &p.Snippet} {
				*field = strings.ReplaceAll(*field, part, hidden)
			}
		}
	}
}

// at returns the position of a token as an origin.
func (r *reader) at(tk *token.Token) Origin {
	return Origin{File: r.file, Line: max(1, tk.Position.Line), Column: max(1, tk.Position.Column)}
}

// quoted makes a path made of the file's own words fit for a terminal, and
// hides words that may be key material.
func quoted(path string) string {
	if len(path) > 2*maxName {
		path = strings.ToValidUTF8(path[:2*maxName], "") + "..."
	}
	return printable.Text(material.ReplaceAllString(path, hidden))
}

// looksLikeKey reports whether a value given as the path of a key file is more
// likely the key itself, which no message may then repeat.
func looksLikeKey(s string) bool {
	if strings.ContainsAny(s, "\r\n") || strings.Contains(s, "-----BEGIN") {
		return true
	}
	if filepath.IsAbs(s) {
		return false
	}
	return decodes(s) && (!strings.Contains(s, "/") || mixed(s))
}

// decodes reports whether s is the text of 32 bytes or more in hex or base64.
func decodes(s string) bool {
	if b, err := hex.DecodeString(s); err == nil && len(b) >= identity.MinRaw {
		return true
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(s); err == nil && len(b) >= identity.MinRaw {
			return true
		}
	}
	return false
}

// mixed reports whether s has letters of both cases and digits, as nearly every
// base64 text of 32 bytes has and few relative paths without a dot or hyphen.
func mixed(s string) bool {
	return strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsLower) && strings.ContainsFunc(s, unicode.IsDigit)
}

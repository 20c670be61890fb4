package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"unicode"
)

// hidden stands where a secret was.
const hidden = "[redacted]"

var (
	pemBlock = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*(PRIVATE KEY|SECRET)[^-]*-----(?s:.*?)(-----END [^-]*-----|$)`)
	longHex  = regexp.MustCompile(`\b[0-9A-Fa-f]{48,}\b`)       // a node's id has 32
	longText = regexp.MustCompile(`[A-Za-z0-9+/_-]{43,}={0,2}`) // 32 bytes or more in base64
	bearer   = regexp.MustCompile(`(?i)(bearer|secret"?[:=]|token"?[:=]|password"?[:=])\s*"?[^\s",}]+`)
)

// Redactor takes secrets out of texts: those it knows, in every encoding, and what
// looks like a key.
type Redactor struct{ known [][]byte }

// least is the shortest secret that is looked for: shorter ones are in every text.
const least = 8

// NewRedactor returns one that knows some secrets. It keeps them as long as it lives.
func NewRedactor(secrets ...[]byte) *Redactor {
	r := &Redactor{}
	for _, s := range secrets {
		r.add(s)
		for _, line := range bytes.Split(s, []byte("\n")) { // of a key in PEM
			r.add(bytes.TrimSpace(line))
		}
	}
	return r
}

func (r *Redactor) add(s []byte) {
	if len(s) < least || bytes.HasPrefix(s, []byte("-----")) {
		return
	}
	texts := []string{string(s), hex.EncodeToString(s)}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		texts = append(texts, e.EncodeToString(s))
	}
	for _, t := range texts {
		r.known = append(r.known, []byte(t), bytes.ToUpper([]byte(t)))
	}
}

// Clean returns data without secrets.
func (r *Redactor) Clean(data []byte) []byte {
	for _, s := range r.known {
		data = bytes.ReplaceAll(data, s, []byte(hidden))
	}
	data = pemBlock.ReplaceAll(data, []byte(hidden))
	data = bearer.ReplaceAllFunc(data, func(m []byte) []byte {
		if bytes.Contains(m, []byte(hidden)) {
			return m
		}
		end := bytes.IndexAny(m, ":= ")
		if end < 0 {
			return m
		}
		quote := ""
		if bytes.IndexByte(m[end:], '"') >= 0 {
			quote = `"`
		}
		return append(bytes.Clone(m[:end+1]), quote+hidden...)
	})
	data = longHex.ReplaceAll(data, []byte(hidden))
	return longText.ReplaceAllFunc(data, func(m []byte) []byte {
		if mixed(m) {
			return []byte(hidden)
		}
		return m
	})
}

// mixed reports whether text has letters of both cases and digits, as nearly every
// base64 of 32 bytes has, and few words.
func mixed(text []byte) bool {
	return bytes.ContainsFunc(text, unicode.IsUpper) && bytes.ContainsFunc(text, unicode.IsLower) && bytes.ContainsFunc(text, unicode.IsDigit)
}

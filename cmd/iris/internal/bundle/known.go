package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"slices"

	"iris/internal/canary/forms"
)

// least is the shortest secret that is looked for: shorter ones are in every text.
const least = 8

// known finds secrets in texts: 12 bytes in a row of one, in any of the forms. Of
// each form the first 8 bytes lead to it, so that a text is read twice, however
// long the secrets are. Not changed once it is filled.
type known struct {
	exact, folded map[uint64][]string
}

// add notes a secret as it is in its file, without white space around it, and what
// it stands for in PEM, hexadecimal or base64.
func (k *known) add(secret []byte) {
	if blocks := privateBlocks.FindAll(secret, -1); blocks != nil { // certificates beside it are none
		for _, text := range blocks {
			k.note(text)
			if block, _ := pem.Decode(append(bytes.TrimSpace(text), '\n')); block != nil {
				k.note(block.Bytes)
			}
		}
		return
	}
	trimmed := bytes.TrimSpace(secret)
	k.note(secret)
	k.note(trimmed)
	compact := string(bytes.TrimRight(bytes.Join(bytes.Fields(trimmed), nil), "="))
	if raw, err := hex.DecodeString(compact); err == nil {
		k.note(raw)
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := e.DecodeString(compact); err == nil {
			k.note(raw)
		}
	}
}

// note adds the forms of all parts of a secret.
func (k *known) note(secret []byte) {
	if len(bytes.TrimSpace(secret)) < least {
		return
	}
	for window := range forms.Windows(secret) {
		for _, f := range forms.Of(window) {
			in := k.exact
			if f.Fold {
				in = k.folded
			}
			at := binary.BigEndian.Uint64([]byte(f.Text))
			if !slices.Contains(in[at], f.Text) {
				in[at] = append(in[at], f.Text)
			}
		}
	}
}

// hide returns text with hidden in the place of what tells a secret; text itself if
// nothing does.
func (k *known) hide(text []byte) []byte {
	var tells []bool // by byte of the text
	mark := func(in []byte, list map[uint64][]string) {
		for at, n := range matches(in, list) {
			if tells == nil {
				tells = make([]bool, len(text))
			}
			for i := at; i < at+n; i++ {
				tells[i] = true
			}
		}
	}
	mark(text, k.exact)
	mark(lower(text), k.folded)
	if tells == nil {
		return text
	}
	out := make([]byte, 0, len(text))
	for i, c := range text {
		switch {
		case !tells[i]:
			out = append(out, c)
		case i == 0 || !tells[i-1]:
			out = append(out, hidden...)
		}
	}
	return out
}

// tells reports whether a text tells a secret.
func (k *known) tells(text []byte) bool {
	for range matches(text, k.exact) {
		return true
	}
	for range matches(lower(text), k.folded) {
		return true
	}
	return false
}

// matches yields where in a text one of the forms in list is, and the length of the longest.
func matches(text []byte, list map[uint64][]string) func(func(at, n int) bool) {
	return func(yield func(at, n int) bool) {
		for at := 0; len(list) > 0 && at+least <= len(text); at++ {
			longest := 0
			for _, form := range list[binary.BigEndian.Uint64(text[at:])] {
				if len(form) > longest && len(form) <= len(text)-at && string(text[at:at+len(form)]) == form {
					longest = len(form)
				}
			}
			if longest > 0 && !yield(at, longest) {
				return
			}
		}
	}
}

// lower returns text with the letters of ASCII in lower case, byte by byte.
func lower(text []byte) []byte {
	out := bytes.Clone(text)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

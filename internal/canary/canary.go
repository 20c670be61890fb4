package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// window is how many bytes of a secret in a row are looked for.
const window = 12

// Finding is one place where a secret was told.
type Finding struct {
	Form string // how it was written
	At   int    // offset in the text
}

// Find returns the first place, for each form, where text tells 12 bytes or more of
// the secret; nil if there is none. A secret of less than 12 bytes is looked for as
// a whole.
func Find(text, secret []byte) []Finding {
	if len(secret) == 0 {
		return nil
	}
	lower := bytes.ToLower(text)
	found := map[string]int{}
	var order []string
	for i := 0; i == 0 || i+window <= len(secret); i++ {
		for _, f := range forms(secret[i:min(i+window, len(secret))]) {
			in := text
			if f.fold {
				in = lower
			}
			if at := bytes.Index(in, []byte(f.text)); at >= 0 {
				if _, again := found[f.name]; !again {
					found[f.name] = at
					order = append(order, f.name)
				}
			}
		}
	}
	out := make([]Finding, 0, len(order))
	for _, name := range order {
		out = append(out, Finding{name, found[name]})
	}
	return out
}

// form is one way to write some bytes.
type form struct {
	name, text string
	fold       bool // in either case
}

// forms writes bytes in every way. Base64 needs one alignment only: all windows of
// the secret are tried, so one of them begins where a group of three does.
func forms(b []byte) []form {
	whole := b[:len(b)/3*3]
	list := []form{
		{"as it is", string(b), false},
		{"in hexadecimal", hex.EncodeToString(b), true},
	}
	if quoted := inner(strconv.Quote(string(b))); quoted != string(b) {
		list = append(list, form{"quoted", quoted, false}, form{"quoted in ASCII", inner(strconv.QuoteToASCII(string(b))), false})
	}
	if len(whole) > 0 {
		list = append(list, form{"in base64", base64.StdEncoding.EncodeToString(whole), false}, form{"in base64 for URLs", base64.URLEncoding.EncodeToString(whole), false})
	}
	for _, sep := range []string{" ", ",", ", "} {
		list = append(list, form{"as numbers", numbers(b, "%d", sep), false}, form{"as hexadecimal numbers", numbers(b, "0x%x", sep), true}, form{"as hexadecimal numbers", numbers(b, "0x%02x", sep), true})
	}
	for _, sep := range []string{" ", ":", "-"} {
		list = append(list, form{"in hexadecimal, separated", numbers(b, "%02x", sep), true})
	}
	return list
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func numbers(b []byte, verb, sep string) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf(verb, c)
	}
	return strings.Join(parts, sep)
}

// around is how much text is shown on each side of a finding.
const around = 60

// Check fails the test for every form in which text tells the secret; what says where
// the text came from. A text that is empty fails too: nothing was looked at.
func Check(t testing.TB, what string, text, secret []byte) {
	t.Helper()
	if len(text) == 0 {
		t.Errorf("%s: there is no text to look at", what)
	}
	for _, f := range Find(text, secret) {
		t.Errorf("%s tells the secret, %s: ...%q...", what, f.Form, text[max(0, f.At-around):min(len(text), f.At+around)])
	}
}

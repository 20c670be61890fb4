package canary

import (
	"bytes"
	"testing"

	"iris/internal/canary/forms"
)

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
	for window := range forms.Windows(secret) {
		for _, f := range forms.Of(window) {
			in := text
			if f.Fold {
				in = lower
			}
			if at := bytes.Index(in, []byte(f.Text)); at >= 0 {
				if _, again := found[f.Name]; !again {
					found[f.Name] = at
					order = append(order, f.Name)
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

package printable

import "testing"

func TestWord(t *testing.T) {
	for s, want := range map[string]string{
		"": "''", "/etc/iris/node.yaml": "/etc/iris/node.yaml", "10.0.0.1:7000": "10.0.0.1:7000",
		"my key": "'my key'", "it's": `'it'\''s'`, "$HOME;rm": "'$HOME;rm'", "~": "'~'", "ä": "'ä'", "a*": "'a*'",
	} {
		if got := Word(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

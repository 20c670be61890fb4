package printable

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"orders/eu-1 ü 語 😀":         "orders/eu-1 ü 語 😀",
		"a\nlevel=ERROR msg=forged": `a\nlevel=ERROR msg=forged`,
		"\x1b[31mred\x1b[0m":        `\x1b[31mred\x1b[0m`,
		"abc\u202edcba\u2066":       `abc\u202edcba\u2066`,
		"\u200bzero\u00a0width":     `\u200bzero\u00a0width`,
		"\u009b31m":                 `\u009b31m`,
		"\xff\xfe\x7f":              `\xff\xfe\x7f`,
		"\ufffd":                    "\ufffd",
		`a\b`:                       `a\b`,
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %s, want %s", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Text(%q) = %q", s, got)
		}
		if Text(got) != got {
			t.Errorf("Text(%q) is not the end of it", s)
		}
	})
}

func TestAligned(t *testing.T) {
	for in, want := range map[string]string{"": "", "a\tb ü": "a\tb ü", "a\x1b[2J\n\u202e": "a\ufffd[2J\ufffd\ufffd", "\xff\xfe": "\ufffd\ufffd"} {
		if got := Aligned(in); got != want || utf8.RuneCountInString(got) != utf8.RuneCountInString(in) {
			t.Errorf("Aligned(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff\u2028😀\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(map[string]string{s: s})
		if err != nil {
			t.Skip()
		}
		got := JSON(text)
		if strings.ContainsFunc(string(got), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("JSON(%s) = %q", text, got)
		}
		var before, after map[string]string
		if json.Unmarshal(text, &before) != nil || json.Unmarshal(got, &after) != nil {
			t.Fatalf("%s became %s", text, got)
		}
		for k, v := range before {
			if after[k] != v {
				t.Errorf("%s became %s", text, got)
			}
		}
	})
}

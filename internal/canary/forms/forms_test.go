package forms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestWindows(t *testing.T) {
	for secret, want := range map[string][]string{
		"":               nil,
		"short":          {"short"},
		"0123456789ab":   {"0123456789ab"},
		"0123456789abcd": {"0123456789ab", "123456789abc", "23456789abcd"},
	} {
		var got []string
		for w := range Windows([]byte(secret)) {
			got = append(got, string(w))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", secret, got, want)
		}
	}
	for range Windows([]byte("0123456789abcd")) {
		break // a reader may have enough
	}
}

// TestOf holds the forms to what package fmt and others print.
func TestOf(t *testing.T) {
	b := []byte{0, 9, 'a', '"', '<', 0xe8, 0xaa, 0x9e, 'z'}
	list := Of(b)
	for _, printed := range []string{
		string(b), fmt.Sprintf("%x", b), fmt.Sprintf("% x", b), strings.Trim(fmt.Sprint(b), "[]"), strings.TrimPrefix(strings.Trim(fmt.Sprintf("%#v", b), "}"), "[]byte{"),
		fmt.Sprintf("%# x", b), inner(strconv.Quote(string(b))), inner(strconv.QuoteToASCII(string(b))), `\u0000\ta\"\u003c語z`, "AAlhIjzoqp56",
	} {
		if !slices.ContainsFunc(list, func(f Form) bool { return f.Text == printed }) {
			t.Errorf("%q is none of the forms", printed)
		}
	}
	for _, f := range list {
		if f.Fold && strings.ToLower(f.Text) != f.Text {
			t.Errorf("%s: %q is not in lower case", f.Name, f.Text)
		}
	}
}

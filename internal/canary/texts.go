package canary

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"iris/internal/canary/forms"
)

// Texts returns texts that tell a secret, as programs print it by accident. Made
// by the printers themselves and not from the list of forms, they hold to it both
// [Find] and what takes secrets out of texts.
func Texts(secret []byte) []string {
	s := string(secret)
	texts := []string{
		s, fmt.Sprint(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret), fmt.Sprintf("%#v", secret), fmt.Sprintf("%# x", secret),
		fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret), strconv.Quote(s), fmt.Sprintf("%#x", secret),
		strings.Join(strings.Fields(fmt.Sprint(secret)), ","), strings.Join(strings.Fields(fmt.Sprint(secret)), ", "),
		strings.ReplaceAll(fmt.Sprintf("% X", secret), " ", ":"), strings.ReplaceAll(fmt.Sprintf("% x", secret), " ", "-"),
	}
	for _, before := range []string{"", "a", "ab", "abc"} {
		for _, after := range []string{"", "x", "xy"} {
			all := []byte(before + s + after)
			if len(secret) < forms.Window { // its ends share their groups with what is around
				all = secret
			}
			for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
				texts = append(texts, e.EncodeToString(all))
			}
		}
	}
	values := []any{map[string]any{"x": secret}}
	if utf8.Valid(secret) { // else it is lost
		values = append(values, map[string]any{s: 1, "x": []string{s}})
	}
	for _, v := range values {
		if text, err := json.Marshal(v); err == nil { // always
			texts = append(texts, string(text))
		}
	}
	if len(secret) > forms.Window {
		part := secret[min(3, len(secret)-forms.Window):]
		texts = append(texts, fmt.Sprint(part[:forms.Window]), s[len(s)-forms.Window:])
	}
	return texts
}

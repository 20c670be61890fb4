package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"iris/internal/canary"
	"iris/transport/identity"
)

func TestRedactor(t *testing.T) {
	r := NewRedactor([]byte("my very own key"), []byte("short"), nil)
	for text, want := range map[string]string{
		"id 0123456789abcdef0123456789abcdef stays":                           "",
		"iris/clusters/orders/3 and github.com/quic-go/quic-go.(*Conn).Loop1": "",
		"short stays": "",
		"token_file: /etc/iris/token, key: a.key":                        "",
		"a my very own key b":                                            "a " + hidden + " b",
		"Authorization: Bearer abc.d":                                    "Authorization: " + hidden,
		"a bearer abc.d":                                                 "a bearer " + hidden,
		"password: my pass phrase\nnext":                                 "password: " + hidden + "\nnext",
		"a:\r\n  secret:\r\n    one\r\n    two\r\n\r\n  b: 1\r\n":        "a:\r\n  secret:\r\n    " + hidden + "\r\n    " + hidden + "\r\n\r\n  b: 1\r\n",
		"password: one\n  two\nthree":                                    "password: " + hidden + "\n  " + hidden + "\nthree",
		"api-key = abc def":                                              "api-key = " + hidden,
		`svc token="hunter2hunter2"`:                                     "svc token=" + hidden,
		"https://user:hunter2@host/a and http://b@c:1":                   "https://" + hidden + "@host/a and http://" + hidden + "@c:1",
		"x -----BEGIN PRIVATE KEY-----\nAB\n-----END PRIVATE KEY----- y": "x " + hidden + " y",
		"x -----BEGIN RSA PRIVATE KEY-----\nAB cut":                      "x " + hidden,
		"k " + strings.Repeat("ab12", 16) + " e":                         "k " + hidden + " e",
		"k 0x" + strings.Repeat("ab12", 16) + " e":                       "k 0x" + hidden + " e",
		"k " + base64.StdEncoding.EncodeToString([]byte("key material with 0123 and more, Z")): "k " + hidden,
	} {
		if want == "" {
			want = text
		}
		if got := string(r.Clean([]byte(text))); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestRedactorOfJSON(t *testing.T) {
	const h = `"` + hidden + `"`
	r := NewRedactor([]byte("my very own key"), []byte("12345678"))
	for text, want := range map[string]string{
		`{"name": "svc <a> \u00e9", "n": 1.50, "b":[true, null,{}]}` + "\n": "",
		`{"token": 5}`:                                                          `{"token": ` + h + `}`,
		`{"token":null,"b":1}`:                                                  `{"token":` + h + `,"b":1}`,
		`{"secret": true}`:                                                      `{"secret": ` + h + `}`,
		`{"password":["abc", {"a":[]}], "b": [1]}`:                              `{"password":` + h + `, "b": [1]}`,
		`{"apiKey":"a","key":"b","tls_key":"c"}`:                                `{"apiKey":` + h + `,"key":` + h + `,"tls_key":` + h + `}`,
		`{"monkey":"a","Tokens":{"a":1},"token_file":2}`:                        `{"monkey":"a","Tokens":` + h + `,"token_file":2}`,
		`{"name": "svc token=\"hunter2hunter2\""}`:                              `{"name": "svc token=` + hidden + `"}`,
		`{"url": "https://user:hunter2@host/"}`:                                 `{"url": "https://` + hidden + `@host/"}`,
		`{"a my very own key b": "<my very own key>"}`:                          `{"a ` + hidden + ` b": "<` + hidden + `>"}`,
		`{"m\u0079 very own key": 12345678, "a": [0]}`:                          `{` + h + `: ` + h + `, "a": [0]}`,
		`[109,121, 32,118,101,114,121,32,111,119,110,32,107,101,121]`:           h,
		`{"a":[1,[109,121,32,118,101,114,121,32,111,119,110,32,107,101,121]]}`:  `{"a":[1,` + h + `]}`,
		`{"a":"109 121 32 118 101 114 121 32 111 119 110 32 107 101 121"}`:      `{"a":` + h + `}`,
		"{\"a\":\"token: x\"}\n{\"b\":2}\n":                                     "{\"a\":\"token: " + hidden + "\"}\n{\"b\":2}\n",
		`"-----BEGIN PRIVATE KEY-----\nAB\n-----END PRIVATE KEY-----\n"`:        `"` + hidden + `\n"`,
		`{"text":"password:\n  one\n two\nthree"}`:                              `{"text":"password:\n  ` + hidden + `\n ` + hidden + `\nthree"}`,
		`{"text":"{\"token\": 5, \"b\": 1}"}`:                                   `{"text":"{\"token\": ` + hidden + `"}`,
		`{"labels":{"a":"` + strings.Repeat("0f", 32) + `"},"password":"x"}   `: `{"labels":{"a":` + h + `},"password":` + h + `}   `,
	} {
		if want == "" {
			want = text
		}
		if got := string(r.Clean([]byte(text))); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{`{"token": 5`, `[1,]`, `{"token": "5" 5}`, `{"token": "x`, `["a"]] token: x`} { // no JSON: text
		if got := r.Clean([]byte(text)); bytes.Contains(got, []byte("5")) || bytes.Contains(got, []byte("x")) {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// told fails the test if what a redactor leaves of texts, as they are and in JSON,
// tells a secret that it knows.
func told(t *testing.T, r *Redactor, secret []byte, texts ...string) {
	t.Helper()
	for _, text := range texts {
		got := r.Clean([]byte("before " + text + " after"))
		canary.Check(t, "the text", got, secret)
		if !bytes.HasPrefix(got, []byte("before")) || !bytes.HasSuffix(got, []byte("after")) {
			t.Errorf("%q became %q", text, got)
		}
		canary.Check(t, "the text alone", append(r.Clean([]byte(text)), '\n'), secret)
		data, err := json.Marshal([]any{text, map[string]any{text: text, "x": []byte(text)}, json.RawMessage("[1]")})
		if err != nil {
			t.Fatal(err)
		}
		got = r.Clean(data)
		canary.Check(t, "JSON", got, secret)
		if !json.Valid(got) {
			t.Errorf("%s became %s", data, got)
		}
	}
}

// TestNoFormIsLeft: what finds secrets in all that tests print finds none in what
// the redactor has cleaned.
func TestNoFormIsLeft(t *testing.T) {
	pem, err := identity.GeneratePEM(nil)
	if err != nil {
		t.Fatal(err)
	}
	var binary []byte
	for i := range 32 {
		binary = append(binary, byte(i*37+130))
	}
	for _, secret := range [][]byte{pem, binary, canary.Key(), []byte("hunter2!"), []byte("hunter2hunter"), []byte("\"quoted\\ \t<b> \u00e9\u8a9e\n or so"), []byte("\x00\x01\x02 \xff\xfe\xfd {} , : []")} {
		told(t, NewRedactor(secret), secret, canary.Texts(secret)...)
	}
	// What it stands for is as secret as the text.
	for _, text := range []string{base64.StdEncoding.EncodeToString(binary), base64.RawURLEncoding.EncodeToString(binary) + "\n", strings.ToUpper("00112233445566778899aabbccddeeff")} {
		r := NewRedactor([]byte(text))
		told(t, r, []byte(text), canary.Texts([]byte(strings.TrimSpace(text)))...)
		if !strings.HasPrefix(text, "0011") {
			told(t, r, binary, canary.Texts(binary)...)
		}
	}
}

// FuzzRedactor: nothing of a secret is left, whatever is around it, and JSON stays JSON.
func FuzzRedactor(f *testing.F) {
	f.Add([]byte("hunter2hunter2"), "svc token=\"", "\"", byte(0))
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\r"), "{\"password\": [", "]}", byte(9))
	f.Add([]byte("\":\"\":\"\":\"\":\""), "\":\"", "https://a:b@c", byte(20))
	f.Add([]byte("[redacted][redacted]"), "token: ", "x", byte(31))
	f.Fuzz(func(t *testing.T, secret []byte, before, after string, form byte) {
		if len(secret) > 64 || len(bytes.TrimSpace(secret)) < least || len(before)+len(after) > 256 {
			t.Skip()
		}
		r := NewRedactor(secret)
		if r.known.tells([]byte(hidden)) {
			t.Skip() // no text can be without it
		}
		if texts := canary.Texts(secret); len(texts) > 0 {
			text := before + texts[int(form)%len(texts)] + after
			if found := canary.Find(r.Clean([]byte(text)), secret); len(found) > 0 {
				t.Errorf("%q is left with %v of %q", r.Clean([]byte(text)), found, secret)
			}
			for _, v := range []any{text, map[string]any{before: text, text: secret}, []any{map[string]any{"token": []string{text}}, after}} {
				data, err := json.MarshalIndent(v, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				got := r.Clean(data)
				if !json.Valid(got) {
					t.Errorf("%s became %s", data, got)
				}
				if found := canary.Find(got, secret); len(found) > 0 {
					t.Errorf("%s is left with %v of %q", got, found, secret)
				}
			}
		}
	})
}

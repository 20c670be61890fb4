package identity

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestNothingPrintsTheKey is the canary: whatever is formatted in whatever way,
// neither the network key nor anything secret derived from it shows.
func TestNothingPrintsTheKey(t *testing.T) {
	s := rawKey(t, 1)
	k := keyring(t, "net", s)
	i := node(t, k, clock0)
	var canaries []string
	for _, b := range [][]byte{
		s.key()[len("raw\x00"):], k.keys[0].prk(), k.keys[0].caKey().Seed(), i.leaf().Seed(), k.keys[0].expand("sub/beacon", 32),
	} {
		canaries = append(canaries, leakForms(b)...)
	}
	type holder struct {
		Public   Secret
		hidden   Secret
		pointer  *Secret
		list     []Secret
		byName   map[string]Secret
		any      any
		ring     *Keyring
		identity *Identity
		config   any
	}
	h := holder{s, s, &s, []Secret{s}, map[string]Secret{"k": s}, s, k, i, i.ServerTLS()}
	values := map[string]any{
		"secret": s, "pointer": &s, "struct": h, "pointer to struct": &h, "slice": []Secret{s}, "keyring": k, "*keyring": *k,
		"key": *k.keys[0], "identity": i, "server config": i.ServerTLS(), "client config": i.ClientTLS(i.ID()),
		"error": fmt.Errorf("start: %v: %w", s, errors.New("x")),
	}
	check := func(t *testing.T, how, out string) {
		t.Helper()
		for _, c := range canaries {
			if strings.Contains(out, c) {
				t.Errorf("%s shows the key", how)
			}
		}
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for _, verb := range "vTtbcdoOqxXUeEfFgGsp!w" {
				for _, flags := range []string{"", "+", "#", " ", "-20.40", "#+"} {
					format := "%" + flags + string(verb)
					check(t, format, fmt.Sprintf(format, v))
				}
			}
			check(t, "Sprint", fmt.Sprint(v)+fmt.Sprintln(v))
			if out, err := json.Marshal(v); err == nil {
				check(t, "JSON", string(out))
			}
			var buf bytes.Buffer
			for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&buf, nil)), slog.New(slog.NewJSONHandler(&buf, nil))} {
				l.Info("start", "value", v, slog.Group("g", slog.Any("value", v)))
			}
			check(t, "slog", buf.String())
		})
	}
}

func TestSecretSaysRedacted(t *testing.T) {
	s := rawKey(t, 1)
	text, _ := s.MarshalText()
	js, _ := json.Marshal(map[string]any{"k": s})
	for how, got := range map[string]string{
		"String": s.String(), "GoString": s.GoString(), "%x": fmt.Sprintf("%x", s), "%d": fmt.Sprintf("%d", s),
		"%+v": fmt.Sprintf("%+v", s), "text": string(text), "LogValue": s.LogValue().String(), "JSON": string(js),
	} {
		if !strings.Contains(got, "[redacted]") {
			t.Errorf("%s: %q", how, got)
		}
	}
}

// TestErrorsDoNotQuoteKeys holds that a key refused does not end in a log.
func TestErrorsDoNotQuoteKeys(t *testing.T) {
	weak := "secretsecretsecretsecretsecretsecretsecret!"
	for _, data := range []string{
		weak, weak[:20], "-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\n", hex.EncodeToString([]byte(weak[:20])),
	} {
		_, err := Parse([]byte(data))
		if err == nil {
			t.Fatalf("%q accepted", data)
		}
		for _, leak := range []string{"secretsecret", "c2VjcmV0", hex.EncodeToString([]byte("secret"))} {
			if strings.Contains(err.Error(), leak) {
				t.Errorf("error quotes the key: %v", err)
			}
		}
	}
}

func TestSecretEqual(t *testing.T) {
	a, b := rawKey(t, 1), rawKey(t, 2)
	if !a.Equal(rawKey(t, 1)) || a.Equal(b) || a.Equal(Secret{}) || (Secret{}).Equal(a) || !(Secret{}).Equal(Secret{}) {
		t.Error("Equal is wrong")
	}
}

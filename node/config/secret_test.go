package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const pem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----`

// canaries are parts of the key material used in this file that must not come
// out of the package in any form.
var canaries = []string{"c4n4ry", "N3v3rPr1nted", "MC4CAQAwBQ", "AMcrn9g", "correct horse"}

func noCanary(t *testing.T, where, text string) {
	t.Helper()
	for _, c := range canaries {
		if strings.Contains(text, c) {
			t.Errorf("%s shows key material:\n%s", where, text)
		}
		if hex := fmt.Sprintf("%x", c); strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s shows key material in hex:\n%s", where, text)
		}
		if dec := strings.Trim(fmt.Sprint([]byte(c)), "[]"); strings.Contains(text, dec) {
			t.Errorf("%s shows key material in decimal:\n%s", where, text)
		}
	}
}

func TestSecretNeverInFormatting(t *testing.T) {
	c := Default()
	c.Network = Network{Name: "n", Secret: []byte(key32)}
	holder := struct {
		C Config
		P *Config
		N Network
		M map[string]Config
	}{c, &c, c.Network, map[string]Config{"x": c}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%b"} {
		for _, v := range []any{c, &c, c.Network, &c.Network, holder, []Config{c}, []any{c.Network}, c.Network.Secret, struct{ S Secret }{c.Network.Secret}} {
			noCanary(t, verb, fmt.Sprintf(verb, v))
		}
	}
	for _, v := range []any{c, &c, c.Network, &c.Network, holder, c.Network.Secret, []Secret{c.Network.Secret}} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		noCanary(t, "json", string(data))
		if data, err = yaml.Marshal(v); err != nil {
			t.Fatal(err)
		}
		noCanary(t, "yaml", string(data))
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		l := slog.New(h)
		l.Info("starting", "config", c, "pointer", &c, "network", c.Network, slog.Any("holder", holder), slog.Group("g", "n", &c.Network), "secret", c.Network.Secret)
	}
	noCanary(t, "slog", log.String())
	noCanary(t, "settings", fmt.Sprint(c.Settings()))
	noCanary(t, "YAML", c.YAML(Origins{}))
}

// TestSecretNeverInErrors puts key material where people put it, rightly and
// wrongly, next to mistakes of every sort.
func TestSecretNeverInErrors(t *testing.T) {
	indent := func(s, by string) string { return by + strings.ReplaceAll(s, "\n", "\n"+by) }
	phrase := "correct horse: battery staple of many words"
	for _, text := range []string{
		"network: {name: n, secret: " + key32 + ", nmae: x}",
		"network:\n  name: [n]\n  secret: " + key32 + "\n  sceret: " + key32,
		"network:\n  scret: " + key32,
		"network:\n  key: " + key32 + "\n  seed: \"" + phrase + "\"",
		"netwrok:\n  secret: " + key32,
		"secret: " + key32,
		"scret: '" + phrase + "'",
		"key: |\n" + indent(pem, "  "),
		"network:\n  key: |\n" + indent(pem, "    "),
		"network:\n  secret: |\n" + indent(pem, "    ") + "\n  bogus: 1\nlimits: 7\n",
		"network:\n  secret: |\n" + indent(pem, "  ") + "\n",
		"network:\n  secret: |\n" + pem + "\n",
		"network:\n  secret:\n" + indent(pem, "  ") + "\n",
		"network:\n  secret: >\n" + indent(pem, "   ") + "\n   : x\n",
		"network:\n  secret: \"" + key32 + "\n  name: x\n",
		"network:\n  secret: '" + phrase + "\n",
		"network:\n  secret: " + phrase + "\n",
		"network:\n  secret:\n    " + phrase + "\n",
		"network:\n  secret: " + key32 + "\n  secret: " + key32 + "\n",
		"network:\n  secret: [" + key32 + "]\n",
		"network:\n  secret: {" + key32 + ": 1}\n",
		"network:\n  secret: &a " + key32 + "\n",
		"network:\n  secret: !!str " + key32 + "\n",
		"network:\n  name: \"" + key32 + "\n\"\n",
		"network:\n  secret: " + key32 + " # and\n\tx: y\n",
		"network:\n  " + key32 + ": name\n",
		"network: " + key32 + "\n",
		key32,
		key32 + ": 1\n",
		"network:\n  name: n\n  secret: correct horse\n",
		"network:\n  name: n\n  secret: |\n    correct horse\n    battery staple\n  name: m\n",
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			_, err := Parse("node.yaml", []byte(strings.ReplaceAll(text, "\n", eol)))
			if err == nil {
				continue
			}
			noCanary(t, "error for\n"+text, fmt.Sprintf("%v", err)+fmt.Sprintf("%+v", err)+fmt.Sprintf("%#v", err))
		}
	}
}

func TestSecretNotFromEnvironment(t *testing.T) {
	_, _, err := load("", []string{"IRIS_NETWORK_NAME=n", "IRIS_NETWORK_SECRET=" + key32})
	if err == nil || !strings.Contains(err.Error(), "environment: IRIS_NETWORK_SECRET: the secret is not taken from the environment") {
		t.Fatalf("got %v", err)
	}
	noCanary(t, "the error", fmt.Sprintf("%+v", err))
	_, _, err = load("", []string{"IRIS_NETWORK_NAME=n", "IRIS_NETWORK_KEY=" + strings.Repeat("ab", 32)})
	if err == nil || strings.Contains(err.Error(), "abab") {
		t.Errorf("a key in place of a path: got %v", err)
	}
	_, _, err = load("", []string{"IRIS_NETWORK_SECRT=" + key32})
	if err == nil || !strings.Contains(err.Error(), "did you mean") {
		t.Errorf("got %v", err)
	}
	noCanary(t, "the error", fmt.Sprintf("%+v", err))
}

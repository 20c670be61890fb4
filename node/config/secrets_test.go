package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSecrets: the secrets are had from a good file, and from files with every
// mistake that a file may have.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	files := []string{"net.key", "relay.token", "admin.token", "admin.pem", "etcd.password", "etcd.pem"}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("what "+name+" holds\n"), 0o644); err != nil { // others can read it
			t.Fatal(err)
		}
	}
	const good = `
network: {name: shop, key: net.key}
relay: {token_file: relay.token}
admin:
  token_file: "admin.token"
  tls_key: 'admin.pem'
discovery: {etcd: {password_file: etcd.password, tls_key: etcd.pem}}
`
	for name, text := range map[string]string{
		"as it is":       good,
		"unknown key":    good + "nothing: {a: 1}\n",
		"wrong section":  strings.ReplaceAll(good, "relay:", "relai:"),
		"broken YAML":    good + "\t- : : [\n",
		"wrong value":    good + "listen: nowhere at all\n",
		"no valid UTF-8": good + "# \xff\n",
	} {
		file := filepath.Join(dir, "node.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Secrets(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range files {
			if !slices.ContainsFunc(got, func(s []byte) bool { return bytes.Contains(s, []byte("what "+want+" holds")) }) {
				t.Errorf("%s: what is in %s is missing in %q", name, want, got)
			}
		}
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "net.key")), os.WriteFile(filepath.Join(dir, "node.yaml"), []byte(good+"node: {labels: {key: value}}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, err := Secrets(filepath.Join(dir, "node.yaml")); err == nil || !strings.Contains(err.Error(), "net.key") || len(got) != len(files)-1 || strings.Contains(err.Error(), "value") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Secrets(filepath.Join(dir, "none.yaml")); err == nil {
		t.Error("a file that is not there was read")
	}
	if got, err := Secrets(""); err != nil || len(got) > 0 {
		t.Errorf("without a file: %q, %v", got, err)
	}
}

func TestSecretsInTheFile(t *testing.T) {
	const want = "a secret, that nobody sees"
	for _, text := range []string{
		"network: {name: a, secret: '" + want + "'}\n",
		"network:\n  secret: " + want + "\n  name: a\n",
		"network:\n  secret: \"" + want + "\"\n",
		"network:\n  secret: |\n    " + want + "\n  name: a\n",
		"network:\n  secret:\n    " + want + "\n\t: [\n",
		"netwrok = {\n  secret = \"" + want + "\"\n",
	} {
		file := filepath.Join(t.TempDir(), "node.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Secrets(file)
		if err != nil || !slices.ContainsFunc(got, func(s []byte) bool { return string(s) == want }) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	t.Setenv("IRIS_NETWORK_SECRET", want)
	if got, err := Secrets(""); err != nil || len(got) != 1 || string(got[0]) != want {
		t.Errorf("in the environment: %q, %v", got, err)
	}
}

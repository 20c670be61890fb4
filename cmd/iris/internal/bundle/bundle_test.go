package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"iris/internal/canary"
	"iris/node/admin/client"
	"iris/transport/identity"
)

// archive reads an archive.
func archive(t *testing.T, data []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(h.Name, "iris-bundle/")
		if !ok || h.Mode != 0o600 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
		files[name] = string(text)
	}
}

// TestKeyIsNotInIt has a node repeat the network key, in every encoding, in all
// that it says.
func TestKeyIsNotInIt(t *testing.T) {
	dir := t.TempDir()
	pem, err := identity.GeneratePEM(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 36)
	rand.Read(raw) // never fails
	token := strings.Repeat("c0ffee", 8)
	for name, text := range map[string]string{
		"network.key": string(pem), "raw.key": hex.EncodeToString(raw), "token": token,
		"node.yaml":   "network: {name: shop, key: network.key}\nrelay: {token_file: token}\n",
		"raw.yaml":    "network: {name: shop, key: raw.key}\n",
		"secret.yaml": "network: {name: shop, secret: 'c4n4ry: a secret that nobody may see in any output'}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	body := strings.Split(string(pem), "\n")[1]
	canaries := map[string][]string{
		"node.yaml":   {string(pem), body, base64.StdEncoding.EncodeToString(pem), hex.EncodeToString(pem), hex.EncodeToString([]byte(body)), token, strings.ToUpper(token)},
		"raw.yaml":    {hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.StdEncoding.EncodeToString(raw), base64.URLEncoding.EncodeToString(raw)},
		"secret.yaml": {"c4n4ry: a secret that nobody may see in any output", hex.EncodeToString([]byte("c4n4ry: a secret that nobody may see in any output"))},
	}
	for file, secrets := range canaries {
		said := strings.Join(secrets, " ")
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			quoted, _ := json.Marshal(said) // of a string: cannot fail
			switch {
			case strings.HasSuffix(r.URL.Path, "/events"):
				fmt.Fprintf(w, "event: X\ndata: {\"kind\":\"X\",\"text\":%s}\n\n", quoted)
			case strings.HasPrefix(r.URL.Path, "/api"):
				fmt.Fprintf(w, `{"items":[{"id":%s}],"total":1,"id":%s}`, quoted, quoted)
			default:
				fmt.Fprint(w, said)
			}
		}))
		c, err := client.New(client.Config{Addr: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		files, missing, err := Write(t.Context(), &out, Config{Client: c, File: filepath.Join(dir, file), Events: time.Minute, Timeout: time.Minute, Version: map[string]string{"version": said}})
		if err != nil {
			t.Fatal(err)
		}
		got := archive(t, out.Bytes())
		if len(got) != len(Contents()) || len(files) != len(got) {
			t.Errorf("%s: %d files, told %d, promised %d, missing %v", file, len(got), len(files), len(Contents()), missing)
		}
		for name, text := range got {
			if Contents()[name] == "" {
				t.Errorf("%s is not in the list of contents", name)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
				t.Errorf("%s: %s is no JSON: %s", file, name, text)
			}
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("%s: %s shows %q", file, name, secret)
				}
			}
		}
		if !strings.Contains(got["node.json"], hidden) || !strings.Contains(got["config-file.yaml"], "shop") {
			t.Errorf("%s: too much is hidden, or too little:\n%s\n%s", file, got["node.json"], got["config-file.yaml"])
		}
		c.Close()
		s.Close()
	}
}

// TestNoNode: what can be had without a node is written, and what cannot is told.
func TestNoNode(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	c, err := client.New(client.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Close()
	var out bytes.Buffer
	_, missing, err := Write(t.Context(), &out, Config{Client: c, Events: time.Second, Timeout: time.Second})
	got := archive(t, out.Bytes())
	if err != nil || len(missing) < 10 || !strings.Contains(got["errors.txt"], "node.json: ") || !strings.Contains(got["host.json"], `"processors"`) || got["doctor.json"] == "" {
		t.Errorf("%v, missing %v, %v", err, missing, got)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, _, err := Write(ctx, io.Discard, Config{Client: c, Timeout: time.Second}); err != enough {
		t.Errorf("got %v", err)
	}
}

// TestBrokenConfig: the secrets that a config file names are not in the archive
// when it has mistakes either, and what could not be read is told.
func TestBrokenConfig(t *testing.T) {
	dir := t.TempDir()
	secret, password := canary.Key(), []byte("hunter2hunter2")
	file := filepath.Join(dir, "node.yaml")
	for name, text := range map[string]string{
		"key": string(secret), "password": string(password) + "\n",
		"node.yaml": "network: {name: shop, key: key}\nnothing: {}\nrelay: {token_file: none}\ndiscovery:\n  etcd: {endpoints: ['https://etcd:2379'], password_file: password}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { // others can read it
			t.Fatal(err)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api") {
			_ = json.NewEncoder(w).Encode(map[string]any{"items": []any{map[string]any{"name": "svc " + string(password), "bytes": secret}}, "total": 1, "x": string(secret)})
			return
		}
		fmt.Fprintf(w, "%v %s\n", secret, password)
	}))
	defer s.Close()
	c, err := client.New(client.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out bytes.Buffer
	if _, _, err := Write(t.Context(), &out, Config{Client: c, File: file, Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	got := archive(t, out.Bytes())
	for name, text := range got {
		canary.Check(t, name, []byte(text), secret)
		canary.Check(t, name, []byte(text), password)
	}
	if !strings.Contains(got["clusters.json"], "svc "+hidden) || !strings.Contains(got["errors.txt"], "secrets that were not looked for: ") || !strings.Contains(got["errors.txt"], "none") {
		t.Errorf("clusters: %s\nerrors: %s", got["clusters.json"], got["errors.txt"])
	}
	if got["README.txt"] != string(readme()) {
		t.Errorf("the list of contents is cleaned too well:\n%s", got["README.txt"])
	}
}

// TestTooLong: a file that is cut ends with a line; JSON is not cut.
func TestTooLong(t *testing.T) {
	var out bytes.Buffer
	c := &collector{tar: tar.NewWriter(&out), redact: NewRedactor()}
	c.add("a.txt", bytes.Repeat([]byte("all of a line\n"), MaxFile/10))
	c.json("a.json", strings.Repeat("a b ", MaxFile/3))
	if c.failed != nil || len(c.files) != 1 || c.files[0].Bytes > MaxFile || c.files[0].Bytes < MaxFile-20 || c.files[0].Bytes%14 != 0 || len(c.errs) != 2 {
		t.Errorf("%v, %v, %v", c.files, c.errs, c.failed)
	}
}

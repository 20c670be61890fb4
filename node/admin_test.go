package node

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"iris/node/config"
	"iris/node/inspect"
)

// get returns what a node's admin endpoint answers.
func get(t *testing.T, n *Node, path string, headers ...string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", n.AdminURLs()[0]+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// A program's node has an admin endpoint only if it asks for one; where it does, a
// port in use is an error, unless nobody has named it.
func TestAdminIsOpenedAsConfigured(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	n, _, err := began(t, func(*config.Config) {})
	if err != nil || len(n.AdminURLs()) > 0 {
		t.Errorf("without a word: %v", err)
	}
	n, said, err := began(t, func(c *config.Config) { c.Admin.Listen = "0" })
	if err != nil || len(n.AdminURLs()) == 0 || !strings.Contains(said, "admin listening") {
		t.Errorf("with a port: %v\n%s", err, said)
	}
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, listen := range []string{taken.Addr().String(), port} {
		_, _, err = began(t, func(c *config.Config) { c.Admin.Listen = listen })
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a port in use: %v", err)
		}
		n, said, err = began(t, func(c *config.Config) { c.Admin.Listen, c.Admin.Optional = listen, true })
		if err != nil || len(n.AdminURLs()) > 0 || !strings.Contains(said, "admin is off") {
			t.Errorf("a port in use that nobody named: %v\n%s", err, said)
		}
	}
	_, _, err = began(t, func(c *config.Config) { c.Admin.Listen = "0.0.0.0:0" })
	if err == nil {
		t.Error("an admin endpoint for everybody without a token")
	}
	_, _, err = began(t, func(c *config.Config) { c.Admin.Listen, c.Admin.TokenFile = "0", "nowhere" })
	if err == nil {
		t.Error("a token file that is not there")
	}
}

func TestAdminShowsTheNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	const token = "00112233445566778899aabbccddeeff"
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Log.Handler = slog.DiscardHandler
	cfg.Admin.Listen, cfg.Admin.TokenFile = "0", file
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, n)
	if status, body := get(t, n, "api/v1/node"); status != 401 {
		t.Errorf("without the token: %d %s", status, body)
	}
	status, body := get(t, n, "api/v1/node", "Authorization", "Bearer "+token)
	var about inspect.Node
	if err := json.Unmarshal(body, &about); status != 200 || err != nil || about.ID != n.ID() {
		t.Errorf("%d %s %v", status, body, err)
	}
	if status, body := get(t, n, "readyz"); status != 200 {
		t.Errorf("not ready: %d %s", status, body)
	}
}

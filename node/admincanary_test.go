package node

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/config"
)

// No page of the admin endpoint has the network key, or the token, whatever one
// asks and whatever goes wrong.
func TestTheAdminEndpointTellsNoSecret(t *testing.T) {
	key := []byte("canary in a coal mine, it must not sing 0123456789")
	const token = "00112233445566778899aabbccddeeff"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(sink)
	nodes := together(t, 2, func(c *config.Config) {
		c.Network.Secret = key
		c.Log.Handler = slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})
		c.Admin.Listen, c.Admin.TokenFile, c.Admin.PProf = "0", file, true
	})
	if _, err := nodes[0].Register("c", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[1].Request(t.Context(), "c", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	bearer := []string{"Authorization", "Bearer " + token}
	paths := []string{
		"", "healthz", "readyz", "metrics", "nothing", "login", "api/", "api/v1/nothing", "api/v1/peers?limit=x", "api/v1/actors?parent=iris", "api/v1/trace?cluster=c",
		"api/v1/clusters?name=c", "debug/pprof/", "debug/pprof/heap?debug=1", "debug/pprof/goroutine?debug=2", "debug/pprof/cmdline", "debug/pprof/heap",
	}
	for _, what := range []string{"node", "peers", "ring", "network", "clusters", "topics", "tunnels", "actors", "deadletters", "relay", "trace", "config"} {
		paths = append(paths, "api/v1/"+what, "api/v1/nodes/"+nodes[1].ID()+"/"+what)
	}
	for _, path := range paths {
		_, body := get(t, nodes[0], path, bearer...)
		_, refusal := get(t, nodes[0], path)
		_, _ = said.Write(append(body, refusal...)) // never fails
	}
	for path, body := range map[string]string{
		"login": `{"token":"` + token + `"}`, "api/v1/drain": "", "api/v1/disconnect": `{"peer":"` + nodes[1].ID() + `"}`, "api/v1/loglevel": `{"level":"debug"}`,
		"api/v1/restart": `{"pid":"iris/clusters"}`, "api/v1/stop": `{"pid":"nobody"}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", nodes[0].AdminURLs()[0]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Authorization": bearer[1:], "Content-Type": {"application/json"}, "X-Iris-Admin": {"1"}}
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		err = resp.Write(said)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	raw, err := hex.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(said.String())
	if !bytes.Contains(text, []byte("iris_ready 1")) || !bytes.Contains(text, []byte("goroutine 1 [")) {
		t.Errorf("little was said: %d bytes", len(text))
	}
	canary.Check(t, "the admin endpoint, of the key,", text, key)
	canary.Check(t, "the admin endpoint, of the token,", text, raw)
	canary.Check(t, "the admin endpoint, of the token as it is in the file,", text, []byte(token))
}

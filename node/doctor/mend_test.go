package doctor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"iris/transport"
	"iris/transport/identity"
)

// TestMends: commands are made of what there is, and paths are words of a shell.
func TestMends(t *testing.T) {
	h := well()
	h.Knock = func(context.Context, *identity.Identity, string) (transport.Answer, error) {
		return transport.Answer{}, transport.ErrForeign
	}
	dir := filepath.Join(t.TempDir(), "my files")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, given := configFile(t, "")
	pem, err := os.ReadFile(given)
	if err != nil {
		t.Fatal(err)
	}
	key, file, inline := filepath.Join(dir, "network.key"), filepath.Join(dir, "node.yaml"), filepath.Join(dir, "inline.yaml")
	for name, text := range map[string]string{
		key: string(pem), file: "network: {name: shop, key: network.key}\n",
		inline: "network: {name: shop, secret: MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRmdoaWprbG1ub3A=}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mends := func(file string) []string {
		t.Helper()
		f := the(t, Run(t.Context(), Config{File: file, Addrs: []string{"10.0.0.1:7000"}, Host: h}), "seed")
		if f.Verdict != Fail {
			t.Errorf("%+v", f)
		}
		return f.Mend
	}
	if got := mends(file); !slices.ContainsFunc(got, has("-c '"+file+"'")) || !slices.ContainsFunc(got, has("sha256sum '"+key+"'")) {
		t.Errorf("%q", got)
	}
	if got := mends(inline); !slices.ContainsFunc(got, has("grep secret: '"+inline+"'")) {
		t.Errorf("%q", got)
	}
	t.Setenv("IRIS_NETWORK_NAME", "shop")
	t.Setenv("IRIS_NETWORK_KEY", key)
	if got := mends(""); !slices.ContainsFunc(got, has("iris config show --origin   #")) || !slices.ContainsFunc(got, has("sha256sum '"+key+"'")) {
		t.Errorf("%q", got)
	}
	p := &patient{Config: Config{}}
	if got := p.set("relay.listen", " to another port"); got != "set IRIS_RELAY_LISTEN to another port" {
		t.Error(got)
	}
}

func has(text string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, text) }
}

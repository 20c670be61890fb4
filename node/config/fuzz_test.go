package config

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"iris/internal/printable"
)

// FuzzParse holds Parse to this: it never panics; what it accepts is valid and
// survives being written and read again; what it refuses is explained by
// problems with a position inside the file and no control characters.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "network: {name: a, key: b}", "limits:\n  frame: 1MiB\n  peers: 7\n", "seeds: [a:1, '[::1]:2']",
		"clusters: {echo: {members: 4, strategy: {window: 1m, exhausted: stop}}}", "node: {labels: {a: b, c: 1}}", "topics: {a: {reliable: true}, b: }\noverlay: {mesh_max: 4, leaf_set: 8}\n",
		"network:\n  name: n\n  secret: |\n    0123456789abcdefABCDEFghijklmnop\n", "a: &x [1]\nb: *x\n", "<<: {}\n", "? [a]\n: b\n",
		"log: {level: debug, format: json}\nshutdown: {timeout: 5s}\n", "listen: \"\\u0000:1\"\n", "\t- : :\n", "---\n...\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("node.yaml", data)
		if err == nil {
			if err := Validate(c); err != nil {
				t.Fatalf("accepted but not valid: %v", err)
			}
			if len(c.Network.Secret) > 0 {
				return // shown masked, so it cannot be read again
			}
			maps.DeleteFunc(c.Clusters, func(_ string, cl Cluster) bool { return cl == Cluster{} }) // says nothing, is not written
			again, err := Parse("node.yaml", []byte(c.YAML(nil)))
			if err != nil {
				t.Fatalf("what YAML writes is refused: %v\n%s", err, c.YAML(nil))
			}
			if diff := cmp.Diff(c, again, cmp.Transformer("fields", expose), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("written and read again (-first +second):\n%s", diff)
			}
			return
		}
		var ps Errors
		if !errors.As(err, &ps) || len(ps) == 0 {
			t.Fatalf("error of type %T: %v", err, err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for _, p := range ps {
			if p.Message == "" || p.Line < 0 || p.Line > lines || (p.Line == 0) != (p.Column == 0) {
				t.Fatalf("problem %+v in a file of %d lines", p, lines)
			}
			for _, text := range []string{p.Path, p.Message, p.Hint, p.Snippet} {
				if printable.Aligned(text) != text {
					t.Fatalf("control characters in %q", text)
				}
			}
		}
	})
}

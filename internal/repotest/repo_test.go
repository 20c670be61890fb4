package repotest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRepository holds the tree this test is part of to every rule.
func TestRepository(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) < 50 || m.Path != "iris" {
		t.Fatalf("found module %q with %d files below %s", m.Path, len(m.Files), root)
	}
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			for _, v := range sorted(r.Check(m)) {
				t.Error(v)
			}
		})
	}
}

func sorted(vs []Violation) []string {
	var out []string
	for _, v := range vs {
		out = append(out, v.String())
	}
	slices.Sort(out)
	return out
}

// TestRules shows each rule what it must find and what it must leave alone.
func TestRules(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		files map[string]string
		want  []string // prefixes of the violations, sorted
	}{
		{"package docs", map[string]string{
			"actor/doc.go":       "// Package actor.\npackage actor",
			"actor/a.go":         "package actor",
			"actor/a_test.go":    "// Tests.\npackage actor",
			"router/doc.go":      "// Package router.\npackage router",
			"router/other.go":    "// Package router again.\npackage router",
			"topics/topics.go":   "// Package topics.\npackage topics",
			"tunnels/tunnels.go": "package tunnels",
			"samples/a/main.go":  "// A.\npackage main",
		}, []string{"router: package comment in [doc.go other.go]", "topics: package comment in [topics.go]", "tunnels: package comment in []"}},
		{"package names", map[string]string{
			"actor/util/a.go": "package util",
			"node/types/a.go": "package types_test",
			"node/node.go":    "package node",
		}, []string{"actor/util/a.go", "node/types/a.go"}},
		{"layers", map[string]string{
			"cmd/iris/a.go":            `package main; import (_ "iris/node"; _ "iris/cmd/iris/internal/b")`,
			"samples/x/a.go":           `package main; import _ "iris/cmd/iris"`,
			"node/a.go":                `package node; import ("iris/actor"; _ "iris/node/config"; "net")`,
			"node/config/a.go":         `package config; import _ "iris/transport/identity"`,
			"topics/a.go":              `package topics; import _ "iris/tunnels"`,
			"router/a.go":              `package router; import _ "iris/topics/tree"`,
			"router/a_test.go":         `package router_test; import _ "iris/node"`,
			"actor/a.go":               `package actor; import _ "iris/internal/bounds"`,
			"internal/bounds/a.go":     `package bounds; import _ "iris/actor"`,
			"transport/a.go":           `package transport; import _ "iris/internal/acceptance"`,
			"internal/acceptance/a.go": `package acceptance; import _ "iris/node"`,
			"extra/a.go":               `package extra`,
		}, []string{"extra/a.go: extra is no layer", "internal/bounds/a.go:1: internal/bounds imports actor", "router/a.go:1: router imports topics/tree", "samples/x/a.go:1: samples/x imports cmd/iris", "topics/a.go:1: topics imports tunnels", "transport/a.go:1: imports internal/acceptance"}},
		{"purity", map[string]string{
			"topics/tree/a.go": "package tree\nimport (\n\"time\"\n\"math/rand/v2\"\n\"net\"\n\"iris/internal/id\"\n\"iris/actor\"\n)\n" +
				"var _ = time.Now()\nvar _ = rand.IntN(3)\nvar _ = rand.New(rand.NewPCG(1, 2)).IntN(3)\nvar _ time.Duration\nvar _ = time.Unix(0, 0)\nfunc f() { go f() }\n",
			"topics/tree/a_test.go":   "package tree\nimport \"time\"\nvar _ = time.Now()\n",
			"transport/identity/a.go": "package identity\nimport clock \"time\"\nvar _ = clock.Now()\nvar now = clock.Now\n",
			"topics/a.go":             "package topics\nimport \"time\"\nvar _ = time.Now()\n",
		}, []string{
			"topics/tree/a.go:10: calls rand.IntN", "topics/tree/a.go:14: starts a goroutine", "topics/tree/a.go:5: imports net",
			"topics/tree/a.go:7: imports actor", "topics/tree/a.go:9: calls time.Now", "transport/identity/a.go:3: calls time.Now",
		}},
		{"third-party imports", map[string]string{
			"actor/a.go":          `package actor; import _ "github.com/asynkron/protoactor-go/actor"`,
			"node/a.go":           `package node; import _ "github.com/asynkron/protoactor-go/actor"`,
			"transport/a.go":      `package transport; import _ "github.com/quic-go/quic-go"`,
			"transport/wire/a.go": `package wire; import _ "github.com/vmihailenco/msgpack/v5"`,
			"router/a_test.go":    `package router; import (_ "github.com/quic-go/quic-go/testutils/simnet"; _ "pgregory.net/rapid")`,
			"router/b_test.go":    `package router; import _ "github.com/quic-go/quic-go"`,
			"router/c.go":         `package router; import (_ "golang.org/x/sync/errgroup"; _ "pgregory.net/rapid")`,
			"topics/a.go":         `package topics; import _ "github.com/pkg/errors"`,
		}, []string{
			"node/a.go:1: imports github.com/asynkron/protoactor-go/actor", "router/b_test.go:1: imports github.com/quic-go/quic-go",
			"router/c.go:1: imports pgregory.net/rapid", "topics/a.go:1: imports github.com/pkg/errors", "transport/wire/a.go:1: imports github.com/vmihailenco/msgpack/v5",
		}},
		{"no sleeping in tests", map[string]string{
			"node/a_test.go": "package node\nimport \"time\"\nfunc f() { time.Sleep(1) }\n",
			"node/b_test.go": "package node\nimport zzz \"time\"\nfunc g() { zzz.Sleep(1) }\n",
			"node/c.go":      "package node\nimport \"time\"\nfunc h() { time.Sleep(1) }\n",
			"node/d_test.go": "package node\n// time.Sleep(1)\nconst s = `time.Sleep(1)`\n",
		}, []string{"node/a_test.go:3", "node/b_test.go:3"}},
		{"file length", map[string]string{
			"node/a.go":      "package node\n" + strings.Repeat("\n", maxLines),
			"node/b.go":      "package node\n" + strings.Repeat("\n", maxLines-1),
			"node/a_test.go": "package node\n" + strings.Repeat("\n", maxLines),
		}, []string{"node/a.go: 401 lines"}},
		{"leak checks", map[string]string{
			"router/a.go":      "package router\nfunc f() { go f() }\n",
			"router/a_test.go": "package router\nimport _ \"go.uber.org/goleak\"\n",
			"topics/a.go":      "package topics\nfunc f() { go f() }\n",
			"topics/a_test.go": "package topics\n",
			"samples/a/a.go":   "package main\nfunc f() { go f() }\n",
			"node/a.go":        "package node\n",
		}, []string{"topics/a.go:2: starts a goroutine"}},
		{"no machine paths", map[string]string{
			"README.md":       "see /" + "work/main/x\nand a/" + "work/b, network/" + "farm.\n",
			"node/a.go":       "package node\nconst p = \"/" + "home/me/x\"\nconst q = \"/etc/iris\"\n",
			"node/data.bin":   "\x00/" + "work/x",
			"testdata/x.txt":  "/" + "work/x",
			".github/x.txt":   "/" + "work/x",
			"cmd/testdata/go": "/" + "work/x",
		}, []string{"README.md:1", "node/a.go:2"}},
		{"named tests", map[string]string{
			"docs/a.md":                     "topics/tree.TestOne tree.TestOne TestOne\ntree.TestTwo, tree.TestOther\nnode.FuzzIt acceptance.TestRow, Testing\n",
			"topics/tree/a_test.go":         "package tree\nfunc TestOne() {}\nfunc (x) TestOther() {}\n",
			"node/a_test.go":                "package node\nfunc FuzzIt() {}\nfunc TestTwo() {}\n",
			"internal/acceptance/a_test.go": "package acceptance\nfunc TestRow() {}\n",
		}, []string{"docs/a.md:1: TestOne without its package", "docs/a.md:2: there is no test tree.TestOther", "docs/a.md:2: there is no test tree.TestTwo"}},
		{"events", map[string]string{
			"actor/events.go":  "package actor\ntype At struct{}\ntype Up struct{ At }\ntype Down struct{ At; X int }\ntype Gone struct{ At }\ntype other struct{ at At }\n",
			"actor/hub.go":     "package actor\nvar _ = &Up{}\n",
			"node/a.go":        "package node\nvar _ = &actor.Down{}\n",
			"node/a_test.go":   "package node\nvar _ *actor.Up\nvar _ = &actor.Gone{}\n",
			"samples/x/a.go":   "package main\nvar _ = &actor.Gone{}\n",
			"topics/a_test.go": "package topics\nvar _ = f(new(actor.Down))\n",
		}, []string{"actor/events.go:4: Down is looked at by no test", "actor/events.go:5: Gone is declared"}},
		{"log lines", map[string]string{
			"docs/operations.md": "| info | `up` | it is |\n| error | `late`, `gone` | it is not |\n",
			"node/a.go":          "package node\nfunc f() {\nn.log.Info(\"up\")\nlog.Error(\"late\")\nc.log().Warn(\"odd\")\nt.Error(\"up\")\nlog.Debug(\"x\")\nlog.Info(text)\n}\n",
			"node/a_test.go":     "package node\nfunc f() { log.Info(\"never\") }\n",
			"samples/x/main.go":  "package main\nfunc f() { log.Info(\"never\") }\n",
		}, []string{`docs/operations.md:2: explains "error gone"`, `node/a.go:5: logs "warn odd"`}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			tree := fstest.MapFS{"go.mod": {Data: []byte("module iris\n\ngo 1.26\n")}}
			for name, text := range tc.files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			m, err := Load(tree)
			if err != nil {
				t.Fatal(err)
			}
			rules := map[string]Rule{}
			for _, r := range Rules() {
				rules[r.Name] = r
			}
			r, ok := rules[tc.rule]
			if !ok {
				t.Fatalf("no rule %q among %v", tc.rule, slices.Sorted(maps.Keys(rules)))
			}
			got := sorted(r.Check(m))
			if len(got) != len(tc.want) {
				t.Fatalf("%d violations, want %d:\n%s", len(got), len(tc.want), strings.Join(got, "\n"))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tc.want[i]) {
					t.Errorf("got  %s\nwant %s...", got[i], tc.want[i])
				}
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("a tree without go.mod is accepted")
	}
	if _, err := Load(fstest.MapFS{"go.mod": {}, "a.go": {Data: []byte("not go")}}); err == nil {
		t.Error("a file that does not parse is accepted")
	}
}

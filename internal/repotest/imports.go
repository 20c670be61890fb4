package repotest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// rank orders the layers: imports go from higher to lower only. Folders of one
// rank do not know each other.
func rank(dir string) (layer string, rank int, ok bool) {
	if dir == "internal/sim" { // drives the pure packages of all layers
		return dir, 5, true
	}
	layer, _, _ = strings.Cut(dir, "/")
	switch layer {
	case "cmd", "samples", "bench", ".ci":
		return layer, 6, true
	case "node":
		return layer, 5, true
	case "tunnels", "topics":
		return layer, 4, true
	case "router":
		return layer, 3, true
	case "transport":
		return layer, 2, true
	case "actor":
		return layer, 1, true
	}
	return layer, 0, layer == "internal"
}

// wholeSystem are the internal folders that only hold tests of, and programs
// around, whole nodes; nothing may import them but each other.
func wholeSystem(dir string) bool {
	for _, d := range []string{"internal/acceptance", "internal/repotest"} {
		if dir == d || strings.HasPrefix(dir, d+"/") {
			return true
		}
	}
	return false
}

// layers holds imports to one direction: cmd > node > tunnels, topics > router >
// transport > actor; internal folders are below all of them.
func layers(m *Module) []Violation {
	const why = "imports go down only: cmd > node > tunnels, topics > router > transport > actor, so that each layer can be read and tested without those above"
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || f.Test() || wholeSystem(f.Dir()) {
			continue
		}
		from, high, known := rank(f.Dir())
		if !known {
			found = append(found, Violation{f.Name, fmt.Sprintf("%s is no layer: %s", from, why)})
			continue
		}
		for p, spec := range f.Imports() {
			own, inside := m.Own(p)
			if !inside {
				continue
			}
			to, low, _ := rank(own)
			switch {
			case wholeSystem(own):
				found = append(found, Violation{f.At(spec), fmt.Sprintf("imports %s, which is for tests of the whole", own)})
			case low > high, low == high && from != to:
				found = append(found, Violation{f.At(spec), fmt.Sprintf("%s imports %s: %s", f.Dir(), own, why)})
			case strings.Contains(own, "/internal/") && strings.HasPrefix(own, from+"/"): // parts of a program, which Go keeps to it
			case strings.HasPrefix(own, "cmd/"), strings.HasPrefix(own, "samples/"):
				found = append(found, Violation{f.At(spec), fmt.Sprintf("imports the program %s", own)})
			}
		}
	}
	return found
}

// pure reports whether the package in dir is a pure one: values in, values out.
func pure(dir string) bool {
	return slices.Contains([]string{
		"internal/id", "internal/bounds", "transport/wire", "transport/identity", "router/detector", "router/pastry", "topics/scribe", "topics/reliable",
		"topics/tree", "topics/balance", "tunnels/flow", "node/relay/packet",
	}, dir)
}

// purity keeps the clock, the network, goroutines and hidden randomness out of
// the pure packages.
func purity(m *Module) []Violation {
	const why = "is pure: time, randomness and effects come in as arguments, so that the simulator and the fuzzer can replay every run"
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || f.Test() || !pure(f.Dir()) {
			continue
		}
		add := func(n ast.Node, what string) {
			found = append(found, Violation{f.At(n), fmt.Sprintf("%s, but %s %s", what, f.Dir(), why)})
		}
		for p, spec := range f.Imports() {
			if own, inside := m.Own(p); inside && !pure(own) {
				add(spec, "imports "+own)
			}
			switch p {
			case "net", "net/http", "os", "os/exec", "syscall", "testing":
				add(spec, "imports "+p)
			}
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				add(n, "starts a goroutine")
			case *ast.CallExpr:
				if pkg, name := f.callee(n); hidden(pkg, name) {
					add(n, "calls "+path.Base(strings.TrimSuffix(pkg, "/v2"))+"."+name)
				}
			}
			return true
		})
	}
	return found
}

// hidden reports whether a function of the standard library takes the time or
// randomness from nowhere.
func hidden(pkg, name string) bool {
	switch pkg {
	case "time":
		return slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, name)
	case "math/rand", "math/rand/v2":
		return !strings.HasPrefix(name, "New") // the constructors take a seed or a source
	}
	return false
}

// callee returns import path and name of a called function of another package.
func (f *File) callee(call *ast.CallExpr) (pkg, name string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	for p, spec := range f.Imports() {
		local := path.Base(strings.TrimSuffix(p, "/v2"))
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == x.Name {
			return p, sel.Sel.Name
		}
	}
	return "", ""
}

// dependency is a third-party module and the folders that may import it.
type dependency struct {
	path    string
	folders []string // production code; nil = none
	tests   bool     // tests anywhere may, too
	why     string
}

func dependencies() []dependency {
	return []dependency{
		{"github.com/asynkron/protoactor-go", []string{"actor", "bench"}, false, "its defects are repaired in actor, and only there"},
		{"github.com/quic-go/quic-go/testutils/simnet", nil, true, "it is a test network"},
		{"github.com/quic-go/quic-go", []string{"transport", "bench"}, false, "links are the only users of QUIC"},
		{"github.com/vmihailenco/msgpack/v5", []string{"actor"}, true, "decoding without a bounds check first can be made to allocate without bound"},
		{"github.com/goccy/go-yaml", []string{"node/config", "cmd/iris"}, false, "configuration is read in one place; the command keeps its contexts"},
		{"github.com/spf13/cobra", []string{"cmd"}, false, "only commands have command lines"},
		{"github.com/spf13/pflag", []string{"cmd"}, false, "only commands have command lines"},
		{"github.com/nats-io", []string{"bench"}, false, "only the module of benchmarks measures beside others"},
		{"google.golang.org/grpc", []string{"bench"}, false, "only the module of benchmarks measures beside others"},
		{"google.golang.org/protobuf", []string{"bench"}, true, "only the module of benchmarks measures beside others"},
		{"go.opentelemetry.io/proto/otlp", nil, true, "the exporter writes it, tests read it"},
		{"go.opentelemetry.io/otel/trace", []string{"node/tracing", "node/config"}, true, "spans are made in one place; a program may pass its provider"},
		{"go.opentelemetry.io/otel", []string{"node/tracing"}, true, "spans are made in one place"},
		{"github.com/prometheus/client_golang", []string{"node/admin"}, true, "metrics are told in one place"},
		{"charm.land/bubbletea/v2", []string{"cmd/iris"}, false, "only the command line has a screen"},
		{"charm.land/lipgloss/v2", []string{"cmd/iris"}, false, "only the command line has a screen"},
		{"github.com/compose-spec/compose-go/v2", []string{".ci/deploy"}, false, "only the check of the deployment files reads them, in a module of its own"},
		{"k8s.io/api", []string{".ci/deploy"}, false, "only the check of the deployment files reads them, in a module of its own"},
		{"sigs.k8s.io/yaml", []string{".ci/deploy"}, false, "only the check of the deployment files reads them, in a module of its own"},
		{"github.com/santhosh-tekuri/jsonschema/v6", nil, true, "tests read the schema that package config writes"},
		{"golang.org/x/net", []string{""}, true, ""},
		{"golang.org/x/sync", []string{""}, true, ""},
		{"golang.org/x/sys", []string{""}, true, ""},
		{"pgregory.net/rapid", nil, true, "it is a test library"},
		{"go.uber.org/goleak", nil, true, "it is a test library"},
		{"github.com/google/go-cmp", nil, true, "it is a test library"},
		{"github.com/rogpeppe/go-internal", nil, true, "it is a test library"},
	}
}

// thirdParty holds other modules to the folders that may import them.
func thirdParty(m *Module) []Violation {
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		for p, spec := range f.Imports() {
			first, _, _ := strings.Cut(p, "/")
			if _, own := m.Own(p); own || !strings.Contains(first, ".") {
				continue
			}
			if what := f.mayNotImport(p); what != "" {
				found = append(found, Violation{f.At(spec), fmt.Sprintf("imports %s: %s", p, what)})
			}
		}
	}
	return found
}

// mayNotImport says why the file may not import p, "" if it may.
func (f *File) mayNotImport(p string) string {
	for _, d := range dependencies() {
		if p != d.path && !strings.HasPrefix(p, d.path+"/") {
			continue
		}
		if f.Test() && d.tests {
			return ""
		}
		for _, folder := range d.folders {
			if folder == "" || f.Dir() == folder || strings.HasPrefix(f.Dir(), folder+"/") {
				return ""
			}
		}
		return d.why
	}
	return "the module is not on the list of dependencies; each one is a decision, made where the list is"
}

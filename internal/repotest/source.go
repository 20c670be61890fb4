package repotest

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// packageDocs wants each package introduced once, in doc.go, where readers look;
// a sample, which is one file, in main.go.
func packageDocs(m *Module) []Violation {
	where := map[string][]string{} // folder -> files with a package comment
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || f.Test() {
			continue
		}
		where[f.Dir()] = append(where[f.Dir()], "")
		if f.Syntax.Doc != nil && strings.TrimSpace(f.Syntax.Doc.Text()) != "" {
			where[f.Dir()] = append(where[f.Dir()], path.Base(f.Name))
		}
	}
	var found []Violation
	for dir, files := range where {
		files = slices.DeleteFunc(files, func(s string) bool { return s == "" })
		sample := strings.HasPrefix(dir, "samples/") && slices.Equal(files, []string{"main.go"})
		if !sample && !slices.Equal(files, []string{"doc.go"}) {
			found = append(found, Violation{dir, fmt.Sprintf("package comment in %v, want exactly one, in doc.go: purpose, picture, lifecycle, concurrency, errors", files)})
		}
	}
	return found
}

// packageNames refuses names that say nothing about what belongs inside.
func packageNames(m *Module) []Violation {
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil {
			continue
		}
		name := strings.TrimSuffix(f.Syntax.Name.Name, "_test")
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "types", "misc"}, name) {
			found = append(found, Violation{f.Name, fmt.Sprintf("package %s: put it beside its user; a package is named for the one thing it owns", name)})
		}
	}
	return found
}

// noSleep refuses sleeping in tests: it is slow when it is long enough and
// flaky when it is not.
func noSleep(m *Module) []Violation {
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || !f.Test() {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if pkg, name := f.callee(call); pkg == "time" && name == "Sleep" {
					found = append(found, Violation{f.At(n), "time.Sleep in a test: wait for a channel or an event, or use testing/synctest"})
				}
			}
			return true
		})
	}
	return found
}

// maxLines is the longest a file may get before a concept of its own is looked
// for in it.
const maxLines = 400

// longFiles are the exceptions, each with a reason; a file that no longer needs
// its entry must lose it.
func longFiles() map[string]string { return map[string]string{} }

func fileLength(m *Module) []Violation {
	var found []Violation
	excused := longFiles()
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || f.Test() {
			continue
		}
		lines := bytes.Count(f.Text, []byte("\n"))
		_, excuse := excused[f.Name]
		delete(excused, f.Name)
		switch {
		case lines > maxLines && !excuse:
			found = append(found, Violation{f.Name, fmt.Sprintf("%d lines, at most %d: which concept deserves a file of its own?", lines, maxLines)})
		case lines <= maxLines && excuse:
			found = append(found, Violation{f.Name, fmt.Sprintf("%d lines: its entry in longFiles is no longer needed", lines)})
		}
	}
	for name := range excused {
		found = append(found, Violation{name, "is in longFiles but does not exist"})
	}
	return found
}

// leakChecks wants goleak in the tests of every package that starts goroutines.
// Commands and samples end with their process.
func leakChecks(m *Module) []Violation {
	starts, checks := map[string]string{}, map[string]bool{}
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil {
			continue
		}
		if _, rank, _ := rank(f.Dir()); rank == 6 || wholeSystem(f.Dir()) {
			continue
		}
		if f.Test() {
			_, imported := f.Imports()["go.uber.org/goleak"]
			checks[f.Dir()] = checks[f.Dir()] || imported
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok && starts[f.Dir()] == "" {
				starts[f.Dir()] = f.At(n)
			}
			return true
		})
	}
	var found []Violation
	for dir, at := range starts {
		if !checks[dir] {
			found = append(found, Violation{at, "starts a goroutine, but no test of the package uses goleak: every goroutine has an owner that waits for it"})
		}
	}
	return found
}

// machinePath matches absolute paths of somebody's machine. The brackets keep
// the expression from matching itself.
var machinePath = regexp.MustCompile(`(^|[\s"'=(` + "`" + `])/(w[o]rk|f[a]rm|r[o]ot|h[o]me/[a-z]+|U[s]ers/[A-Za-z]+|t[m]p/iris)(/|\b)`)

// machinePaths refuses absolute paths that exist on one machine only.
func machinePaths(m *Module) []Violation {
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		n := 0
		for line := range bytes.Lines(f.Text) {
			n++
			if hit := machinePath.Find(line); hit != nil {
				found = append(found, Violation{fmt.Sprintf("%s:%d", f.Name, n), fmt.Sprintf("%q is a path of one machine; nobody else has it", bytes.TrimSpace(hit))})
			}
		}
	}
	return found
}

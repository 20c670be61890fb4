package repotest

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Module is the source of a module: every file below its root but those in
// hidden folders, folders called testdata, and vendored ones.
type Module struct {
	Path  string // module path of go.mod
	Files []File // by name
}

// File is one text file of the module.
type File struct {
	Name   string // slash-separated, relative to the root
	Text   []byte
	Syntax *ast.File // nil unless it is Go
	set    *token.FileSet
}

// Dir returns the folder of the file, "." for the root.
func (f *File) Dir() string { return path.Dir(f.Name) }

// Test reports whether the file is only compiled for tests.
func (f *File) Test() bool { return strings.HasSuffix(f.Name, "_test.go") }

// At returns the position of n as file:line.
func (f *File) At(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Name, f.set.Position(n.Pos()).Line)
}

// Imports returns the imports of the file by path.
func (f *File) Imports() map[string]*ast.ImportSpec {
	m := map[string]*ast.ImportSpec{}
	if f.Syntax != nil {
		for _, s := range f.Syntax.Imports {
			if p, err := strconv.Unquote(s.Path.Value); err == nil {
				m[p] = s
			}
		}
	}
	return m
}

// Load reads the module whose root is root.
func Load(root fs.FS) (*Module, error) {
	gomod, err := fs.ReadFile(root, "go.mod")
	if err != nil {
		return nil, err
	}
	m := &Module{}
	for line := range strings.Lines(string(gomod)) {
		if p, ok := strings.CutPrefix(line, "module "); ok {
			m.Path = strings.TrimSpace(p)
		}
	}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && name != "." && name != ".ci"
			if hidden || d.Name() == "testdata" || d.Name() == "vendor" || d.Name() == "bin" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return m.read(root, name)
	})
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return m, err
}

// read adds a file unless it is not text.
func (m *Module) read(root fs.FS, name string) error {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
		return nil
	}
	f := File{Name: name, Text: text, set: token.NewFileSet()}
	if path.Ext(name) == ".go" {
		f.Syntax, err = parser.ParseFile(f.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
	}
	m.Files = append(m.Files, f)
	return nil
}

// Own returns the path of an import inside the module relative to its root, and
// whether it is inside.
func (m *Module) Own(importPath string) (string, bool) {
	if importPath == m.Path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.Path+"/")
}

// Violation is one place that breaks a rule.
type Violation struct {
	At   string // file:line, file, or folder
	What string // and why it matters
}

func (v Violation) String() string { return v.At + ": " + v.What }

// Rule finds the places that break one rule.
type Rule struct {
	Name  string
	Check func(m *Module) []Violation
}

// Rules returns the rules of the repository.
func Rules() []Rule {
	return []Rule{
		{"package docs", packageDocs},
		{"package names", packageNames},
		{"layers", layers},
		{"purity", purity},
		{"third-party imports", thirdParty},
		{"no sleeping in tests", noSleep},
		{"file length", fileLength},
		{"leak checks", leakChecks},
		{"no machine paths", machinePaths},
		{"named tests", namedTests},
		{"log lines", logLines},
		{"events", events},
	}
}

package repotest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// namedTest matches the name of a test in a document, with its package.
var namedTest = regexp.MustCompile(`(?:([a-z][a-z/]*)\.)?\b((?:Test|Fuzz)[A-Z]\w*)`)

// namedTests wants every test that a document names to exist, in the package
// named: a promise whose test is gone is one nobody keeps.
func namedTests(m *Module) []Violation {
	exists := map[string][]string{} // test -> folders
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || !f.Test() {
			continue
		}
		for _, d := range f.Syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				exists[fn.Name.Name] = append(exists[fn.Name.Name], f.Dir())
			}
		}
	}
	var found []Violation
	for i := range m.Files {
		f := &m.Files[i]
		if path.Ext(f.Name) != ".md" {
			continue
		}
		n := 0
		for line := range strings.Lines(string(f.Text)) {
			n++
			for _, t := range namedTest.FindAllStringSubmatch(line, -1) {
				at := fmt.Sprintf("%s:%d", f.Name, n)
				if t[1] == "" {
					found = append(found, Violation{at, t[2] + " without its package: write package." + t[2]})
				} else if !slices.ContainsFunc(exists[t[2]], func(dir string) bool { return dir == t[1] || strings.HasSuffix(dir, "/"+t[1]) }) {
					found = append(found, Violation{at, "there is no test " + t[0]})
				}
			}
		}
	}
	return found
}

// operations is the document that explains the log.
const operations = "docs/operations.md"

// logRow matches a row of its table of log lines: level, messages.
var logRow = regexp.MustCompile("^\\| (info|warn|error) \\| (`[^|]+`) \\|")

// logLines wants the table of log lines to hold every message at info and
// above with its level, and no other: operators look up what they read.
func logLines(m *Module) []Violation {
	logged := map[string]string{} // "level message" -> where
	described := map[string]string{}
	var doc *File
	for i := range m.Files {
		f := &m.Files[i]
		if f.Name == operations {
			doc = f
		}
		if _, rank, _ := rank(f.Dir()); f.Syntax == nil || f.Test() || rank == 0 || strings.HasPrefix(f.Dir(), "samples") {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if line := record(call); line != "" {
					logged[line] = f.At(call)
				}
			}
			return true
		})
	}
	if doc == nil {
		return nil
	}
	n := 0
	for line := range strings.Lines(string(doc.Text)) {
		n++
		row := logRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		for _, message := range strings.Split(strings.Trim(row[2], "`"), "`, `") {
			described[row[1]+" "+message] = fmt.Sprintf("%s:%d", doc.Name, n)
		}
	}
	var found []Violation
	for line, at := range logged {
		if described[line] == "" {
			found = append(found, Violation{at, fmt.Sprintf("logs %q, which %s does not explain", line, operations)})
		}
	}
	for line, at := range described {
		if logged[line] == "" {
			found = append(found, Violation{at, fmt.Sprintf("explains %q, which nobody logs", line)})
		}
	}
	return found
}

// record returns level and message of a call of a logger at info or above, ""
// for any other call.
func record(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 || !slices.Contains([]string{"Info", "Warn", "Error"}, sel.Sel.Name) {
		return ""
	}
	text, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	logger := sel.X
	if c, ok := logger.(*ast.CallExpr); ok {
		logger = c.Fun
	}
	if s, ok := logger.(*ast.SelectorExpr); ok {
		logger = s.Sel
	}
	if name, ok := logger.(*ast.Ident); !ok || name.Name != "log" && name.Name != "logger" {
		return ""
	}
	message, err := strconv.Unquote(text.Value)
	if err != nil {
		return ""
	}
	return strings.ToLower(sel.Sel.Name) + " " + message
}

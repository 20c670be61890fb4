package admin

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	gotoken "go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"iris/node/inspect"
)

var update = flag.Bool("update", false, "write the tables into docs/admin.md")

// The tables of fields in the documentation are what the reports have.
func TestTheTablesOfFields(t *testing.T) {
	const file, begin, end = "../../docs/admin.md", "<!-- fields:", "<!-- end -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	head, rest, more := strings.Cut(rest, "\n")
	tables, after, last := strings.Cut(rest, end)
	if !found || !more || !last {
		t.Fatalf("%s has no place for the tables", file)
	}
	want := reportTables(t)
	switch {
	case tables == want:
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+head+"\n"+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the tables in %s are not up to date: go test ./node/admin -run %s -update", file, t.Name())
	}
}

// reportTables writes a table of each report, from its source.
func reportTables(t *testing.T) string {
	t.Helper()
	set := gotoken.NewFileSet()
	source, err := parser.ParseFile(set, "../inspect/report.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, d := range source.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != gotoken.TYPE {
			continue
		}
		spec := g.Specs[0].(*ast.TypeSpec)
		body, ok := spec.Type.(*ast.StructType)
		if !ok || spec.TypeParams != nil {
			continue
		}
		fmt.Fprintf(&out, "\n### %s\n\n%s\n\n| field | type | meaning |\n|---|---|---|\n", spec.Name.Name, strings.ReplaceAll(strings.TrimSpace(g.Doc.Text()), "\n", " "))
		for _, f := range body.Fields.List {
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
			name, options, _ := strings.Cut(tag, ",")
			maybe := ""
			if strings.Contains(options, "omitempty") {
				maybe = "?"
			}
			var kind strings.Builder
			if err := printer.Fprint(&kind, set, f.Type); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "| `%s`%s | %s | %s |\n", name, maybe, jsonType(kind.String()), strings.ReplaceAll(strings.TrimSpace(f.Comment.Text()), "\n", " "))
		}
	}
	return out.String() + "\n"
}

// jsonType is what a Go type is in JSON.
func jsonType(kind string) string {
	switch {
	case strings.HasPrefix(kind, "map["):
		return "object"
	case strings.HasPrefix(kind, "[]"):
		return "list of " + jsonType(strings.TrimPrefix(kind, "[]"))
	case strings.HasPrefix(kind, "[16]"):
		return "16 of " + jsonType(strings.TrimPrefix(kind, "[16]"))
	case kind == "string":
		return "text"
	case kind == "bool":
		return "true, false"
	case kind == "time.Time":
		return "time"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), kind == "float64":
		return "number"
	}
	return "[" + kind + "](#" + strings.ToLower(kind) + ")"
}

// The documentation names every report, command and parameter.
func TestTheDocumentationIsComplete(t *testing.T) {
	data, err := os.ReadFile("../../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range reports {
		if columns := inspect.Columns(what); columns != nil && !strings.Contains(string(data), "\n| `"+what+"` | `"+strings.Join(columns, "`, `")+"` |\n") {
			t.Errorf("the columns of %s are %q", what, columns)
		}
	}
	for _, name := range slices.Concat(reports, slices.Collect(maps.Keys(commands)), parameters) {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("%s is not documented", name)
		}
	}
}

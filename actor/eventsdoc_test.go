package actor

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/events.md")

const eventsDoc = "../docs/events.md"

// declared is one event as the source declares it.
type declared struct {
	name, doc string
	fields    []string
	command   bool
}

// declaredEvents reads the structs that embed At.
func declaredEvents(t *testing.T, file string) []declared {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var list []declared
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		body, ok := spec.Type.(*ast.StructType)
		if !ok || len(body.Fields.List) == 0 || text(body.Fields.List[0].Type) != "At" {
			return true
		}
		d := declared{name: spec.Name.Name, doc: strings.Join(strings.Fields(spec.Doc.Text()), " ")}
		d.doc = strings.TrimPrefix(d.doc, d.name+": ")
		d.command = file == "command.go" && d.name != "CommandDone"
		for _, f := range body.Fields.List[1:] {
			for _, name := range f.Names {
				if name.IsExported() {
					d.fields = append(d.fields, field(name.Name, text(f.Type), strings.TrimSpace(f.Comment.Text())))
				}
			}
		}
		list = append(list, d)
		return true
	})
	return list
}

func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "*" + text(e.X)
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// field describes a field as EncodeEvent writes it.
func field(name, typ, comment string) string {
	json, what := snake(name), ""
	switch typ {
	case "time.Duration":
		json, what = json+"_us", "microseconds"
	case "*PID":
		what = "node/path"
	case "string":
		what = "text"
	case "bool":
		what = "true or false"
	case "int", "uint64":
		what = "number"
	case "Directive":
		what = "restart, stop, escalate or resume"
	case "DeadReason":
		what = "a reason of dead letters"
	default:
		what = "of the unknown type " + typ
	}
	if comment != "" {
		what += ": " + comment
	}
	return fmt.Sprintf("`%s` %s", json, what)
}

// table is the generated part.
func table(list []declared, commands bool) string {
	var b strings.Builder
	b.WriteString("| kind | when | fields |\n|---|---|---|\n")
	if commands {
		b.Reset()
		b.WriteString("| command | what it does | fields |\n|---|---|---|\n")
	}
	for _, d := range list {
		if d.command == commands {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.name, d.doc, strings.Join(d.fields, " · "))
		}
	}
	return b.String()
}

// The tables in docs/events.md are those of the source: go generate ./actor writes them.
func TestEventsDocument(t *testing.T) {
	list := append(declaredEvents(t, "events.go"), declaredEvents(t, "command.go")...)
	if len(list) < 30 {
		t.Fatalf("found %d events", len(list))
	}
	for _, d := range list {
		if d.doc == "" || strings.Contains(strings.Join(d.fields, ""), "unknown type") {
			t.Errorf("%s is not described: %q %q", d.name, d.doc, d.fields)
		}
	}
	data, err := os.ReadFile(eventsDoc)
	if err != nil {
		t.Fatal(err)
	}
	want := replace(t, replace(t, string(data), "events", table(list, false)), "commands", table(list, true))
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("the tables of %s are not those of the source: go generate ./actor", eventsDoc)
	}
	if err := os.WriteFile(eventsDoc, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace puts a text between the marks of that name.
func replace(t *testing.T, doc, name, with string) string {
	t.Helper()
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(doc, begin)
	if !ok {
		t.Fatalf("no mark %q in %s", begin, eventsDoc)
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("no end of %s in %s", name, eventsDoc)
	}
	return before + begin + with + end + after
}

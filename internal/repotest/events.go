package repotest

import (
	"fmt"
	"go/ast"
	"strings"
)

// eventsPackage declares the events of a node.
const eventsPackage = "actor"

// events wants every event that the package actor declares, a struct that embeds At,
// to be made somewhere in the code and looked at by some test: an event that nobody
// publishes is a promise that nobody keeps.
func events(m *Module) []Violation {
	declared := map[string]string{} // name -> where
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || f.Dir() != eventsPackage || f.Test() {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && embedsAt(spec) {
				declared[spec.Name.Name] = f.At(spec)
			}
			return true
		})
	}
	made, tested := map[string]bool{}, map[string]bool{}
	for i := range m.Files {
		f := &m.Files[i]
		if f.Syntax == nil || strings.HasPrefix(f.Dir(), "samples") {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if name := eventName(f, n.Type); name != "" && !f.Test() {
					made[name] = true
				}
			case *ast.StarExpr: // a type that is waited for
				if name := eventName(f, n.X); name != "" && f.Test() {
					tested[name] = true
				}
			case *ast.UnaryExpr: // a command that is given
				if lit, ok := n.X.(*ast.CompositeLit); ok && f.Test() {
					tested[eventName(f, lit.Type)] = true
				}
			}
			return true
		})
	}
	var found []Violation
	for name, at := range declared {
		if !made[name] {
			found = append(found, Violation{at, fmt.Sprintf("%s is declared, and nothing publishes it", name)})
		}
		if !tested[name] {
			found = append(found, Violation{at, fmt.Sprintf("%s is looked at by no test", name)})
		}
	}
	return found
}

// embedsAt reports whether a type is a struct that begins with At.
func embedsAt(spec *ast.TypeSpec) bool {
	body, ok := spec.Type.(*ast.StructType)
	if !ok || len(body.Fields.List) == 0 || len(body.Fields.List[0].Names) > 0 {
		return false
	}
	first, ok := body.Fields.List[0].Type.(*ast.Ident)
	return ok && first.Name == "At"
}

// eventName returns X for actor.X, or for X in the package actor.
func eventName(f *File, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		if f.Dir() == eventsPackage {
			return e.Name
		}
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && x.Name == eventsPackage {
			return e.Sel.Name
		}
	}
	return ""
}

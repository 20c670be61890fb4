package inspect

import (
	"context"

	"iris/internal/id"
)

// ring answers "ring".
func (i *Inspector) ring(context.Context, Query) (any, error) {
	routes := i.cfg.Router.Routes()
	r := Ring{Self: i.self, Form: form(routes), Size: routes.Len(), Leaves: names(routes.Leaves())}
	for _, row := range routes.Table() {
		out := Row{Prefix: row.Shared}
		for digit, n := range row.Nodes {
			out.Nodes[digit] = name(n)
		}
		r.Table = append(r.Table, out)
	}
	return r, nil
}

// name is a node's id as reports have it; empty for none.
func name(n id.ID) string {
	if n.IsZero() {
		return ""
	}
	return n.String()
}

func names(list []id.ID) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = name(n)
	}
	return out
}

package view

import (
	"fmt"
	"slices"

	"iris/cmd/iris/internal/table"
	"iris/internal/printable"
	"iris/node/inspect"
)

// maxHops bounds the hops that are drawn.
const maxHops = 1000

// Trace draws the way of a message as a tree, one hop a line, each with its own
// delay and that from the beginning, none wider than width; 0 means any width.
func Trace(tr inspect.Trace, names Names, width int) []string {
	t := &tracer{names: names, hops: map[string][]inspect.Hop{}, seen: map[inspect.Hop]bool{}, open: map[string]bool{}}
	for _, h := range tr.Hops[:min(len(tr.Hops), maxHops)] {
		t.hops[h.From] = append(t.hops[h.From], h)
	}
	t.lines = []string{fmt.Sprintf("%s  %s %s", printable.Text(names.Of(tr.From)), tr.Kind, printable.Text(tr.Name))}
	t.below(tr.From, "", 0)
	for _, h := range tr.Hops { // that hang below nothing
		if !t.seen[h] {
			t.seen[h] = true
			t.lines = append(t.lines, fmt.Sprintf("?  %s -> %s", printable.Text(names.Of(h.From)), t.label(h, h.Delay)))
		}
	}
	if width > 0 {
		for i := range t.lines {
			t.lines[i] = table.Cut(t.lines[i], width)
		}
	}
	return t.lines
}

type tracer struct {
	names Names
	hops  map[string][]inspect.Hop // by where they begin
	seen  map[inspect.Hop]bool
	open  map[string]bool // nodes on the way to where it is drawing
	lines []string
}

// below draws the hops from a node on; those that lead back to the way it came by
// end there.
func (t *tracer) below(from, indent string, delay int64) {
	t.open[from] = true
	defer delete(t.open, from)
	next := slices.DeleteFunc(slices.Clone(t.hops[from]), func(h inspect.Hop) bool { return t.seen[h] })
	for i, h := range next {
		t.seen[h] = true
		branch, further := "|- ", "|  "
		if i == len(next)-1 {
			branch, further = "`- ", "   "
		}
		t.lines = append(t.lines, indent+branch+t.label(h, delay+h.Delay))
		if !t.open[h.To] {
			t.below(h.To, indent+further, delay+h.Delay)
		}
	}
}

func (t *tracer) label(h inspect.Hop, total int64) string {
	text := fmt.Sprintf("%s  %s  +%s", printable.Text(t.names.Of(h.To)), printable.Text(h.Why), table.Micros(h.Delay))
	if total != h.Delay {
		text += " = " + table.Micros(total)
	}
	return text
}

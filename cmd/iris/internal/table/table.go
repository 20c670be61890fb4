package table

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"

	"iris/internal/printable"
)

const (
	gap   = 2 // blanks between columns
	least = 8 // characters that a column keeps when it is cut
)

// column is one column.
type column struct {
	title string
	right bool
	cut   int // where the terminal is narrow those with most are cut first; 0: it is not
}

// Table is rows under titles. Cells may hold anything: they are made safe.
type Table struct {
	columns []column
	rows    [][]string
}

// New returns a table with the given titles. Prefixes of a title say how its
// column is laid out: > right, as numbers are, ~ may be cut where the terminal is
// too narrow, ~~ is cut before others are.
func New(titles ...string) *Table {
	t := &Table{}
	for _, title := range titles {
		c := column{title: strings.TrimLeft(title, ">~")}
		marks := title[:len(title)-len(c.title)]
		c.right, c.cut = strings.Contains(marks, ">"), strings.Count(marks, "~")
		t.columns = append(t.columns, c)
	}
	return t
}

// Row adds a row, one cell per column; missing ones are empty.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = printable.Text(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Lines returns the table line by line, titles first, none wider than width; 0
// means any width.
func (t *Table) Lines(width int) []string {
	widths := t.widths(width)
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	out := make([]string, 0, len(t.rows)+1)
	for _, row := range append([][]string{titles}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			cell = Cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-lipgloss.Width(cell))
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			if t.columns[i].right {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(cell)
		}
		line := strings.TrimRight(b.String(), " ")
		if width > 0 {
			line = strings.TrimRight(Cut(line, width), " ")
		}
		out = append(out, line)
	}
	return out
}

// widths gives each column what it needs, and takes from those that may be cut
// what the terminal lacks, from the widest of those that are cut first.
func (t *Table) widths(width int) []int {
	w := make([]int, len(t.columns))
	total := gap * (len(w) - 1)
	for i, c := range t.columns {
		w[i] = lipgloss.Width(c.title)
		for _, row := range t.rows {
			w[i] = max(w[i], lipgloss.Width(row[i]))
		}
		total += w[i]
	}
	for ; width > 0 && total > width; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.cut == 0 || w[i] <= max(least, lipgloss.Width(c.title)) {
				continue
			}
			if widest < 0 || c.cut > t.columns[widest].cut || c.cut == t.columns[widest].cut && w[i] > w[widest] {
				widest = i
			}
		}
		if widest < 0 {
			break // the lines are cut at their end
		}
		w[widest]--
	}
	return w
}

// Write writes the table, no line wider than width; 0 means any width.
func (t *Table) Write(w io.Writer, width int) error {
	_, err := fmt.Fprintln(w, strings.Join(t.Lines(width), "\n"))
	return err
}

// Cut shortens text, which is safe, to a width, with ... at its end if there is
// room for that.
func Cut(text string, width int) string {
	if lipgloss.Width(text) <= width {
		return text
	}
	end := "..."
	if width < 2*len(end) {
		end = ""
	}
	var b strings.Builder
	used := len(end)
	for _, r := range text {
		n := lipgloss.Width(string(r))
		if used+n > width {
			break
		}
		used += n
		b.WriteRune(r)
	}
	return b.String() + end
}

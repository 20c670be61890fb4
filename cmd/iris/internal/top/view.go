package top

import (
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"iris/cmd/iris/internal/table"
	"iris/internal/printable"
)

// Lines of the screen that are not rows: two about the node, the pages, the titles,
// and the last.
const around = 5

var (
	strong = lipgloss.NewStyle().Bold(true)
	chosen = lipgloss.NewStyle().Reverse(true)
	alarm  = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
)

// rows is how many rows of a table fit on the screen.
func (m *Model) rows() int { return max(m.height-around, 1) }

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "iris top"
	return v
}

// screen is all lines, none wider than the terminal.
func (m *Model) screen() []string {
	lines := m.header(m.width)
	lines[0] = strong.Render(lines[0])
	if m.err != nil {
		lines[1] = alarm.Render(table.Cut("no answer: "+printable.Text(m.err.Error()), m.width))
	}
	lines = append(lines, m.tabs())
	switch {
	case m.helps:
		for _, line := range help() {
			lines = append(lines, table.Cut(line, m.width))
		}
	case m.now != nil:
		lines = append(lines, m.body()...)
	}
	lines = lines[:min(len(lines), max(m.height-1, 0))]
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	return append(lines, faint.Render(table.Cut(m.footer(), m.width)))
}

// header is two lines about the node, of any width if that is 0.
func (m *Model) header(width int) []string {
	if m.now == nil {
		return []string{"iris top", "asking ..."}
	}
	n := m.now.Node
	first := fmt.Sprintf("%s %s  network %s  %s, %s, up %s  %s", table.Node(n.ID), table.Text(n.Name), n.Network, n.State, n.Form, table.Since(n.Started, n.Now), n.Version)
	second := fmt.Sprintf("%d nodes, %d suspected  messages/s: %s sent, %s delivered, %s dropped  heap %s of %s  %s goroutines", len(m.now.Network), n.Suspects,
		m.rate(m.rates.sent), m.rate(m.rates.delivered), m.rate(m.rates.dropped), table.Bytes(n.HeapBytes), table.Bytes(n.MemoryLimit), table.Count(n.Goroutines))
	lines := []string{printable.Text(first), printable.Text(second)}
	if width > 0 {
		lines[0], lines[1] = table.Cut(lines[0], width), table.Cut(lines[1], width)
	}
	return lines
}

// tabs names the pages, the one that is shown marked by brackets too, for those
// who see no colours.
func (m *Model) tabs() string {
	var words []string
	used := 0
	for i, p := range pages() {
		word := fmt.Sprintf(" %d %s ", i+1, p.name)
		if i == m.page {
			word = fmt.Sprintf("[%d %s]", i+1, p.name)
		}
		if used += len(word) + 1; used > m.width {
			break
		}
		if i == m.page {
			word = chosen.Render(word)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// body is the table of the page, as far as it fits, from the row it is scrolled to.
func (m *Model) body() []string {
	lines := pages()[m.page].table(m).Lines(m.width)
	rows := lines[1:]
	m.top = max(0, min(m.top, len(rows)-m.rows()))
	end := min(len(rows), m.top+m.rows())
	return append([]string{strong.Render(lines[0])}, rows[m.top:end]...)
}

func (m *Model) footer() string {
	direction, state := "", ""
	if m.reversed {
		direction = ", reversed"
	}
	if m.paused {
		state = "PAUSED  "
	}
	left := ""
	if m.now != nil && m.now.Left > 0 && m.page == 1 {
		left = fmt.Sprintf("%d more clusters not asked for  ", m.now.Left)
	}
	return fmt.Sprintf("%s%severy %v  by %s%s  q quit  s sort  p pause  ? help", state, left, m.interval, m.order(), direction)
}

func help() []string {
	return strings.Split(`
  1 2 3 4, tab    nodes, clusters, busiest actors, dead letters
  up, down        scroll, as k and j; pgup, pgdown, home, end
  s               sort by the next column
  r               the other way round
  p, space        pause; what is shown stays
  + -             ask less often, more often
  ?               this help
  q, ctrl-c       quit

  Rates are between the last two answers. Actors are those of one node: the one
  that has the admin endpoint, or that of --node.`, "\n")
}

// Text is everything at once, for a file or a pipe: each page with its first rows.
func (m *Model) Text(rows, width int) []string {
	if m.now == nil {
		return nil
	}
	lines := append([]string{m.now.At.Format(time.RFC3339)}, m.header(width)...)
	for i, p := range pages() {
		m.page = i
		t := p.table(m)
		list := t.Lines(width)
		lines = append(lines, "", p.name)
		if t.Len() == 0 {
			lines = append(lines, "none")
			continue
		}
		lines = append(lines, list[:min(len(list), rows+1)]...)
		if t.Len() > rows {
			lines = append(lines, fmt.Sprintf("and %d more", t.Len()-rows))
		}
	}
	return lines
}

// Print writes texts every interval, so many of them, 0 without end, until wait
// fails.
func Print(w io.Writer, m *Model, times, rows, width int, wait func(time.Duration) error) error {
	for i := 0; ; i++ {
		s, err := m.collect()
		if err != nil {
			return err
		}
		m.take(told{snapshot: s})
		if _, err := fmt.Fprintf(w, "%s\n\n", strings.Join(m.Text(rows, width), "\n")); err != nil {
			return err
		}
		if times > 0 && i+1 == times {
			return nil
		}
		if err := wait(m.interval); err != nil {
			return err
		}
	}
}

package top

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Intervals that can be chosen.
const (
	Shortest = 500 * time.Millisecond
	Longest  = time.Minute
)

// Model is what is shown, and what was told last. Owned by the program that runs it.
type Model struct {
	collect  func() (Snapshot, error) // blocks; called from a command, one at a time
	interval time.Duration
	round    int // of ticks: those of earlier ones do not count

	now, before *Snapshot
	rates       rates
	err         error // of the last question
	asking      bool

	page          int
	chosen        map[int]int // order by page
	reversed      bool
	paused, helps bool
	top           int // first row shown
	width, height int
}

// NewModel returns a model that asks collect every interval.
func NewModel(collect func() (Snapshot, error), interval time.Duration) *Model {
	return &Model{collect: collect, interval: interval, chosen: map[int]int{}, width: 80, height: 24}
}

type (
	told struct { // a question was answered
		snapshot Snapshot
		err      error
	}
	tick int // it is time for the next, of a round
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return m.ask() }

// ask asks once, unless an answer is on its way.
func (m *Model) ask() tea.Cmd {
	if m.asking {
		return nil
	}
	m.asking = true
	return func() tea.Msg {
		s, err := m.collect()
		return told{s, err}
	}
}

// wait starts a new round.
func (m *Model) wait() tea.Cmd {
	m.round++
	round := m.round
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return tick(round) })
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case told:
		m.asking = false
		m.take(msg)
		return m, m.wait()
	case tick:
		if int(msg) != m.round {
			return m, nil
		}
		if m.paused {
			return m, m.wait()
		}
		return m, m.ask()
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

// take keeps an answer. One that was lost leaves what is known.
func (m *Model) take(t told) {
	m.err = t.err
	if t.err != nil || m.paused {
		return
	}
	if m.now != nil {
		m.before = m.now
	}
	m.now = &t.snapshot
	m.rates = between(m.before, m.now)
}

// key does what a key stands for.
func (m *Model) key(name string) tea.Cmd {
	rows := m.rows()
	switch name {
	case "q", "ctrl+c", "esc":
		return tea.Quit
	case "1", "2", "3", "4":
		m.page, m.top = int(name[0]-'1'), 0
	case "tab", "right", "l":
		m.page, m.top = (m.page+1)%len(pages()), 0
	case "shift+tab", "left", "h":
		m.page, m.top = (m.page+len(pages())-1)%len(pages()), 0
	case "s":
		m.chosen[m.page]++
		m.top = 0
	case "r":
		m.reversed, m.top = !m.reversed, 0
	case "p", "space":
		if m.paused = !m.paused; !m.paused {
			return m.ask()
		}
	case "+", "=":
		m.interval = min(2*m.interval, Longest)
		return m.again()
	case "-":
		m.interval = max(m.interval/2, Shortest)
		return m.again()
	case "?":
		m.helps = !m.helps
	case "up", "k":
		m.top--
	case "down", "j":
		m.top++
	case "pgup":
		m.top -= rows
	case "pgdown":
		m.top += rows
	case "home", "g":
		m.top = 0
	case "end", "G":
		m.top = 1 << 30
	}
	return nil
}

// again waits for the new interval, unless an answer comes first and does.
func (m *Model) again() tea.Cmd {
	if m.asking {
		return nil
	}
	return m.wait()
}

// order is the name of the order of the page.
func (m *Model) order() string {
	orders := pages()[m.page].orders
	return orders[m.chosen[m.page]%len(orders)]
}

// Run shows the model on a terminal until a key ends it, or ctx does.
func Run(ctx context.Context, m *Model, options ...tea.ProgramOption) error {
	p := tea.NewProgram(m, append(options, tea.WithoutSignalHandler())...)
	over, end := context.WithCancel(ctx)
	var quits sync.WaitGroup
	quits.Go(func() {
		<-over.Done()
		p.Quit() // a program that loses its context does not wait for the reader of the terminal; after the end this does nothing
	})
	_, err := p.Run()
	end()
	quits.Wait()
	if ctx.Err() != nil {
		return nil // as it was told to
	}
	return err
}

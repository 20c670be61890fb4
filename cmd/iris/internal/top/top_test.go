package top

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"iris/node/inspect"
)

// shot is a snapshot of a node after so many seconds.
func shot(seconds int) Snapshot {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
	n := uint64(seconds)
	s := Snapshot{At: now, Node: inspect.Node{
		ID: strings.Repeat("a", 32), Name: "host\x1b[2J", Network: "shop", State: "ready", Form: "mesh", Now: now, Started: now.Add(-time.Hour),
		Sent: 1000 * n, Delivered: 500 * n, Dropped: 3 * n, Suspects: 1,
	}}
	for i := range 50 {
		s.Network = append(s.Network, inspect.Brief{ID: fmt.Sprintf("%02x%030d", i, 0), Name: fmt.Sprintf("n%02d", 49-i), State: "ready", Actors: i, Links: []inspect.Edge{{RTT: 1500}, {RTT: 500}}})
	}
	s.Clusters = []inspect.Cluster{{Name: "quiet", Requests: 5, P99: 9000}, {Name: "busy\u202e", Requests: 2000 * n, Queued: 4}}
	s.Actors = []inspect.Actor{{Path: "iris/lazy", Handled: 1}, {Path: "iris/hot", Handled: 100 * n, Busy: 500_000 * int64(n), Failures: 2, LastError: "oops"}}
	s.Letters = []inspect.DeadLetters{{Reason: "no actor", Count: 1}, {Reason: "mailbox full", Count: 3 * n, Samples: []inspect.Letter{{Time: now.Add(-time.Second), Target: "iris/x", Type: "T"}}}}
	return s
}

// model returns one that was told the given snapshots.
func model(t *testing.T, shots ...Snapshot) *Model {
	t.Helper()
	m := NewModel(func() (Snapshot, error) { t.Error("asked"); return Snapshot{}, nil }, time.Second)
	for _, s := range shots {
		m.Update(told{snapshot: s})
	}
	return m
}

func press(m *Model, keys ...string) tea.Cmd {
	var last tea.Cmd
	for _, k := range keys {
		var key tea.Key
		switch k {
		case "tab":
			key = tea.Key{Code: tea.KeyTab}
		case "end":
			key = tea.Key{Code: tea.KeyEnd}
		case "pgdown":
			key = tea.Key{Code: tea.KeyPgDown}
		case "ctrl+c":
			key = tea.Key{Code: 'c', Mod: tea.ModCtrl}
		default:
			key = tea.Key{Code: rune(k[0]), Text: k}
		}
		_, last = m.Update(tea.KeyPressMsg(key))
	}
	return last
}

// styles are the escape sequences of colours, which are ours.
var styles = regexp.MustCompile("\x1b\\[[0-9;]*m")

// shown is the screen without its colours; it checks that it fits.
func shown(t *testing.T, m *Model) string {
	t.Helper()
	v := m.View()
	lines := strings.Split(v.Content, "\n")
	if len(lines) != m.height || !v.AltScreen {
		t.Errorf("%d lines on a screen of %d", len(lines), m.height)
	}
	for _, l := range lines {
		if lipgloss.Width(l) > m.width {
			t.Errorf("%q is wider than %d", l, m.width)
		}
	}
	text := styles.ReplaceAllString(v.Content, "")
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("acts on the terminal: %q", text)
	}
	return text
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}

func TestPages(t *testing.T) {
	m := model(t, shot(10), shot(12))
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 20})
	wants(t, shown(t, m), `host\x1b[2J`, "network shop", "50 nodes, 1 suspected", "1000 sent, 500 delivered, 3.0 dropped", "[1 nodes]", "n49", "1.0ms", "every 1s  by ring")
	press(m, "2")
	clusters := shown(t, m)
	wants(t, clusters, "[2 clusters]", "2000", `busy\u202e`, "by answered")
	if strings.Index(clusters, "busy") > strings.Index(clusters, "quiet") {
		t.Errorf("not by what is answered:\n%s", clusters)
	}
	press(m, "tab")
	wants(t, shown(t, m), "[3 actors]", "iris/hot", "50%", "oops", "by busy")
	press(m, "4")
	wants(t, shown(t, m), "[4 dead letters]", "mailbox full", "3.0", "iris/x", "by rate")
	press(m, "?")
	wants(t, shown(t, m), "the other way round", "quit")
	for width := range 100 { // whatever the size
		for _, height := range []int{1, 2, 5, 30} {
			m.Update(tea.WindowSizeMsg{Width: width + 1, Height: height})
			for range 2 * len(pages()) {
				press(m, "tab")
				shown(t, m)
			}
			press(m, "?")
		}
	}
}

func TestSortAndScroll(t *testing.T) {
	m := model(t, shot(10))
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 15})
	first := func() string { return strings.Fields(strings.Split(shown(t, m), "\n")[4])[1] }
	if got := first(); got != "n49" {
		t.Errorf("first in the ring: %s", got)
	}
	press(m, "s")
	if got := first(); got != "n00" {
		t.Errorf("first by name: %s", got)
	}
	press(m, "r")
	if got := first(); got != "n49" {
		t.Errorf("last by name: %s", got)
	}
	press(m, "r", "s")
	if got := first(); got != "n00" { // has the most actors
		t.Errorf("first by actors: %s", got)
	}
	press(m, "s", "s", "s") // round to the ring
	press(m, "j", "j")
	if got := first(); got != "n47" {
		t.Errorf("two down: %s", got)
	}
	press(m, "pgdown")
	if got := first(); got != "n37" {
		t.Errorf("a page down: %s", got)
	}
	press(m, "end")
	if got := first(); got != "n09" {
		t.Errorf("the end: %s", got)
	}
	press(m, "g", "k")
	if got := first(); got != "n49" {
		t.Errorf("above the beginning: %s", got)
	}
}

func TestPauseAndPace(t *testing.T) {
	asked := 0
	m := NewModel(func() (Snapshot, error) { asked++; return shot(asked), nil }, time.Second)
	answer := func(c tea.Cmd) {
		t.Helper()
		if c == nil {
			t.Fatal("nothing is asked")
		}
		m.Update(c())
	}
	answer(m.Init())
	if asked != 1 || m.now == nil || m.rates.known {
		t.Fatalf("asked %d times, %v", asked, m.now)
	}
	_, c := m.Update(tick(m.round))
	if _, again := m.Update(tick(m.round)); again != nil {
		t.Error("asked while an answer is on its way")
	}
	answer(c)
	if _, c := m.Update(tick(m.round - 1)); c != nil {
		t.Error("a tick of an earlier round counts")
	}
	press(m, "p")
	if _, c := m.Update(tick(m.round)); c == nil || asked != 2 {
		t.Errorf("paused: asked %d times", asked)
	}
	wants(t, shown(t, m), "PAUSED")
	answer(press(m, "p"))
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	press(m, "-", "-", "-", "-")
	if m.interval != Shortest {
		t.Errorf("interval %v", m.interval)
	}
	press(m, "+", "+", "+", "+", "+", "+", "+", "+", "+")
	if m.interval != Longest {
		t.Errorf("interval %v", m.interval)
	}
	for _, k := range []string{"q", "ctrl+c"} {
		if c := press(m, k); c == nil || c() != (tea.QuitMsg{}) {
			t.Errorf("%s does not quit", k)
		}
	}
}

// TestLostAnswer: what was known stays, with what is wrong above it.
func TestLostAnswer(t *testing.T) {
	m := model(t, shot(10))
	m.Update(told{err: errors.New("gone\x1b[2J")})
	wants(t, shown(t, m), `no answer: gone\x1b[2J`, "n49")
	restarted := shot(11)
	restarted.Node.ID = strings.Repeat("b", 32)
	m.Update(told{snapshot: restarted})
	if m.rates.known {
		t.Error("rates of two processes")
	}
	if text := shown(t, m); strings.Contains(text, "no answer") {
		t.Errorf("still:\n%s", text)
	}
	empty := model(t)
	wants(t, shown(t, empty), "asking")
}

func TestPrint(t *testing.T) {
	n := 0
	m := NewModel(func() (Snapshot, error) { n++; return shot(n), nil }, time.Second)
	var out bytes.Buffer
	enough := errors.New("enough")
	err := Print(&out, m, 0, 3, 100, func(d time.Duration) error {
		if n == 2 {
			return enough
		}
		return nil
	})
	text := out.String()
	if err != enough || strings.Count(text, "dead letters") != 2 || strings.Contains(text, "\x1b") {
		t.Errorf("%v, got\n%s", err, text)
	}
	wants(t, text, "2026-01-02T03:04:01Z", "and 47 more", "mailbox full", "1000 sent")
	m = NewModel(func() (Snapshot, error) { return Snapshot{}, enough }, time.Second)
	if err := Print(&out, m, 1, 3, 100, nil); err != enough {
		t.Errorf("got %v", err)
	}
	m = NewModel(func() (Snapshot, error) { return Snapshot{}, nil }, time.Second)
	if err := Print(&out, m, 1, 3, 0, nil); err != nil || !strings.Contains(out.String(), "none") {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

// TestRun runs the program itself, on a screen that is a buffer.
func TestRun(t *testing.T) {
	m := NewModel(func() (Snapshot, error) { return shot(1), nil }, time.Hour)
	in, keys := &gate{open: make(chan struct{})}, make(chan struct{})
	var out screen
	out.saw, out.want = keys, "shop"
	in.end = make(chan struct{})
	defer close(in.end)
	go func() { <-keys; close(in.open) }() // q is typed when the node is on the screen
	err := Run(t.Context(), m, tea.WithInput(in), tea.WithOutput(&out), tea.WithWindowSize(100, 20), tea.WithEnvironment([]string{"TERM=xterm"}))
	if err != nil {
		t.Error(err)
	}
}

// gate is an input that says q when it is opened.
type gate struct {
	open, end chan struct{}
	said      bool
}

func (g *gate) Read(b []byte) (int, error) {
	<-g.open
	if g.said {
		<-g.end
		return 0, io.EOF
	}
	g.said = true
	return copy(b, "q"), nil
}

// screen closes saw when what is wanted was written.
type screen struct {
	text bytes.Buffer
	want string
	saw  chan struct{}
	done bool
}

func (s *screen) Write(b []byte) (int, error) {
	s.text.Write(b)
	if !s.done && strings.Contains(s.text.String(), s.want) {
		s.done = true
		close(s.saw)
	}
	return len(b), nil
}

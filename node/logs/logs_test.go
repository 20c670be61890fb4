package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"iris/node/config"
)

// page is a writer that keeps everything.
type page struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *page) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Split(strings.TrimSuffix(p.buf.String(), "\n"), "\n")
}

func TestLevels(t *testing.T) {
	p := new(page)
	l := New(config.Log{Levels: map[string]string{"router": "debug", "relay": "error"}}, p)
	defer l.Close()
	base := l.Logger().With("node", "n")
	part := func(name string) *slog.Logger { return base.With(Subsystem, name) }
	router, relay, other, odd := part("router"), part("relay"), part("topics"), part("nothing")
	all := func(text string) {
		for _, log := range []*slog.Logger{router, relay, other, odd, relay.WithGroup("g").With(Subsystem, "router")} {
			log.Debug(text + " debug")
			log.Warn(text + " warn")
		}
	}
	all("one")
	if got := p.lines(); len(got) != 4 || !strings.Contains(got[0], "one debug") {
		t.Errorf("logged %q", got)
	}
	for _, c := range [][2]string{{"relay", "debug"}, {"router", "error"}, {"topics", "error"}, {"node", "error"}} {
		if err := l.SetLevel(c[0], c[1]); err != nil {
			t.Error(err)
		}
	}
	before := len(p.lines())
	all("two")
	if got := p.lines()[before:]; len(got) != 4 {
		t.Errorf("logged %q", got)
	}
	for _, c := range [][2]string{{"x", "info"}, {"", "loud"}, {"router", ""}} {
		if l.SetLevel(c[0], c[1]) == nil {
			t.Errorf("%v is taken", c)
		}
	}
	if err := l.SetLevel("", "warn"); err != nil {
		t.Error(err)
	}
	want := map[string]string{}
	for _, name := range config.Subsystems() {
		want[name] = "warn"
	}
	if got := l.Levels(); !maps.Equal(got, want) {
		t.Errorf("levels %v", got)
	}
}

// A handler of the program's own decides itself, until a level is set.
func TestOwnHandler(t *testing.T) {
	p := new(page)
	l := New(config.Log{Handler: slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})}, io.Discard)
	l.Logger().Debug("one")
	if err := l.SetLevel("node", "error"); err != nil {
		t.Error(err)
	}
	l.Logger().Debug("two")
	if got := p.lines(); len(got) != 1 || !strings.Contains(got[0], "one") {
		t.Errorf("logged %q", got)
	}
}

// hostile are names that another machine may have chosen.
var hostile = []string{
	"a\nlevel=ERROR msg=forged", "a\r\nb", "\x1b[31mred\x1b[2J", "\u009b31m", "abc\u202edcba\u2066", "\u200bx\u2028y\u2029", "\x00\x07\x7f", "\xff\xfe",
	`"}` + "\n" + `{"level":"ERROR"`, "a=b c=\"d\"", "\U000e0001tag",
}

// Whatever names others choose, a line is one line and shows what it says.
func TestHostileNames(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for _, name := range hostile {
			p := new(page)
			l := New(config.Log{Format: format}, p)
			log := l.Logger().With("peer", name)
			log.Info("peer up", "addr", name, slog.Group("g", slog.Any("err", fmt.Errorf("x: %s", name)), "list", []string{name}, "any", map[string]string{name: name}))
			log.Info(name, name, "x")
			log.WithGroup(name).Info("x", "y", name)
			got := p.lines()
			if len(got) != 3 {
				t.Errorf("%s: %q makes %d lines: %q", format, name, len(got), got)
			}
			for _, line := range got {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%s: %q is in the log as %q", format, name, line)
				}
				if format == "json" && !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
				if strings.HasPrefix(line, "level=ERROR") || strings.Contains(line, " level=ERROR") && !strings.Contains(line, `"`) {
					t.Errorf("forged: %s", line)
				}
			}
		}
	}
}

// What is logged again and again is summed up, exactly, in bounded memory.
func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(page)
		l := New(config.Log{}, p)
		router, topics := l.Logger().With(Subsystem, "router"), l.Logger().With(Subsystem, "topics")
		for i := range 1000 {
			router.Error("refused", "n", i)
		}
		router.Warn("refused")
		topics.Error("refused")
		count := func(part string) (n int) {
			for _, line := range p.lines() {
				if strings.Contains(line, part) {
					n++
				}
			}
			return n
		}
		if n := count("msg=refused"); n != repeatBurst+2 {
			t.Errorf("%d lines, want %d", n, repeatBurst+2)
		}
		<-time.After(repeatWindow + time.Second)
		synctest.Wait()
		if n := count("level=ERROR msg=repeated subsystem=router message=refused times=744"); n != 1 {
			t.Errorf("the rest was not told: %q", p.lines()[len(p.lines())-1])
		}
		router.Error("refused", "n", "again")
		if count("n=again") != 1 {
			t.Error("a new window does not begin")
		}
		for range 2 * repeatBurst {
			router.Error("refused", "n", "more")
		}
		l.Close()
		if n := count("times=257"); n != 1 {
			t.Errorf("Close does not tell the rest: %q", p.lines()[len(p.lines())-1])
		}
		router.Error("refused", "n", "last")
		if count("n=last") != 1 {
			t.Error("nothing is written after Close")
		}
	})
}

func TestRepeatsAreBounded(t *testing.T) {
	p := new(page)
	l := New(config.Log{Levels: map[string]string{"actor": "debug"}}, p)
	defer l.Close()
	log := l.Logger().With(Subsystem, "actor")
	for i := range 2 * repeatKeys {
		log.Info(fmt.Sprint("message ", i))
	}
	if n := len(l.repeats.seen); n > repeatKeys {
		t.Errorf("%d messages are remembered", n)
	}
	if n := len(p.lines()); n != 2*repeatKeys {
		t.Errorf("%d lines of %d", n, 2*repeatKeys)
	}
	handlers := log.With("actor", "iris/user/1")
	for range 2 * repeatBurst {
		handlers.Info("of a handler")
		log.Debug("for who asked for it")
		log.Info(strings.Repeat("long", 1000))
	}
	if n := len(p.lines()); n != 2*repeatKeys+6*repeatBurst {
		t.Errorf("%d lines: something was held back", n)
	}
}

// Many goroutines log while levels change and the log is closed: nothing is lost
// but what "repeated" counts.
func TestConcurrentLogging(t *testing.T) {
	p := new(page)
	l := New(config.Log{}, p)
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for i := range writers {
		log := l.Logger().With(Subsystem, config.Subsystems()[i%4])
		wg.Go(func() {
			for range each {
				log.Warn("m")
			}
		})
		wg.Go(func() {
			_ = l.SetLevel("relay", "debug")
			_ = l.Levels()
		})
	}
	wg.Wait()
	l.Close()
	total := 0
	for _, line := range p.lines() {
		var times int
		if _, after, ok := strings.Cut(line, "times="); ok {
			if _, err := fmt.Sscan(after, &times); err != nil {
				t.Fatal(err)
			}
			total += times
		} else {
			total++
		}
	}
	if total != writers*each {
		t.Errorf("%d lines are accounted for, want %d", total, writers*each)
	}
}

func BenchmarkDisabled(b *testing.B) {
	l := New(config.Log{}, io.Discard)
	defer l.Close()
	log := l.Logger().With(Subsystem, "router")
	b.ReportAllocs()
	for b.Loop() {
		log.Debug("not written", "peer", "x")
	}
}

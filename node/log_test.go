package node_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// journal is a program's own log handler: it keeps what it is given.
type journal struct {
	level slog.Level
	page  *page
	attrs []slog.Attr
}

type page struct {
	came chan line // of a test that waits for one

	mu    sync.Mutex // guards the following field
	lines []line
}

// line is one record with the attributes of its logger.
type line struct {
	level   slog.Level
	message string
	attrs   map[string]string
}

func (j journal) Enabled(_ context.Context, l slog.Level) bool { return l >= j.level }

func (j journal) Handle(_ context.Context, r slog.Record) error {
	x := line{r.Level, r.Message, map[string]string{}}
	for _, a := range j.attrs {
		x.attrs[a.Key] = a.Value.String()
	}
	r.Attrs(func(a slog.Attr) bool { x.attrs[a.Key] = a.Value.String(); return true })
	j.page.mu.Lock()
	defer j.page.mu.Unlock()
	j.page.lines = append(j.page.lines, x)
	select {
	case j.page.came <- x:
	default:
	}
	return nil
}

func (j journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	j.attrs = append(j.attrs[:len(j.attrs):len(j.attrs)], attrs...)
	return j
}

func (j journal) WithGroup(string) slog.Handler { return j }

// find returns the lines with a message.
func (p *page) find(message string) (found []line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if l.message == message {
			found = append(found, l)
		}
	}
	return found
}

// begin starts a node alone, that logs to what is returned, and stops it with the test.
func begin(t *testing.T, edit func(*config.Log)) (*node.Node, *page) {
	t.Helper()
	p := &page{came: make(chan line, 1000)}
	cfg := config.Default()
	cfg.Discovery.Host = false
	cfg.Log.Handler = journal{level: slog.LevelInfo, page: p}
	edit(&cfg.Log)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := node.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, n) })
	return n, p
}

func end(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// fragile panics when it is told to, and else answers when it is let.
func fragile(let <-chan struct{}) *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		switch ctx.Message() {
		case "boom":
			panic("it broke")
		case "hold":
			ctx.Respond("held")
			<-let
		}
	}).Mailbox(2).Strategy(actor.Strategy{MaxRestarts: 10, Window: time.Minute, BackoffMin: time.Millisecond, BackoffMax: time.Millisecond})
}

// What happens to a node is in the log of the program that started it, each event once, and
// all of it when Stop has returned.
func TestEventsAreInTheLogOfAProgram(t *testing.T) {
	n, p := begin(t, func(*config.Log) {})
	let := make(chan struct{})
	sys := n.System()
	pid := sys.Spawn(fragile(let))
	sys.Send(pid, nil, "boom")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := sys.Root().Request(ctx, pid, "hold"); err != nil {
		t.Fatal(err)
	}
	for range 4 { // two of them are too many
		sys.Send(pid, nil, "x")
	}
	close(let)
	for { // the end of the node would perhaps come before the mailbox is relieved
		if _, err := sys.Root().Request(ctx, pid, "hold"); err == nil {
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	end(t, n)

	failed := p.find("handler failed")
	if len(failed) != 1 {
		t.Fatalf("handler failed: %d lines", len(failed))
	}
	f := failed[0]
	if f.level != slog.LevelWarn || f.attrs["subsystem"] != "actor" || f.attrs["reason"] != "it broke" || f.attrs["message"] != "string" ||
		f.attrs["directive"] != "restart" || !strings.HasPrefix(n.ID(), f.attrs["node"]) || f.attrs["node"] == "" || f.attrs["pid"] != pid.Id {
		t.Errorf("handler failed: %+v", f)
	}
	for _, want := range []struct {
		message string
		level   slog.Level
		least   int
	}{{"overloaded", slog.LevelWarn, 1}, {"relieved", slog.LevelInfo, 2}} {
		got := p.find(want.message)
		dropped := 0
		if len(got) > 0 {
			dropped, _ = strconv.Atoi(got[0].attrs["dropped"]) // 0 is too few
		}
		if len(got) != 1 || got[0].level != want.level || got[0].attrs["what"] != pid.Id || dropped < want.least || got[0].attrs["subsystem"] != "node" {
			t.Errorf("%s: %+v", want.message, got)
		}
	}
	if len(p.find("event")) != 0 || len(p.find("node stopped")) != 1 {
		t.Errorf("debug lines %+v, last words %+v", p.find("event"), p.find("node stopped"))
	}
}

// The levels of subsystems hold for events as well, also one that is set while the node runs.
func TestEventsKeepToTheLevels(t *testing.T) {
	n, p := begin(t, func(l *config.Log) {
		l.Handler = journal{level: slog.LevelDebug, page: l.Handler.(journal).page}
		l.Levels = map[string]string{"actor": "error", "node": "info", "topics": "info", "transport": "info", "router": "info", "discovery": "info"}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := n.Events().Chan(ctx, 1000)
	pid := n.System().Spawn(fragile(nil))
	started := func() {
		for ev := range seen {
			if s, ok := ev.(*actor.HandlerStarted); ok && s.PID.Id == pid.Id {
				return
			}
		}
		t.Fatal("it did not start")
	}
	started()
	fail := func(mark string) { // until it is logged, if it is, and the line after it
		t.Helper()
		n.System().Send(pid, nil, "boom")
		started()
		n.Events().Publish(&actor.Overloaded{What: mark})
		for {
			select {
			case l := <-p.came:
				if l.attrs["what"] == mark {
					return
				}
			case <-ctx.Done():
				t.Fatalf("no %s in the log", mark)
			}
		}
	}
	set := func(level string) {
		t.Helper()
		if err := n.Events().Do(t.Context(), &actor.SetLogLevel{Subsystem: "actor", Level: level}); err != nil {
			t.Fatal(err)
		}
	}
	fail("one")
	set("warn")
	fail("two")
	set("debug")
	fail("three")
	end(t, n)
	if got := p.find("handler failed"); len(got) != 2 || got[0].attrs["restarts"] != "2" || got[1].attrs["restarts"] != "3" {
		t.Errorf("handler failed: %+v", got)
	}
	events := p.find("event")
	for _, e := range events {
		if e.attrs["subsystem"] != "actor" {
			t.Errorf("of another subsystem: %+v", e)
		}
	}
	if len(events) == 0 || !strings.Contains(events[len(events)-1].attrs["event"], `"kind":"Handler`) {
		t.Errorf("the events of handlers: %+v", events)
	}
}

package node

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"iris/actor"
	"iris/node/config"
)

// Every command is answered by one CommandDone, also where there is nothing to be
// commanded, and is in the log once.
func TestCommandsAreAnswered(t *testing.T) {
	said := new(sink)
	nodes := together(t, 2, func(c *config.Config) { c.Log = config.Log{Writer: said} })
	n, other := nodes[0], nodes[1].ID()
	gone := strings.Repeat("0", 32)
	if _, err := n.Register("c", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	member := actor.NewPID(n.ID(), "iris/clusters/c/1")
	for i, c := range []struct {
		command actor.Command
		failure string // part of it, empty if it is carried out
	}{
		{&actor.Disconnect{Peer: other}, ""},
		{&actor.Disconnect{Peer: gone}, "is not linked"},
		{&actor.Disconnect{Peer: "x\ny"}, "is not the id of a node"},
		{&actor.SetLogLevel{Level: "debug", Subsystem: "router"}, ""},
		{&actor.SetLogLevel{Level: "info"}, ""},
		{&actor.SetLogLevel{Level: "loud"}, "is not one of"},
		{&actor.SetLogLevel{Level: "info", Subsystem: "kitchen"}, "is not one of"},
		{&actor.Restart{PID: member}, ""},
		{&actor.Restart{PID: actor.NewPID(n.ID(), "iris/none")}, "no such actor"},
		{&actor.Restart{PID: actor.NewPID(other, "iris/clusters/c/1")}, "no such actor"},
		{&actor.StopHandler{}, "no such actor"},
		{&actor.StopHandler{PID: actor.NewPID(n.ID(), "iris")}, "denied"},
		{&actor.StopHandler{PID: member}, ""},
		{&actor.Drain{}, ""},
	} {
		by := "test " + string(rune('a'+i))
		var mu sync.Mutex
		var done []*actor.CommandDone
		cancel := n.Events().Subscribe(func(ev any) {
			if d, ok := ev.(*actor.CommandDone); ok && d.By == by {
				mu.Lock()
				defer mu.Unlock()
				done = append(done, d)
			}
		})
		ordered(c.command, by)
		err := n.Events().Do(t.Context(), c.command)
		if c.failure == "" && err != nil || c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)) {
			t.Errorf("%T: got %v, want %q", c.command, err, c.failure)
		}
		eventually(t, "the answer", func() bool { mu.Lock(); defer mu.Unlock(); return len(done) > 0 })
		cancel()
		mu.Lock()
		if len(done) != 1 || done[0].Command != actor.EventKind(c.command) || !strings.Contains(done[0].Error, c.failure) || (done[0].Error == "") != (c.failure == "") {
			t.Errorf("%T: answered by %+v", c.command, done)
		}
		mu.Unlock()
		if got := strings.Count(said.String(), `by="`+by+`"`); got != 1 {
			t.Errorf("%T: %d lines in the log", c.command, got)
		}
	}
	if err := n.Events().Do(t.Context(), &actor.Drain{}); err != nil {
		t.Error("a second drain:", err)
	}
	stop(t, n)
	if err := n.Events().Do(t.Context(), &actor.Drain{}); !errors.Is(err, actor.ErrClosed) {
		t.Errorf("a stopped node: got %v", err)
	}
}

// ordered says who orders.
func ordered(c actor.Command, by string) {
	switch c := c.(type) {
	case *actor.Disconnect:
		c.By = by
	case *actor.SetLogLevel:
		c.By = by
	case *actor.Restart:
		c.By = by
	case *actor.StopHandler:
		c.By = by
	case *actor.Drain:
		c.By = by
	}
}

// More commands than the node can see to are refused, and so are those that come
// when it stops: none is left without an answer.
func TestOrdersAreBounded(t *testing.T) {
	s := actor.NewSystem(actor.Options{})
	o := &orders{queue: make(chan *actor.Order, 2)}
	s.Events().Carry(o.put)
	answers := s.Events().Chan(t.Context(), 100)
	for range 3 {
		s.Events().Publish(&actor.Drain{})
	}
	o.end()
	s.Events().Publish(&actor.Drain{})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	var got []string
	for ev := range answers {
		if d, ok := ev.(*actor.CommandDone); ok {
			got = append(got, d.Error)
		}
	}
	if want := "overloaded closed closed closed"; strings.Join(got, " ") != want {
		t.Errorf("answers %v, want %s", got, want)
	}
}

// The level of a subsystem can be changed while the node runs; ConfigChanged tells.
func TestSetLogLevel(t *testing.T) {
	said := new(sink)
	n := together(t, 1, func(c *config.Config) {
		c.Log = config.Log{Writer: said, Level: slog.LevelError, Levels: map[string]string{"node": "info"}}
	})[0]
	events := n.Events().Chan(t.Context(), 100)
	n.System().Logger().Warn("first")
	for _, c := range []actor.Command{&actor.SetLogLevel{Level: "warn", Subsystem: "actor"}, &actor.SetLogLevel{Level: "debug"}} {
		if err := n.Events().Do(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	n.System().Logger().Warn("second")
	stop(t, n)
	text := said.String()
	if strings.Contains(text, "msg=first") || !strings.Contains(text, "msg=second") || !strings.Contains(text, "node stopped") {
		t.Errorf("logged:\n%s", text)
	}
	var changes []string
	for ev := range events {
		if c, ok := ev.(*actor.ConfigChanged); ok {
			changes = append(changes, c.What+"="+c.Value)
		}
	}
	if want := "log.levels.actor=warn log.level=debug"; strings.Join(changes, " ") != want {
		t.Errorf("changes %v, want %s", changes, want)
	}
}

// A node that is printed shows its id and nothing of its configuration.
func TestPrintedNode(t *testing.T) {
	n := together(t, 1)[0]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, n); got != "node "+n.ID() {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// A link that is dropped by command ends at both ends, and the nodes link again.
func TestDisconnectDropsTheLink(t *testing.T) {
	nodes := together(t, 2)
	news := make(chan string, 1000)
	for _, n := range nodes {
		defer n.Events().Subscribe(func(ev any) {
			switch ev := ev.(type) {
			case *actor.LinkDown:
				news <- n.ID() + " down " + ev.Peer
			case *actor.LinkUp:
				news <- n.ID() + " up " + ev.Peer
			}
		})()
	}
	a, b := nodes[0].ID(), nodes[1].ID()
	if err := nodes[0].Events().Do(t.Context(), &actor.Disconnect{Peer: b}); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{a + " down " + b: true, b + " down " + a: true, a + " up " + b: true, b + " up " + a: true}
	for len(want) > 0 {
		delete(want, receive(t, news)) // in any order: a new link may replace one whose end is not known yet
	}
}

package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"iris/actor"
	"iris/node/config"
)

// told returns the subscriber of a node's events that logs to l.
func told(l *Logs) func(any) {
	return Events(func(subsystem string) *slog.Logger { return l.Logger().With(Subsystem, subsystem) })
}

// own is an event of a program.
type own struct {
	actor.At
	Text string
}

// Each event is at most one line, at its level and of its subsystem.
func TestEventsAreLines(t *testing.T) {
	for _, c := range []struct {
		event any
		want  string // the line begins so; empty: there is none
	}{
		{&actor.HandlerFailed{PID: actor.NewPID("n", "a/1"), Reason: "r", Restarts: 2}, "level=WARN msg=\"handler failed\" subsystem=actor pid=a/1 cluster=\"\" reason=r message=\"\" restarts=2 directive=default"},
		{&actor.Overloaded{What: "w", Dropped: 3}, "level=WARN msg=overloaded subsystem=node what=w dropped=3"},
		{&actor.Relieved{What: "w", Dropped: 4}, "level=INFO msg=relieved subsystem=node what=w dropped=4"},
		{&actor.ProtocolViolation{Peer: "p", Reason: "r"}, "level=WARN msg=\"protocol violation\" subsystem=transport peer=p reason=r"},
		{&actor.TopicGap{Topic: "t", Publisher: "p", Missed: 5}, "level=WARN msg=\"topic gap\" subsystem=topics topic=t publisher=p missed=5"},
		{&actor.EventsLost{Count: 6}, "level=WARN msg=\"events lost\" subsystem=node count=6"},
		{&actor.CommandDone{By: "x"}, ""},
		{&actor.HandlerStarted{Restarts: 1}, "level=DEBUG msg=event subsystem=actor event=\"{\\\"kind\\\":\\\"HandlerStarted\\\""},
		{&actor.PeerUp{Peer: "p"}, "level=DEBUG msg=event subsystem=router event="},
		{&actor.LinkUp{Peer: "p"}, "level=DEBUG msg=event subsystem=transport event="},
		{&actor.MemberJoined{Peer: "p"}, "level=DEBUG msg=event subsystem=topics event="},
		{&actor.TunnelOpened{Peer: "p"}, "level=DEBUG msg=event subsystem=tunnels event="},
		{&actor.RelayClientUp{Client: 1}, "level=DEBUG msg=event subsystem=relay event="},
		{&actor.ConfigChanged{What: "w"}, "level=DEBUG msg=event subsystem=node event="},
		{&own{Text: "x"}, "level=DEBUG msg=event subsystem=node event=\"{\\\"kind\\\":\\\"logs.own\\\""},
		{func() {}, "level=DEBUG msg=event subsystem=node event="},
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
			p := new(page)
			told(New(config.Log{Level: level}, p))(c.event)
			got := p.lines()
			want := c.want
			if level == slog.LevelInfo && strings.HasPrefix(want, "level=DEBUG") {
				want = ""
			}
			_, line, _ := strings.Cut(got[0], " ") // after the time
			if len(got) != 1 || !strings.HasPrefix(line, want) || (line == "") != (want == "") {
				t.Errorf("%T at %v: %q, want %q", c.event, level, got, want)
			}
		}
	}
}

// What others named makes no line of its own, and what comes again and again is summed up.
func TestEventsAreTame(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for _, name := range hostile {
			p := new(page)
			log := told(New(config.Log{Format: format, Level: slog.LevelDebug}, p))
			events := []any{
				&actor.HandlerFailed{PID: actor.NewPID(name, name), Cluster: name, Reason: name, Stack: name, MessageType: name},
				&actor.Overloaded{What: name}, &actor.ProtocolViolation{Peer: name, Reason: name}, &actor.TopicGap{Topic: name, Publisher: name},
				&actor.PeerDown{Peer: name, Reason: name}, &own{Text: name},
			}
			for _, ev := range events {
				log(ev)
			}
			got := p.lines()
			if len(got) != len(events) || strings.ContainsFunc(strings.Join(got, ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %q makes %q", format, name, got)
			}
		}
	}
	p := new(page)
	l := New(config.Log{}, p)
	log := told(l)
	for i := range 1000 {
		log(&actor.Overloaded{What: fmt.Sprint(i)})
	}
	l.Close()
	got := p.lines()
	if len(got) != repeatBurst+1 || !strings.Contains(got[repeatBurst], "msg=repeated subsystem=node message=overloaded times=744") {
		t.Errorf("%d lines, at last %q", len(got), got[len(got)-1])
	}
}

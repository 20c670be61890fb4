package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/table"
	"iris/internal/printable"
	"iris/node/admin/client"
)

// follower is the command events.
type follower struct {
	streams
	flags  adminFlags
	follow bool
	count  int64
	filter client.Filter
}

func newEvents(s streams, signals <-chan os.Signal) *cobra.Command {
	e := &follower{streams: s, flags: adminFlags{forever: true}}
	m := inspectManuals()["events"]
	cmd := m.command()
	cmd.GroupID = groupInspect
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	fl := cmd.Flags()
	fl.BoolVarP(&e.follow, "follow", "f", false, "until ctrl-c")
	fl.Int64VarP(&e.count, "count", "n", 0, "end after so many events")
	fl.StringSliceVar(&e.filter.Kinds, "kind", nil, "only events of these `KINDS`, separated by commas")
	fl.StringVar(&e.filter.Contains, "contains", "", "only events with this `TEXT` in their JSON")
	// It fails for flags that do not exist only.
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(eventKinds(), cobra.ShellCompDirectiveNoFileComp))
	e.flags.add(cmd, false)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := e.flags.check(); err != nil {
			return err
		}
		if err := checkKinds(e.filter.Kinds); err != nil {
			return err
		}
		switch {
		case e.count < 0:
			return fmt.Errorf("count: %d: want 1 or more", e.count)
		case !e.follow && e.count == 0:
			return errors.New("want --follow, or --count: events are printed from now on, those before are not kept")
		}
		return noArgs(cmd, args)
	}
	setDefault(cmd, "timeout", "0s")
	fl.Lookup("timeout").Usage = "end with status 3 when there was no event for so long; 0: never"
	cmd.RunE = work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		return e.run(ctx)
	})
	return cmd
}

var errEnough = errors.New("as many events as wanted")

// run prints events until there are enough, or a signal.
func (e *follower) run(ctx context.Context) error {
	s, err := e.flags.begin(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	patience, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := fmt.Errorf("no event within %v", e.flags.timeout)
	if e.flags.timeout > 0 {
		watch := time.AfterFunc(e.flags.timeout, func() { cancel(quiet) })
		defer watch.Stop()
		return e.print(patience, ctx, s, quiet, func() { watch.Reset(e.flags.timeout) })
	}
	return e.print(patience, ctx, s, quiet, func() {})
}

// print prints events as they come, and calls came for each.
func (e *follower) print(ctx, asked context.Context, s *session, quiet error, came func()) error {
	seen := int64(0)
	err := s.Events(ctx, e.filter, func(ev client.Event) error {
		if ev.Kind == "Hello" {
			fmt.Fprintln(e.err, "iris: events from now on, ctrl-c ends it")
			return nil
		}
		came()
		if err := e.event(ev); err != nil {
			return err
		}
		if seen++; seen == e.count {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough), asked.Err() != nil && e.count == 0:
		return nil
	case asked.Err() != nil:
		return context.Cause(asked)
	case errors.Is(err, quiet):
		return nobody{quiet}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nobody{fmt.Errorf("the node at %s has stopped, or closed the stream", s.Base())}
	}
	return s.explain(err)
}

// event prints one.
func (e *follower) event(ev client.Event) error {
	if e.flags.json {
		return e.object(ev.Data)
	}
	line := eventLine(ev)
	if width := terminalWidth(e.out); width > 0 {
		line = table.Cut(line, width)
	}
	_, err := fmt.Fprintln(e.out, line)
	return err
}

// maxValue bounds what is shown of one field of an event, in characters.
const maxValue = 200

// eventLine writes an event on one line: time, kind, and its fields in their order.
func eventLine(ev client.Event) string {
	at, fields := "", []string{}
	d := json.NewDecoder(bytes.NewReader(ev.Data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return printable.Text(ev.Kind + " " + string(ev.Data))
	}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			break
		}
		switch name := fmt.Sprint(key); name {
		case "kind", "node": // the same for all, or said already
		case "time":
			at = timeOfDay(value)
		default:
			fields = append(fields, printable.Text(name)+"="+shown(value))
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%-12s %-20s %s", at, printable.Text(ev.Kind), strings.Join(fields, " ")))
}

// timeOfDay writes a time of JSON in this host's zone.
func timeOfDay(value json.RawMessage) string {
	var t time.Time
	if json.Unmarshal(value, &t) != nil {
		return "?"
	}
	return t.Local().Format("15:04:05.000")
}

// shown writes a value: text as it is where that is clear.
func shown(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return table.Cut(printable.Text(string(value)), maxValue)
	}
	safe := printable.Text(text)
	if text == "" || strings.ContainsAny(text, " =\"") || safe != text {
		safe = `"` + strings.ReplaceAll(safe, `"`, `\"`) + `"`
	}
	return table.Cut(safe, maxValue)
}

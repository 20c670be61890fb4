package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/view"
	"iris/internal/printable"
	"iris/node/admin/client"
	"iris/node/inspect"
)

// tracer is the command trace.
type tracer struct {
	streams
	cluster, topic bool
}

func newTrace(s streams, signals <-chan os.Signal) *cobra.Command {
	t := &tracer{streams: s}
	a := asker{manual: inspectManuals()["trace"], flags: &adminFlags{}, run: t.run}
	a.args = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return fmt.Errorf("want one CLUSTER or TOPIC, got %d", len(args))
		case t.cluster && t.topic:
			return errors.New("want one of --cluster and --topic, not both")
		}
		return checkNames("CLUSTER", args[0])
	}
	cmd := a.command(signals)
	cmd.Flags().BoolVar(&t.cluster, "cluster", false, "the name is that of a cluster")
	cmd.Flags().BoolVar(&t.topic, "topic", false, "the name is that of a topic")
	return cmd
}

// run shows the way to what has the name: what was asked for, else a cluster if
// there is one, else a topic.
func (t *tracer) run(ctx context.Context, a *session, args []string) error {
	kinds := []string{"cluster", "topic"}
	switch {
	case t.cluster:
		kinds = kinds[:1]
	case t.topic:
		kinds = kinds[1:]
	}
	for _, kind := range kinds {
		var raw json.RawMessage
		if err := a.Get(ctx, a.node, "trace", url.Values{kind: {args[0]}}, &raw); err != nil {
			return err
		}
		var tr inspect.Trace
		if err := json.Unmarshal(raw, &tr); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		if there, err := a.leads(ctx, tr); err != nil {
			return err
		} else if there {
			return t.show(ctx, a, tr, raw)
		}
	}
	return nobody{fmt.Errorf("there is no %s %q", strings.Join(kinds, " or "), args[0])}
}

// leads reports whether a way leads to somebody: beyond the node where members
// register, or to the node that was asked itself.
func (a *session) leads(ctx context.Context, tr inspect.Trace) (bool, error) {
	if slices.ContainsFunc(tr.Hops, func(h inspect.Hop) bool { return h.Why != "route" }) {
		return true, nil
	}
	var list inspect.Page[struct { // a cluster or topic
		Local, Members, Subscribers int
	}]
	err := a.Get(ctx, a.node, tr.Kind+"s", url.Values{"name": {tr.Name}}, &list)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return false, nil
	}
	for _, x := range list.Items {
		if x.Local+x.Members+x.Subscribers > 0 { // the others are known by name only
			return true, err
		}
	}
	return false, err
}

func (t *tracer) show(ctx context.Context, a *session, tr inspect.Trace, raw json.RawMessage) error {
	if tr.Error != "" {
		fmt.Fprintf(t.err, "iris: some of it could not be found out: %s\n", printable.Text(tr.Error))
	}
	if a.flags.json {
		return t.object(raw)
	}
	return t.lines(view.Trace(tr, a.names(ctx), terminalWidth(t.out)))
}

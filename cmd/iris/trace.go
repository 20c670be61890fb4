package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/view"
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

func (t *tracer) run(ctx context.Context, a *session, args []string) error {
	kinds := []string{"cluster", "topic"}
	switch {
	case t.cluster:
		kinds = kinds[:1]
	case t.topic:
		kinds = kinds[1:]
	}
	var err error
	for _, kind := range kinds {
		err = show(ctx, t.streams, a, "trace", url.Values{kind: {args[0]}}, func(tr inspect.Trace) error {
			return t.lines(view.Trace(tr, a.names(ctx), terminalWidth(t.out)))
		})
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			return err
		}
	}
	return err
}

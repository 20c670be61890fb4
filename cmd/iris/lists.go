package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/view"
	"iris/internal/printable"
	"iris/node/admin/client"
	"iris/node/inspect"
)

// show asks for one report and prints it: as it came, or laid out.
func show[T any](ctx context.Context, s streams, a *session, what string, args url.Values, layOut func(T) error) error {
	var raw json.RawMessage
	if err := a.Get(ctx, a.node, what, args, &raw); err != nil {
		return err
	}
	if a.flags.json {
		return s.object(raw)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return layOut(v)
}

// items asks for the first limit items of a list, and prints them if JSON is
// wanted; otherwise it returns them.
func items[T any](ctx context.Context, s streams, a *session, what string, args url.Values, limit int) ([]T, error) {
	page, err := client.List[json.RawMessage](ctx, a.Client, a.node, what, args, limit)
	if err != nil {
		return nil, err
	}
	list := make([]T, len(page.Items))
	for i, raw := range page.Items {
		if a.flags.json {
			if err := s.object(raw); err != nil {
				return nil, err
			}
		} else if err := json.Unmarshal(raw, &list[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	if page.Next != "" || limit > 0 && len(page.Items) == limit && page.Total > limit {
		fmt.Fprintf(s.err, "iris: %d of %d, --limit 0 shows all\n", len(page.Items), page.Total)
	}
	return list, nil
}

// clock returns the time at the node that is asked about.
func (a *session) clock(ctx context.Context) time.Time {
	n, err := a.Node(ctx, a.node)
	if err != nil {
		return time.Now() // ages are then as good as this clock
	}
	return n.Now
}

// addLimit gives a list its flag.
func addLimit(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", 100, "how many to list; 0: all")
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, words []string) error {
		if *limit < 0 {
			return fmt.Errorf("limit: %d: want 0 or more", *limit)
		}
		return args(cmd, words)
	}
}

func newPeers(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	lanes, order := false, sorting{what: "peers"}
	cmd := asker{manual: inspectManuals()["peers"], flags: f, args: noArgs, run: func(ctx context.Context, a *session, _ []string) error {
		list, err := items[inspect.Peer](ctx, s, a, "peers", order.query(nil), 0)
		if err != nil || f.json {
			return err
		}
		if lanes {
			return s.table(view.Lanes(list))
		}
		return s.table(view.Peers(list, a.clock(ctx)))
	}}.command(signals)
	cmd.Flags().BoolVar(&lanes, "lanes", false, "one line for each lane of each peer")
	order.add(cmd)
	return cmd
}

func newClusters(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	limit, order := 0, sorting{what: "clusters"}
	cmd := asker{manual: inspectManuals()["clusters"], flags: f, args: nameArg("NAME"), run: func(ctx context.Context, a *session, args []string) error {
		list, err := items[inspect.Cluster](ctx, s, a, "clusters", order.query(named1(args)), limit)
		if err != nil || f.json {
			return err
		}
		if err := s.table(view.Clusters(list)); err != nil || len(args) == 0 || len(list) != 1 {
			return err
		}
		names := a.names(ctx)
		fmt.Fprintf(s.out, "\nmembers register at %s\n\n", printable.Text(names.Of(list[0].Root)))
		return s.table(view.Members(list[0].Nodes, names))
	}}.command(signals)
	order.add(cmd)
	addLimit(cmd, &limit)
	return cmd
}

// named1 asks for the item of a name, if there is one.
func named1(args []string) url.Values {
	if len(args) == 0 {
		return nil
	}
	return url.Values{"name": {args[0]}}
}

func newTopics(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	limit, order := 0, sorting{what: "topics"}
	cmd := asker{manual: inspectManuals()["topics"], flags: f, args: nameArg("NAME"), run: func(ctx context.Context, a *session, args []string) error {
		list, err := items[inspect.Topic](ctx, s, a, "topics", order.query(named1(args)), limit)
		if err != nil || f.json {
			return err
		}
		names := a.names(ctx)
		if err := s.table(view.Topics(list, names)); err != nil || len(args) == 0 || len(list) != 1 {
			return err
		}
		t := list[0]
		lines := []string{"", "root    " + printable.Text(names.Of(t.Root)), "parent  " + printable.Text(names.Of(t.Parent))}
		for _, child := range t.Children {
			lines = append(lines, "child   "+printable.Text(names.Of(child)))
		}
		return s.lines(lines)
	}}.command(signals)
	order.add(cmd)
	addLimit(cmd, &limit)
	return cmd
}

func newTunnels(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	limit, order := 0, sorting{what: "tunnels"}
	cmd := asker{manual: inspectManuals()["tunnels"], flags: f, args: noArgs, run: func(ctx context.Context, a *session, _ []string) error {
		list, err := items[inspect.Tunnel](ctx, s, a, "tunnels", order.query(nil), limit)
		if err != nil || f.json {
			return err
		}
		return s.table(view.Tunnels(list, a.names(ctx), a.clock(ctx)))
	}}.command(signals)
	order.add(cmd)
	addLimit(cmd, &limit)
	return cmd
}

func newActors(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	limit, order, deep := 0, sorting{what: "actors"}, false
	cmd := asker{manual: inspectManuals()["actors"], flags: f, args: nameArg("PARENT"), run: func(ctx context.Context, a *session, args []string) error {
		q := order.query(nil)
		if len(args) > 0 {
			q.Set("parent", args[0])
		}
		if deep {
			q.Set("deep", "true")
		}
		list, err := items[inspect.Actor](ctx, s, a, "actors", q, limit)
		if err != nil || f.json {
			return err
		}
		return s.table(view.Actors(list))
	}}.command(signals)
	cmd.Flags().BoolVar(&deep, "deep", false, "all below PARENT at any depth, each by itself")
	order.add(cmd)
	addLimit(cmd, &limit)
	return cmd
}

// sorting is in which order a command lists something.
type sorting struct {
	what   string // the report
	column string // with - in front for the greatest first; empty: by name
}

// add gives a list its flag.
func (o *sorting) add(cmd *cobra.Command) {
	columns := inspect.Columns(o.what)
	cmd.Flags().StringVar(&o.column, "sort", "", "by this `COLUMN`, or -COLUMN for the greatest first: "+strings.Join(columns, ", "))
	var all []string
	for _, c := range columns {
		all = append(all, c, "-"+c)
	}
	// It fails for flags that do not exist only.
	_ = cmd.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, words []string) error {
		if o.column != "" && !slices.Contains(all, o.column) {
			return fmt.Errorf("sort: %q: want one of %s, with - in front for the greatest first", o.column, strings.Join(columns, ", "))
		}
		return args(cmd, words)
	}
}

// query adds the order to what is asked for.
func (o *sorting) query(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	if o.column != "" {
		q.Set("sort", o.column)
	}
	return q
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/top"
	"iris/node/inspect"
)

// watcher is the command top.
type watcher struct {
	streams
	flags    adminFlags
	interval time.Duration
	once     bool
}

func newTop(s streams, signals <-chan os.Signal) *cobra.Command {
	w := &watcher{streams: s}
	cmd := inspectManuals()["top"].command()
	cmd.GroupID = groupInspect
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.Flags().DurationVarP(&w.interval, "interval", "i", 2*time.Second, fmt.Sprintf("time from one look to the next, %v to %v", top.Shortest, top.Longest))
	cmd.Flags().BoolVar(&w.once, "once", false, "look once, and print that")
	w.flags.add(cmd, true)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if w.interval < top.Shortest || w.interval > top.Longest {
			return fmt.Errorf("interval: %v: want %v to %v", w.interval, top.Shortest, top.Longest)
		}
		if err := w.flags.check(); err != nil {
			return err
		}
		return noArgs(cmd, args)
	}
	cmd.RunE = work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		return w.run(ctx)
	})
	return cmd
}

// plainRows is how many rows of each table are printed where there is no screen.
const plainRows = 10

func (w *watcher) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, w.flags.timeout)
	defer cancel()
	s, err := w.flags.begin(limited)
	if err != nil {
		return err
	}
	defer s.Close()
	collect := func() (top.Snapshot, error) {
		ctx, cancel := context.WithTimeout(ctx, w.flags.timeout)
		defer cancel()
		shot, err := top.Collect(ctx, s.Client, s.node)
		return shot, s.explain(err)
	}
	m := top.NewModel(collect, w.interval)
	if isTerminal(w.out) && !w.once && !w.flags.json && os.Getenv("TERM") != "dumb" {
		return top.Run(ctx, m, tea.WithOutput(w.out))
	}
	times := 0
	if w.once {
		times = 1
	}
	if w.flags.json {
		err = w.objects(ctx, collect, times)
	} else {
		err = top.Print(w.out, m, times, plainRows, terminalWidth(w.out), pauser(ctx))
	}
	if ctx.Err() != nil {
		return nil // ctrl-c is its end
	}
	return err
}

// pauser waits, unless ctx ends.
func pauser(ctx context.Context) func(time.Duration) error {
	return func(d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// look is what top shows, in JSON. Fields are only ever added.
type look struct {
	Time     time.Time             `json:"time"`
	Node     inspect.Node          `json:"node"`
	Network  []inspect.Brief       `json:"network"`
	Clusters []inspect.Cluster     `json:"clusters"`
	Actors   []inspect.Actor       `json:"busiest_actors"`
	Letters  []inspect.DeadLetters `json:"dead_letters"`
}

// objects prints a line of JSON for each look.
func (w *watcher) objects(ctx context.Context, collect func() (top.Snapshot, error), times int) error {
	wait := pauser(ctx)
	for i := 1; ; i++ {
		s, err := collect()
		if err != nil {
			return err
		}
		data, err := json.Marshal(look{s.At, s.Node, s.Network, s.Clusters, s.Actors, s.Letters})
		if err != nil {
			return err
		}
		if err := w.object(data); err != nil {
			return err
		}
		if i == times {
			return nil
		}
		if err := wait(w.interval); err != nil {
			return err
		}
	}
}

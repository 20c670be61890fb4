package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"iris/node/config"
)

func newBench(s streams, signals <-chan os.Signal) *cobra.Command {
	cmd := group("bench", "Measure what Iris does on this machine")
	cmd.Long = `Measure what Iris does on this machine. One process sends, the others receive, each
with a node of its own; with --processes 1 all happens on one node. The processes find
and trust only each other, and end with the command.

A run warms up, then lasts for --duration or --count. Latencies are percentiles of an
HDR histogram: of requests and rounds of the ring from call to answer, of events and
broadcasts from the send to the handler (every 64th; flat out that is mostly waiting
in queues), of tunnels of one write. Handlers have larger mailboxes than by default,
for nothing holds a sender who is faster than them. With --relay programs attached to
the nodes send and handle, over TCP: those miss what comes while 48 MiB wait for them.
With --busy-poll the nodes wait for packets as with busy_poll in the configuration.`
	cmd.AddCommand(
		benchMode(s, signals, "pub", "Publish events, each to one handler in every other process", 16, []string{"batch", "relay"}),
		benchMode(s, signals, "request", "Send requests and wait for the replies, spread over the other processes", 128, []string{"outstanding", "relay"}),
		benchMode(s, signals, "broadcast", "Send messages to all members of a cluster, one in every other process", 16, nil),
		benchMode(s, signals, "tunnel", "Write into a tunnel to every other process", 64<<10, nil),
		benchMode(s, signals, "ring", "Pass whispers round a ring of handlers, spread over all processes", 128, []string{"players", "outstanding"}),
		newBenchSoak(s, signals), newBenchPart(s),
	)
	return cmd
}

// benchFlags are those of a benchmark.
type benchFlags struct {
	size, processes, outstanding, players int
	count                                 int64
	duration, warmup, busyPoll            time.Duration
	json, csv, batch, relay               bool
}

func benchMode(s streams, signals <-chan os.Signal, mode, short string, size int, more []string) *cobra.Command {
	f := benchFlags{outstanding: 1, players: 5}
	cmd := &cobra.Command{Use: mode, Short: short, Args: noArgs}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.IntVar(&f.processes, "processes", 2, "processes, the sending one included; 1 for all on one node")
	fl.IntVar(&f.size, "size", size, "bytes of a message, 16 to 1048576")
	for _, name := range more {
		switch name {
		case "outstanding":
			fl.IntVar(&f.outstanding, "outstanding", map[string]int{"ring": 64}[mode]+map[string]int{"request": 1}[mode], "how many are under way at once")
		case "batch":
			fl.BoolVar(&f.batch, "batch", false, "handlers that take what came together in one go, see actor.Props.Batches")
		case "relay":
			fl.BoolVar(&f.relay, "relay", false, "programs on the relays of the nodes at both ends, in place of Go code in the nodes")
		case "players":
			fl.IntVar(&f.players, "players", 5, "handlers in the ring")
		}
	}
	fl.Int64Var(&f.count, "count", 0, "how many, instead of a duration")
	fl.DurationVar(&f.duration, "duration", 5*time.Second, "how long")
	fl.DurationVar(&f.warmup, "warmup", 500*time.Millisecond, "how long before that")
	fl.DurationVar(&f.busyPoll, "busy-poll", 0, "how long nodes ask for packets before they sleep, 10us to 10ms; 0s: not at all")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	fl.BoolVar(&f.csv, "csv", false, "print a line of names and a line of comma-separated values")
	run := work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		r, err := runBench(ctx, s, mode, f)
		if err != nil {
			return err
		}
		return r.print(s.out, f)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(fl.Changed("count") && fl.Changed("duration")); err != nil {
			return err
		}
		return run(cmd, args)
	}
	return cmd
}

// check returns what is wrong with the flags.
func (f *benchFlags) check(both bool) error {
	for _, n := range []struct {
		name             string
		got, least, most int64
	}{
		{"processes", int64(f.processes), 1, 64},
		{"size", int64(f.size), benchHeader, 1 << 20},
		{"outstanding", int64(f.outstanding), 1, 1 << 16},
		{"players", int64(f.players), 2, 1000},
		{"count", f.count, 0, 1 << 40},
	} {
		if n.got < n.least || n.got > n.most {
			return fmt.Errorf("%s: %d: want %d to %d", n.name, n.got, n.least, n.most)
		}
	}
	switch {
	case both:
		return errors.New("want one of --count and --duration, not both")
	case f.json && f.csv:
		return errors.New("want one of --json and --csv, not both")
	case f.batch && f.relay:
		return errors.New("want one of --batch and --relay, not both")
	case f.duration <= 0 || f.duration > 24*time.Hour:
		return fmt.Errorf("duration: %v: want more than 0, at most 24h", f.duration)
	case f.warmup < 0 || f.warmup > time.Hour:
		return fmt.Errorf("warmup: %v: want 0 to 1h", f.warmup)
	}
	return config.Validate(config.Config{BusyPoll: f.busyPoll})
}

var errInterrupted = errors.New("interrupted")

// interruptible returns a context that ends with the first signal.
func interruptible(signals <-chan os.Signal) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"iris/internal/sim"
	"iris/router/pastry"
)

// simFlags are the flags that all simulations share.
type simFlags struct {
	sim.Scenario
	json bool
}

func newSim(s streams) *cobra.Command {
	cmd := group("sim", "Run the overlay in a simulator, deterministically")
	cmd.Long = "Run the overlay that nodes run, thousands of times, in one process and in virtual time.\nThe same flags and seed give the same run, to the last message."
	cmd.AddCommand(newSimJoin(s), newSimChurn(s), newSimKill(s), newSimPartition(s))
	return cmd
}

// command returns a simulation with the flags that it shares with the others.
func (f *simFlags) command(s streams, use, short string, run func() (*sim.Result, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	fl := cmd.Flags()
	fl.IntVar(&f.Nodes, "nodes", 1000, "number of nodes")
	fl.IntVar(&f.Leaf, "leaf", 32, "size of the leaf set")
	fl.IntVar(&f.MeshMax, "mesh-max", 0, "largest network in which everybody is a leaf of everybody: 0 for the default, -1 for never")
	fl.IntVar(&f.Lookups, "lookups", 0, "number of lookups; 0 for 20 per node, or 0.05 per node and second")
	fl.Uint64Var(&f.Seed, "seed", 1, "seed of every random choice")
	fl.Float64Var(&f.Loss, "loss", 0, "part of the messages that the network loses")
	fl.BoolVar(&f.Check, "check", false, "hold every node to its invariants after every step (slow)")
	fl.BoolVar(&f.json, "json", false, "print one JSON object on the last line")
	cmd.RunE = work(func([]string) error {
		bar := progress(s.err)
		f.Progress = bar
		r, err := run()
		if bar != nil {
			fmt.Fprint(s.err, "\r\x1b[K")
		}
		if r == nil {
			return err
		}
		if werr := f.print(s.out, r); werr != nil {
			return werr
		}
		if err != nil {
			return fmt.Errorf("%w\nreplay with: %s", err, f.replay(cmd))
		}
		return nil
	})
	return cmd
}

// rate spreads the wanted number of lookups over the run.
func (f *simFlags) rate() {
	f.Rate = 0.05
	if f.Lookups > 0 {
		f.Rate = float64(f.Lookups) / float64(f.Nodes) / f.Duration.Seconds()
	}
}

func newSimJoin(s streams) *cobra.Command {
	var f simFlags
	return f.command(s, "join", "Let nodes join one after another, then route lookups", func() (*sim.Result, error) {
		if f.Lookups == 0 {
			f.Lookups = 20 * f.Nodes
		}
		return f.Join()
	})
}

func newSimChurn(s streams) *cobra.Command {
	var f simFlags
	cmd := f.command(s, "churn", "Crash and replace nodes all the time", func() (*sim.Result, error) { f.rate(); return f.Churn() })
	cmd.Flags().DurationVar(&f.Session, "session", 138*time.Minute, "mean life of a node")
	cmd.Flags().DurationVar(&f.Duration, "duration", time.Hour, "virtual time that is measured")
	return cmd
}

func newSimKill(s streams) *cobra.Command {
	var f simFlags
	cmd := f.command(s, "kill", "Crash half of the nodes at one instant", func() (*sim.Result, error) { f.rate(); return f.Kill() })
	cmd.Flags().DurationVar(&f.Duration, "duration", 30*time.Minute, "virtual time that is measured; the crash is in its middle")
	return cmd
}

func newSimPartition(s streams) *cobra.Command {
	var f simFlags
	form := "halves"
	cuts := map[string]func(from, to pastry.Handle) bool{"halves": sim.Halves, "one-way": sim.OneWay, "ring": sim.Majorities(5)}
	cmd := f.command(s, "partition", "Cut the network and heal it again", func() (*sim.Result, error) {
		cut, ok := cuts[form]
		if !ok {
			return nil, fmt.Errorf("unknown form %q: want one of %s", form, strings.Join(slices.Sorted(maps.Keys(cuts)), ", "))
		}
		f.rate()
		return f.Partition(cut)
	})
	cmd.Flags().DurationVar(&f.Duration, "duration", 10*time.Minute, "virtual time of the cut")
	cmd.Flags().DurationVar(&f.Session, "session", 0, "mean life of a node during the cut; 0 for no churn")
	cmd.Flags().StringVar(&form, "form", form, "halves, one-way, or ring: five groups, each of which reaches its two neighbours")
	return cmd
}

// replay returns the command that repeats a run.
func (f *simFlags) replay(cmd *cobra.Command) string {
	args := []string{cmd.CommandPath()}
	for _, name := range []string{"nodes", "leaf", "mesh-max", "lookups", "session", "duration", "form", "loss", "seed"} {
		if fl := cmd.Flags().Lookup(name); fl != nil && (fl.Changed || name == "seed") {
			args = append(args, "--"+name, fl.Value.String())
		}
	}
	return strings.Join(append(args, "--check"), " ")
}

// print writes the result as a table or a line of JSON.
func (f *simFlags) print(w io.Writer, r *sim.Result) error {
	if f.json {
		return json.NewEncoder(w).Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("nodes", "%d, leaf set %d", r.Nodes, r.Leaf)
	row("joined", "%.0f messages and %.1f table entries per node", r.MsgsPerJoin, r.TableEntries)
	row("lookups", "%d: %d lost, %d with their origin, %d at the wrong node, %d twice", r.Lookups, r.Lost, r.Orphaned, r.Misdelivered, r.Duplicates)
	row("hops", "mean %.3f, at most %d", r.MeanHops, r.MaxHops)
	for h, part := range r.Hops {
		row("", "%d  %.4f", h, part)
	}
	row("stretch", "%.2f (mean of the ratios %.2f)", r.Stretch, r.StretchMean)
	row("ring", "whole after %.1f s, %d neighbours wrong at the end", r.WholeAfter, r.Broken)
	row("control messages", "%.4f per node and second, and %.4f acknowledgements", r.Control, r.Acks)
	kinds := r.ByKind()
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		row("", "%-12s %.4f", k, kinds[k])
	}
	row("run", "%.0f s of virtual time in %.1f s (joins %.1f s), %d steps", r.Virtual, r.Seconds, r.JoinSeconds, r.Steps)
	row("memory", "%.1f MiB live, %.0f bytes per node", r.HeapMiB, r.HeapMiB*(1<<20)/float64(max(r.Nodes, 1)))
	row("seed", "%d, hash of all steps %s", r.Seed, r.Hash)
	return errors.Join(t.Flush())
}

// progress returns a bar if w is a terminal, nil otherwise.
func progress(w io.Writer) func(what string, part float64) {
	file, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	const width = 40
	shown := -1
	return func(what string, part float64) {
		if done := int(part * 1000); done != shown {
			shown = done
			full := min(max(int(part*width), 0), width)
			fmt.Fprintf(w, "\r%-8s [%s%s] %5.1f %%", what, strings.Repeat("#", full), strings.Repeat(".", width-full), part*100)
		}
	}
}

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"iris/internal/sim"
	"iris/router/pastry"
)

func newSim(s streams) *cobra.Command {
	cmd := group("sim", "Run overlay, trees and balancers in a simulator, deterministically")
	cmd.Long = "Run the overlay, the trees and the balancers that nodes run, thousands of times, in one process and in virtual time.\nThe same flags and seed give the same run, to the last message."
	cmd.AddCommand(newSimJoin(s), newSimChurn(s), newSimKill(s), newSimPartition(s), newSimPublish(s), newSimBalance(s))
	return cmd
}

// overlayFlags are those of all simulations of an overlay.
type overlayFlags struct {
	runFlags
	sim.Scenario
}

func (f *overlayFlags) add(fl *pflag.FlagSet) {
	fl.IntVar(&f.Nodes, "nodes", 1000, "number of nodes")
	fl.IntVar(&f.Leaf, "leaf", 32, "size of the leaf set")
	fl.IntVar(&f.MeshMax, "mesh-max", 0, "largest network in which everybody is a leaf of everybody: 0 for the default, -1 for never")
	fl.Float64Var(&f.Loss, "loss", 0, "part of the messages that the network loses")
	fl.Float64Var(&f.Skew, "skew", 0, "clocks start up to a day apart and gain or lose up to this part of the time")
	fl.BoolVar(&f.Encode, "encode", false, "send every message of the overlay through the wire format and back; changes nothing")
	fl.BoolVar(&f.Check, "check", false, "hold every node to its invariants after every step (slow)")
}

// scenario returns what to run.
func (f *overlayFlags) scenario() sim.Scenario {
	f.Seed, f.Progress = f.seed, f.bar
	return f.Scenario
}

// lookupFlags are those of simulations that route lookups.
type lookupFlags struct{ overlayFlags }

// lookups is the outcome of a simulation that routes lookups.
type lookups struct{ *sim.Result }

// routing returns a simulation that routes lookups; more adds its own flags.
func (f *lookupFlags) routing(s streams, use, short string, more func(fl *pflag.FlagSet), run func(sim.Scenario) (*sim.Result, error)) *cobra.Command {
	return f.command(s, simulation{
		use: use, short: short,
		flags: func(fl *pflag.FlagSet) {
			f.add(fl)
			fl.IntVar(&f.Lookups, "lookups", 0, "number of lookups; 0 for 20 per node, or 0.05 per node and second")
			more(fl)
		},
		check: func() error { return f.Validate() },
		run: func() (outcome, error) {
			r, err := run(f.scenario())
			if r == nil {
				return nil, err
			}
			return lookups{r}, err
		},
	})
}

// spread sets the rate of lookups over the run.
func spread(s sim.Scenario) sim.Scenario {
	s.Rate = 0.05
	if s.Lookups > 0 {
		s.Rate = float64(s.Lookups) / float64(s.Nodes) / max(s.Duration, time.Second).Seconds()
	}
	return s
}

func newSimJoin(s streams) *cobra.Command {
	var f lookupFlags
	return f.routing(s, "join", "Let nodes join one after another, then route lookups", func(*pflag.FlagSet) {}, func(s sim.Scenario) (*sim.Result, error) {
		if s.Lookups == 0 {
			s.Lookups = 20 * s.Nodes
		}
		return s.Join()
	})
}

func newSimChurn(s streams) *cobra.Command {
	var f lookupFlags
	return f.routing(s, "churn", "Crash and replace nodes all the time", func(fl *pflag.FlagSet) {
		fl.DurationVar(&f.Session, "session", 138*time.Minute, "mean life of a node")
		fl.DurationVar(&f.Stall, "stall", 0, "with each crash another node stands still for so long")
		fl.DurationVar(&f.Duration, "duration", time.Hour, "virtual time that is measured")
	}, func(s sim.Scenario) (*sim.Result, error) { return spread(s).Churn() })
}

func newSimKill(s streams) *cobra.Command {
	var f lookupFlags
	return f.routing(s, "kill", "Crash half of the nodes at one instant", func(fl *pflag.FlagSet) {
		fl.DurationVar(&f.Duration, "duration", 30*time.Minute, "virtual time that is measured; the crash is in its middle")
	}, func(s sim.Scenario) (*sim.Result, error) { return spread(s).Kill() })
}

// cuts are the forms of a partition.
var cuts = map[string]func(from, to pastry.Handle) bool{"halves": sim.Halves, "one-way": sim.OneWay, "ring": sim.Majorities(5)}

func newSimPartition(s streams) *cobra.Command {
	var f lookupFlags
	form := "halves"
	cmd := f.routing(s, "partition", "Cut the network and heal it again", func(fl *pflag.FlagSet) {
		fl.IntVar(&f.Members, "members", 0, "members of a topic whose trees stand on the overlay; 0 for none")
		fl.DurationVar(&f.Duration, "duration", 10*time.Minute, "virtual time of the cut")
		fl.DurationVar(&f.Session, "session", 0, "mean life of a node during the cut; 0 for no churn")
		fl.StringVar(&form, "form", form, "halves, one-way, or ring: five groups, each of which reaches its two neighbours")
	}, func(s sim.Scenario) (*sim.Result, error) { return spread(s).Partition(cuts[form]) })
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cuts[form] == nil {
			return fmt.Errorf("unknown form %q: want one of %s", form, strings.Join(slices.Sorted(maps.Keys(cuts)), ", "))
		}
		return run(cmd, args)
	}
	return cmd
}

func (r lookups) rows(row func(name, format string, args ...any)) {
	row("nodes", "%d, leaf set %d", r.Nodes, r.Leaf)
	row("joined", "%.0f messages and %.1f table entries per node", r.MsgsPerJoin, r.TableEntries)
	row("lookups", "%d: %d lost, %d with their origin, %d at the wrong node, %d twice", r.Lookups, r.Lost, r.Orphaned, r.Misdelivered, r.Duplicates)
	row("hops", "mean %.3f, at most %d", r.MeanHops, r.MaxHops)
	for h, part := range r.Hops {
		row("", "%d  %.4f", h, part)
	}
	row("stretch", "%.2f (mean of the ratios %.2f)", r.Stretch, r.StretchMean)
	row("ring", "whole after %.1f s, %d neighbours wrong at the end", r.WholeAfter, r.Broken)
	if r.Members > 0 {
		row("trees", "of %d members: whole after %.1f s", r.Members, r.TreesAfter)
	}
	row("control messages", "%.4f per node and second, and %.4f acknowledgements", r.Control, r.Acks)
	kinds(row, r.ByKind())
	row("run", "%.0f s of virtual time in %.1f s (joins %.1f s), %d steps", r.Virtual, r.Seconds, r.JoinSeconds, r.Steps)
	row("memory", "%.1f MiB live, %.0f bytes per node", r.HeapMiB, r.HeapMiB*(1<<20)/float64(max(r.Nodes, 1)))
	row("seed", "%d, hash of all steps %s", r.Seed, r.Hash)
}

// kinds writes messages per node and second by what they were.
func kinds(row func(name, format string, args ...any), m map[string]float64) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		row("", "%-13s %.4f", k, m[k])
	}
}

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"iris/internal/sim"
)

// published is the outcome of a simulation of topics.
type published struct{ *sim.Published }

func newSimPublish(s streams) *cobra.Command {
	var f overlayFlags
	var p sim.Publishing
	seeds := 1
	full := func() sim.Publishing {
		q := p
		q.Scenario = f.scenario()
		if q.Members == 0 {
			q.Members = q.Nodes
		}
		return q
	}
	return f.command(s, simulation{
		use: "publish", short: "Grow the trees of topics and publish while nodes crash",
		flags: func(fl *pflag.FlagSet) {
			f.add(fl)
			fl.IntVar(&f.Members, "members", 0, "nodes that subscribe; 0 for all")
			fl.DurationVar(&p.Pace, "pace", time.Millisecond, "between two that subscribe")
			fl.IntVar(&p.Topics, "topics", 1, "topics, one after another, each with members of its own")
			fl.BoolVar(&p.Reliable, "reliable", false, "the topics are reliable")
			fl.IntVar(&p.Publishers, "publishers", 5, "nodes that publish; two of five are no members if there are such")
			fl.IntVar(&p.Messages, "messages", 20, "messages of each publisher, spread over the duration; 0 for the trees alone")
			fl.DurationVar(&f.Duration, "duration", 10*time.Second, "virtual time in which is published")
			fl.DurationVar(&f.Session, "session", 0, "mean life of a node meanwhile; 0 for no churn")
			fl.Float64Var(&p.Crash, "crash", 0, "part of the nodes that crashes in the instant in which half of the messages is out")
			fl.DurationVar(&p.Unnoticed, "unnoticed", 0, "nobody notices this crash before so much time has passed")
			fl.IntVar(&seeds, "seeds", 1, "runs this many seeds, from --seed on, and sums up")
		},
		check: func() error {
			if seeds < 1 {
				return fmt.Errorf("seeds: %d: want 1 or more", seeds)
			}
			return full().Validate()
		},
		run: func() (outcome, error) {
			r, err := full().RunSeeds(seeds)
			if r == nil {
				return nil, err
			}
			return published{r}, err
		},
	})
}

func (r published) rows(row func(name, format string, args ...any)) {
	row("nodes", "%d, leaf set %d, %d members, %s", r.Nodes, r.Leaf, r.Members, r.Mode)
	if r.Shape.Trees > 0 {
		row("trees", "%d: at most %d children, depth %.2f on average and at most %d", r.Shape.Trees, r.Children, r.DepthMean, r.DepthMax)
		row("", "delay %.2f of direct, the longest %.2f; %.1f forwarders that are no members; %.3f of the inner nodes are inner in both stripes", r.RAD, r.RMD, r.Strangers, r.Shared)
		row("", "%.2f joins per member; whole again after at most %.1f s", r.JoinsPerMember, r.WholeAfter)
	}
	row("published", "%d messages, %d with their subscribers, reliable: %v", r.Messages, r.Tally.Published, r.Reliable)
	row("", "%d delivered (%.4f %%), %d gaps, %d missing; %d twice, %d out of order", r.Delivered, 100*float64(r.Delivered)/float64(max(r.Tally.Published, 1)), r.Gaps, r.Missing, r.Duplicates, r.Disorder)
	if r.Unrepaired > 0 {
		row("", "%.3f %% of what was published in the instant of the crash arrived before anybody noticed", 100*r.Unrepaired)
	}
	row("delay", "p50 %.0f ms, p99 %.0f ms, at most %.0f ms; %.2f of direct; %.3f payloads per delivery", r.P50, r.P99, r.Longest, r.Detour, r.Payloads)
	row("control messages", "%.4f per node and second, %.4f of them of the trees; %.4f while nothing happens", r.Control, r.TreeMsgs, r.Quiet)
	kinds(row, r.ByKind())
	row("run", "%.0f s of virtual time in %.1f s, %d steps, %.1f MiB", r.Virtual, r.Seconds, r.Steps, r.HeapMiB)
	row("seed", "%d and on, %d of them, hash of all steps %s", r.Seed, r.Seeds, r.Hash)
}

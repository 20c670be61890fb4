package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"iris/internal/sim"
)

// balanced is the outcome of a simulation of balancers.
type balanced struct{ *sim.Balanced }

func newSimBalance(s streams) *cobra.Command {
	var f runFlags
	var fleet sim.Fleet
	service := "exp"
	return f.command(s, simulation{
		use: "balance", short: "Send requests by balancers, and by an oracle",
		flags: func(fl *pflag.FlagSet) {
			fl.IntVar(&fleet.Members, "members", 64, "members, of 4 workers and speeds of 1 to 2, each at half of that for a tenth of the time")
			fl.IntVar(&fleet.Askers, "askers", 64, "askers, which share nothing")
			fl.Float64Var(&fleet.Load, "load", 0.9, "part of the members' capacity that is asked for")
			fl.StringVar(&service, "service", service, "distribution of the service times, of mean 10ms: exp, or heavy (Pareto, index 2.2)")
			fl.DurationVar(&fleet.ReportDelay, "report-delay", 100*time.Millisecond, "until what a member says of its capacity reaches an asker")
			fl.IntVar(&fleet.Requests, "requests", 200_000, "requests measured, after a quarter of that to warm up")
			fl.IntVar(&fleet.Zones, "zones", 0, "members and askers are spread over so many; 0 for no zones")
			fl.DurationVar(&fleet.Apart, "apart", 5*time.Millisecond, "one way delay between zones, beyond the 500µs within one")
			fl.BoolVar(&fleet.Check, "check", false, "hold the balancers to their invariants after every answer (slow)")
		},
		check: func() error {
			if service != "exp" && service != "heavy" {
				return fmt.Errorf("service: %q: want exp or heavy", service)
			}
			return fleet.Validate()
		},
		run: func() (outcome, error) {
			fleet.Seed, fleet.Progress, fleet.Heavy = f.seed, f.bar, service == "heavy"
			r, err := fleet.Run()
			if r == nil {
				return nil, err
			}
			return balanced{r}, err
		},
	})
}

func (r balanced) rows(row func(name, format string, args ...any)) {
	row("members", "%d, %d askers, load %.0f %%, service times %s", r.Members, r.Askers, 100*r.Load, r.Service)
	row("requests", "%d: p50 %.1f ms, p99 %.1f ms", r.Requests, r.P50, r.P99)
	row("oracle", "p50 %.1f ms, p99 %.1f ms: the balancers' p99 is %.2f times that", r.Oracle50, r.Oracle99, r.Ratio)
	row("ideal", "p99 %.1f ms if it also knows what is on its way: %.2f times that", r.Ideal99, r.OfIdeal)
	row("probes", "%.2f per request", r.Probes)
	row("zones", "%.3f of the requests stay in the asker's", r.Local)
	row("run", "%.1f s, %.1f MiB", r.Seconds, r.HeapMiB)
	row("seed", "%d, hash of all choices %s", r.Seed, r.Hash)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"iris/internal/sim"
)

// runFlags are the flags that all simulations share.
type runFlags struct {
	seed uint64
	json bool
	bar  func(what string, part float64) // nil: not a terminal
}

// simulation is one kind of run.
type simulation struct {
	use, short string
	flags      func(fl *pflag.FlagSet)
	check      func() error // of the flags
	run        func() (outcome, error)
}

// outcome is what a run measured: an object of JSON, or rows of a table.
type outcome interface {
	rows(row func(name, format string, args ...any))
}

// command returns the simulation as a command. Wrong flags are errors of the
// command line; a run that fails prints what it measured, and what repeats it.
func (f *runFlags) command(s streams, m simulation) *cobra.Command {
	cmd := &cobra.Command{Use: m.use, Short: m.short, Args: noArgs}
	cmd.Flags().SortFlags = false
	m.flags(cmd.Flags())
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "seed of every random choice")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object on the last line")
	run := work(func([]string) error {
		f.bar = progress(s.err)
		r, err := m.run()
		if f.bar != nil {
			fmt.Fprint(s.err, "\r\x1b[K")
		}
		if r == nil {
			return err
		}
		return errors.Join(f.print(s.out, r), replays(cmd, err))
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := m.check(); err != nil {
			return err
		}
		return run(cmd, args)
	}
	return cmd
}

// replays adds to each failure the command that repeats it.
func replays(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, replays(cmd, e))
		}
		return errors.Join(all...)
	}
	return fmt.Errorf("%w\nreplay with: %s", err, replay(cmd, err))
}

// replay returns the command that repeats a run that failed.
func replay(cmd *cobra.Command, err error) string {
	args := []string{cmd.CommandPath()}
	var one *sim.Failure
	seeded := errors.As(err, &one)
	cmd.Flags().VisitAll(func(fl *pflag.Flag) {
		switch {
		case fl.Name == "seed" && seeded:
			args = append(args, fmt.Sprintf("--seed %d", one.Seed))
		case fl.Name == "json" || fl.Name == "check" || fl.Name == "seeds" && seeded:
		case fl.Name == "seed" || fl.Changed && fl.Value.Type() != "bool":
			args = append(args, "--"+fl.Name, fl.Value.String())
		case fl.Changed:
			args = append(args, "--"+fl.Name+"="+fl.Value.String())
		}
	})
	if cmd.Flags().Lookup("check") != nil {
		args = append(args, "--check")
	}
	return strings.Join(args, " ")
}

// print writes the result as a table or a line of JSON.
func (f *runFlags) print(w io.Writer, r outcome) error {
	if f.json {
		return json.NewEncoder(w).Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	r.rows(func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) })
	return t.Flush()
}

// progress returns a bar if w is a terminal, nil otherwise.
func progress(w io.Writer) func(what string, part float64) {
	if !isTerminal(w) {
		return nil
	}
	const width = 40
	shown := -1
	return func(what string, part float64) {
		if done := int(part * 1000); done != shown {
			shown = done
			full := min(max(int(part*width), 0), width)
			fmt.Fprintf(w, "\r%-9s [%s%s] %5.1f %%", what, strings.Repeat("#", full), strings.Repeat(".", width-full), part*100)
		}
	}
}

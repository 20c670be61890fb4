package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"iris/node/config"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == roleArg {
		if err := work(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the flags say.
type options struct {
	rounds   int
	time     time.Duration // of one run
	sizes    []int64
	peers    []string
	only     []string
	format   string
	profile  string
	busyPoll time.Duration
	quick    bool
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 2
	}
	if err := measure(ctx, o, out, errs); err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	fl := flag.NewFlagSet("bench", flag.ContinueOnError)
	fl.SetOutput(io.Discard)
	quick := fl.Bool("quick", false, "fewer sizes, rounds and shorter runs: below two minutes")
	asJSON := fl.Bool("json", false, "print one JSON object per row")
	asCSV := fl.Bool("csv", false, "print comma-separated values")
	only := fl.String("only", "", "modes to measure, with commas between: "+strings.Join(modeNames(), ","))
	sizes := fl.String("size", "", "sizes of events in bytes, with commas between (16,128,1024,16384,65536)")
	beside := fl.String("peers", "", "what to measure beside: "+strings.Join(peers, ","))
	fl.IntVar(&o.rounds, "rounds", 0, "rounds, in each of which every peer runs once (5)")
	fl.DurationVar(&o.time, "time", 0, "how long a run takes, about (1s)")
	fl.DurationVar(&o.busyPoll, "busy-poll", 0, "busy_poll of the nodes of Iris, such as 200us (0s)")
	fl.StringVar(&o.profile, "profile", "", "folder for CPU and allocation profiles of the processes of Iris")
	if err := fl.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fl.SetOutput(errs)
			fl.PrintDefaults()
		}
		return o, err
	}
	if fl.NArg() > 0 {
		return o, fmt.Errorf("%q is too much: flags only", fl.Arg(0))
	}
	if o.rounds < 0 || o.time < 0 || o.time > runTimeout/4 || *asJSON && *asCSV {
		return o, errors.New("want rounds of at least 1, a time of at most 15s, and one of --json and --csv")
	}
	if err := config.Validate(config.Config{BusyPoll: o.busyPoll}); err != nil {
		return o, err
	}
	o.format = map[bool]string{*asJSON: "json", *asCSV: "csv"}[true]
	o.quick = *quick
	o.sizes = []int64{16, 128, 1024, 16 << 10, 64 << 10}
	rounds, each := 5, time.Second
	if *quick {
		o.sizes, rounds, each = []int64{16, 1024, 64 << 10}, 3, 200*time.Millisecond
	}
	if o.rounds == 0 {
		o.rounds = rounds
	}
	if o.time == 0 {
		o.time = each
	}
	var err error
	if *sizes != "" {
		if o.sizes, err = numbers(*sizes); err != nil {
			return o, err
		}
	}
	if o.peers, err = chosen(*beside, peers); err != nil {
		return o, err
	}
	o.only, err = chosen(*only, modeNames())
	return o, err
}

// numbers reads sizes.
func numbers(list string) ([]int64, error) {
	var all []int64
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 8 || n > 1<<20 {
			return nil, fmt.Errorf("size %q: want 8 to %d bytes", s, 1<<20)
		}
		all = append(all, n)
	}
	return all, nil
}

// chosen reads a list of words out of those that there are; empty means all.
func chosen(list string, from []string) ([]string, error) {
	if list == "" {
		return from, nil
	}
	words := strings.Split(list, ",")
	for _, w := range words {
		if !slices.Contains(from, w) {
			return nil, fmt.Errorf("no %q; there are: %s", w, strings.Join(from, ", "))
		}
	}
	return words, nil
}

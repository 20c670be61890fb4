package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// What a soak holds memory to.
const (
	soakActor  = 2 << 10  // bytes of an idle handler
	soakTunnel = 10 << 10 // bytes of one end of an idle tunnel
	soakHeap   = 4 << 20  // bytes that may be left after all work
)

// soaked is the work and what it left behind.
type soaked struct {
	Actors     int `json:"actors"`
	Tunnels    int `json:"tunnels"`
	Requests   int `json:"requests"`
	Publishes  int `json:"publishes"`
	Opens      int `json:"opens"`
	ActorBytes int `json:"actor_bytes"`       // of one idle handler
	NearBytes  int `json:"tunnel_near_bytes"` // of one end of an idle tunnel: the opener's
	FarBytes   int `json:"tunnel_far_bytes"`  // the member's
	Goroutines int `json:"goroutines"`        // more than before, after all work: the opener's node
	Far        int `json:"goroutines_far"`    // the member's
	Heap       int `json:"heap_growth"`       // bytes more than before
	FarHeap    int `json:"heap_growth_far"`   // bytes more than before
	Lost       int `json:"lost_events"`       // of the publishes; at most once is the promise
}

// soak is a run.
type soak struct {
	soaked
	far     receiver
	part    *benchPart
	errs    io.Writer
	settles time.Duration

	mu  sync.Mutex                      // guards the following field
	bar func(what string, part float64) // nil: not a terminal
}

func newBenchSoak(s streams, signals <-chan os.Signal) *cobra.Command {
	k := &soak{settles: soakSettles}
	var asJSON bool
	cmd := &cobra.Command{
		Use: "soak", Args: noArgs,
		Short: "See what idle handlers and tunnels cost, and that work leaves nothing behind",
		Long: `See what idle handlers and idle tunnels cost in memory, and that requests, publishes
and openings of tunnels between two processes leave no goroutine and no memory behind.
Fails if an idle handler takes over 2 KiB, an end of an idle tunnel over 10 KiB, or
work left a goroutine or over 4 MiB behind.`,
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	works := []struct {
		n     *int
		name  string
		value int
		usage string
	}{
		{&k.Actors, "actors", 100_000, "idle handlers"},
		{&k.Tunnels, "tunnels", 10_000, "idle tunnels"},
		{&k.Requests, "requests", 1_000_000, "requests"},
		{&k.Publishes, "publishes", 1_000_000, "events"},
		{&k.Opens, "opens", 100_000, "tunnels opened and closed"},
	}
	for _, w := range works {
		fl.IntVar(w.n, w.name, w.value, w.usage)
	}
	fl.BoolVar(&asJSON, "json", false, "print one JSON object")
	run := work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		k.bar, k.errs = progress(s.err), s.err
		err := k.run(ctx)
		if k.bar != nil {
			fmt.Fprint(s.err, "\r\x1b[K")
		}
		if err != nil {
			return err
		}
		return errors.Join(k.print(s.out, asJSON), k.verdict())
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, w := range works {
			if *w.n < 0 || *w.n > 100_000_000 {
				return fmt.Errorf("%s: %d: want 0 to 100000000", w.name, *w.n)
			}
		}
		if k.Tunnels > 1<<16 {
			return fmt.Errorf("tunnels: %d: a pair of nodes has at most %d open", k.Tunnels, 1<<16)
		}
		return run(cmd, args)
	}
	return cmd
}

func (k *soak) show(what string, n, of int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bar != nil {
		k.bar(what, float64(n)/float64(max(of, 1)))
	}
}

// verdict is what was more than it may be.
func (k *soak) verdict() error {
	var errs []error
	for _, c := range []struct {
		what      string
		got, most int
	}{
		{"bytes of an idle handler", k.ActorBytes, soakActor},
		{"bytes of an idle tunnel, the opener's end", k.NearBytes, soakTunnel},
		{"bytes of an idle tunnel, the member's end", k.FarBytes, soakTunnel},
		{"goroutines left, at the opener", k.Goroutines, 0},
		{"goroutines left, at the member", k.Far, 0},
		{"bytes left, at the opener", k.Heap, soakHeap},
		{"bytes left, at the member", k.FarHeap, soakHeap},
	} {
		if c.got > c.most {
			errs = append(errs, fmt.Errorf("%s: %d, at most %d", c.what, c.got, c.most))
		}
	}
	return errors.Join(errs...)
}

func (k *soak) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(k.soaked)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("handlers", "%d idle, %d bytes each", k.Actors, k.ActorBytes)
	row("tunnels", "%d idle, %d bytes each at the opener, %d at the member", k.Tunnels, k.NearBytes, k.FarBytes)
	row("work", "%d requests, %d events (%d lost), %d tunnels opened", k.Requests, k.Publishes, k.Lost, k.Opens)
	row("goroutines", "%+d at the opener, %+d at the member", k.Goroutines, k.Far)
	row("heap", "%+d bytes at the opener, %+d at the member", k.Heap, k.FarHeap)
	return t.Flush()
}

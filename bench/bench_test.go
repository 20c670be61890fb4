package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == roleArg {
		if err := work(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Every mode prints its rows, for every peer, with figures in them.
func TestEveryMode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some fifty processes")
	}
	var out, errs bytes.Buffer
	status := run(t.Context(), []string{"--json", "--rounds", "1", "--time", "20ms", "--size", "16,65536"}, &out, &errs)
	if status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	met := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if r.Ratio < 0 || r.Iris < 0 || r.Other <= 0 || r.Unit == "" {
			t.Errorf("odd row %s", line)
		}
		met[named(r.Mode, r.Size, r.Outstanding, r.Peer)] = true
	}
	want := []string{
		named("pub-batch", 16, 0, "nats-tls"), named("cpu-batch", 16, 0, "proto-tls"), named("request-busy", 128, 1, "idle"), named("fanout", 1024, 0, "8 sends"), named("fanout", 1024, 0, "all well"),
		named("fanout", 1024, 0, "limit"), named("nodes", 16, 0, "one node"),
	}
	for _, p := range peers {
		want = append(want, named("pub", 65536, 0, p), named("request-p50", 128, 1, p))
		if raw(p) {
			want = append(want, named("tunnel", 65536, 0, p))
			continue
		}
		want = append(want, named("pub", 16, 0, p), named("cpu", 16, 0, p), named("request-rate", 128, 64, p), named("request-rate", 128, 256, p))
	}
	for _, w := range want {
		if !met[w] {
			t.Errorf("no row %s", w)
		}
	}
}

func named(mode string, size int64, outstanding int, peer string) string {
	return fmt.Sprintf("%s of %d bytes, %d outstanding, beside %s", mode, size, outstanding, peer)
}

// That nodes polled is said with the machine and in every row; otherwise nothing is.
func TestBusyPollIsSaid(t *testing.T) {
	for _, polls := range []bool{false, true} {
		args := []string{"--json", "--rounds", "1", "--time", "20ms", "--only", "request-p50", "--peers", "tls"}
		if polls {
			args = append(args, "--busy-poll", "200us")
		}
		var out, errs bytes.Buffer
		if status := run(t.Context(), args, &out, &errs); status != 0 {
			t.Fatalf("status %d: %s", status, &errs)
		}
		if row := strings.Contains(out.String(), `"busy_poll":"200µs"`); row != polls {
			t.Errorf("polls %t: %s", polls, &out)
		}
		if said := strings.Contains(errs.String(), "busy_poll 200µs in the nodes"); said != polls {
			t.Errorf("polls %t: %s", polls, &errs)
		}
	}
}

// A run that is interrupted ends at once, and has waited for its children.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	time.AfterFunc(300*time.Millisecond, func() { stop(interrupted) })
	began := time.Now()
	o, err := parse([]string{"--only", "request-rate", "--time", "10s", "--peers", "tls"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := measure(ctx, o, io.Discard, io.Discard); !errors.Is(err, interrupted) {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v to end", took)
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--rounds x":       "rounds",
		"--only fly":       `no "fly"`,
		"--peers a,b":      `no "a"`,
		"--size 0":         `size "0"`,
		"--size 16,":       `size ""`,
		"more":             `"more"`,
		"--json --csv":     "one of",
		"--time 1h":        "at most",
		"--busy-poll 1us":  "busy_poll: 1µs is out of range",
		"--nothing-of-the": "nothing-of-the",
	} {
		var errs bytes.Buffer
		if status := run(t.Context(), strings.Fields(args), io.Discard, &errs); status != 2 {
			t.Errorf("%s: status %d", args, status)
		}
		if got := errs.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: %q, want one line with %q", args, got, want)
		}
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{3, 1, 2}, 2}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.of, got, c.want)
		}
	}
	if got := ratios([]float64{2, 9, 4}, []float64{1, 3}); !slices.Equal(got, []float64{2, 3}) {
		t.Errorf("ratios %v", got)
	}
	for f, want := range map[float64]string{0: "0.000", 1.2345: "1.234", 12.345: "12.3", 1234.5: "1234"} {
		if got := figure(f); got != want {
			t.Errorf("%v as %s, want %s", f, got, want)
		}
	}
}

// The sink knows the events of its run, and when the last one came.
func TestSink(t *testing.T) {
	var s sink
	s.expect(2, 3, 16)
	event := make([]byte, 16)
	mark(event, 1)
	s.take(event) // of an earlier run
	mark(event, 2)
	s.take(event)
	s.take(event[:8])
	if s.got.Load() != 2 || s.odd.Load() != 1 || s.ended.Load() != 0 {
		t.Errorf("%d events, %d odd, ended %d", s.got.Load(), s.odd.Load(), s.ended.Load())
	}
	s.take(event)
	if got, ended := s.wait(); got != 3 || ended == 0 {
		t.Errorf("%d events, ended %d", got, ended)
	}
}

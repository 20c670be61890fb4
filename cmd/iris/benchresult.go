package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// benchResult is what a benchmark measured.
type benchResult struct {
	Benchmark   string     `json:"benchmark"`
	Batch       bool       `json:"batch,omitempty"` // handlers took batches
	Relay       bool       `json:"relay,omitempty"` // programs of the relay sent and handled
	BusyPoll    string     `json:"busy_poll,omitempty"`
	Size        int        `json:"size"`
	Processes   int        `json:"processes"`
	Outstanding int        `json:"outstanding,omitempty"`
	Players     int        `json:"players,omitempty"`
	Sent        int64      `json:"sent"`
	Received    int64      `json:"received"`
	Lost        int64      `json:"lost"`
	Seconds     float64    `json:"seconds"`
	Rate        float64    `json:"per_s"` // handled per second, in all processes together
	Bytes       float64    `json:"mb_per_s"`
	CPU         float64    `json:"cpu_s_per_million"` // of all processes
	Latency     *latencies `json:"latency,omitempty"`

	unit string
}

// finish computes the rest from what was counted.
func (r *benchResult) finish(took, cpu time.Duration, h *histogram, b *benchmark) {
	r.unit = map[string]string{"pub": "events", "request": "requests", "broadcast": "messages", "tunnel": "writes", "ring": "rounds"}[b.mode]
	r.Lost = r.Sent - r.Received
	r.Seconds = took.Seconds()
	r.Latency = h.percentiles()
	if r.Received > 0 && took > 0 {
		r.Rate = float64(r.Received) / took.Seconds()
		r.Bytes = r.Rate * float64(b.size) / 1e6
		r.CPU = cpu.Seconds() / float64(r.Received) * 1e6
	}
	if b.mode == "request" || b.mode == "ring" {
		r.Outstanding = b.outstanding
	}
	if b.mode == "ring" {
		r.Players = b.players
	}
	if b.busyPoll > 0 {
		r.BusyPoll = b.busyPoll.String()
	}
}

func (r *benchResult) print(w io.Writer, f benchFlags) error {
	switch {
	case f.json:
		return json.NewEncoder(w).Encode(r)
	case f.csv:
		return r.csv(w)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row(r.unit, "%d of %d bytes in %.2f s, %d processes, %d lost", r.Received, r.Size, r.Seconds, r.Processes, r.Lost)
	row("rate", "%.0f %s/s, %.1f MB/s", r.Rate, r.unit, r.Bytes)
	if r.Relay {
		row("path", "programs of the relay over TCP, at both ends")
	}
	if r.BusyPoll != "" {
		row("busy_poll", "%s", r.BusyPoll)
	}
	if r.Players > 0 {
		row("ring", "%d players, %.0f messages/s", r.Players, r.Rate*float64(r.Players))
	}
	row("cpu", "%.2f s per million", r.CPU)
	if l := r.Latency; l != nil {
		row("latency", "p50 %.0f us, p90 %.0f, p99 %.0f, p99.9 %.0f, p99.99 %.0f, max %.0f", l.P50, l.P90, l.P99, l.P999, l.P9999, l.Max)
	}
	return t.Flush()
}

func (r *benchResult) csv(w io.Writer) error {
	l := r.Latency
	if l == nil {
		l = new(latencies)
	}
	var names, values []string
	for _, c := range []struct {
		name  string
		value any
	}{
		{"benchmark", r.Benchmark},
		{"batch", r.Batch},
		{"relay", r.Relay},
		{"busy_poll", r.BusyPoll},
		{"size", r.Size},
		{"processes", r.Processes},
		{"outstanding", r.Outstanding},
		{"players", r.Players},
		{"sent", r.Sent},
		{"received", r.Received},
		{"lost", r.Lost},
		{"seconds", r.Seconds},
		{"per_s", r.Rate},
		{"mb_per_s", r.Bytes},
		{"cpu_s_per_million", r.CPU},
		{"p50_us", l.P50},
		{"p90_us", l.P90},
		{"p99_us", l.P99},
		{"p99_9_us", l.P999},
		{"p99_99_us", l.P9999},
		{"max_us", l.Max},
	} {
		names, values = append(names, c.name), append(values, fmt.Sprint(c.value))
	}
	out := csv.NewWriter(w)
	if err := out.WriteAll([][]string{names, values}); err != nil {
		return err
	}
	return out.Error()
}

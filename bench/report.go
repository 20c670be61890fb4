package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// row compares Iris with one peer.
type row struct {
	Mode        string  `json:"mode"`
	Size        int64   `json:"size"`                  // bytes of an event, a request, a write
	Outstanding int     `json:"outstanding,omitempty"` // requests at once
	Nodes       int     `json:"nodes,omitempty"`       // that receive, if more than one may
	Peer        string  `json:"peer"`
	Ratio       float64 `json:"ratio"` // Iris over the peer: the median of the rounds
	Iris        float64 `json:"iris"`  // the median of the rounds
	Other       float64 `json:"other"`
	Unit        string  `json:"unit"`
	Lost        float64 `json:"lost,omitempty"`      // share of Iris' events that did not arrive
	BusyPoll    string  `json:"busy_poll,omitempty"` // of the nodes of Iris, if not the default
}

// report prints rows as they come.
type report struct {
	out      io.Writer
	format   string // table, json or csv
	busyPoll time.Duration
	last     string // mode of the last row
	err      error
}

var header = []string{"mode", "size", "outstanding", "nodes", "peer", "ratio", "iris", "other", "unit", "lost", "busy_poll"}

func (r *report) add(w row) {
	var err error
	if r.busyPoll > 0 {
		w.BusyPoll = r.busyPoll.String()
	}
	switch r.format {
	case "json":
		err = json.NewEncoder(r.out).Encode(w)
	case "csv":
		c := csv.NewWriter(r.out)
		if r.last == "" {
			err = c.Write(header)
		}
		if err == nil {
			err = c.Write([]string{
				w.Mode, strconv.FormatInt(w.Size, 10), strconv.Itoa(w.Outstanding), strconv.Itoa(w.Nodes), w.Peer,
				figure(w.Ratio), figure(w.Iris), figure(w.Other), w.Unit, figure(w.Lost), w.BusyPoll,
			})
		}
		c.Flush()
	default:
		if w.Mode != r.last {
			_, err = fmt.Fprintf(r.out, "\n%-22s %7s  %-10s %12s %12s %-12s %s\n", w.Mode, "bytes", "beside", "iris", "peer", "", "ratio")
		}
		what := ""
		if w.Outstanding > 0 {
			what = fmt.Sprintf("  %d outstanding", w.Outstanding)
		}
		if w.Nodes > 0 {
			what = fmt.Sprintf("  %d receiving", w.Nodes)
		}
		if err == nil {
			_, err = fmt.Fprintf(r.out, "%-22s %7d  %-10s %12s %12s %-12s %5.2f", what, w.Size, w.Peer, figure(w.Iris), figure(w.Other), w.Unit, w.Ratio)
		}
		if w.Lost > 0 && err == nil {
			_, err = fmt.Fprintf(r.out, "  %.2f %% lost", 100*w.Lost)
		}
		if err == nil {
			_, err = fmt.Fprintln(r.out)
		}
	}
	r.last = w.Mode
	if r.err == nil {
		r.err = err
	}
}

// figure writes a number with three digits that count.
func figure(f float64) string {
	switch {
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 3, 64)
}

// median returns the middle of some figures, 0 if there are none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(of))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// ratios divides round by round.
func ratios(a, b []float64) []float64 {
	var r []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			r = append(r, a[i]/b[i])
		}
	}
	return r
}

package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The buckets of a histogram follow each other, and are less than one percent wide.
func TestHistogramBuckets(t *testing.T) {
	for v := int64(0); v < 1<<41; v += 1 + v/1000 {
		b := bucket(v)
		if low, next := least(b), least(b+1); v < low || v >= next || float64(next-low) > max(1, float64(low)/100) {
			t.Fatalf("%d in bucket %d, which is %d to %d", v, b, low, next)
		}
	}
	if b := bucket(1 << 62); b != histogramBuckets-1 {
		t.Errorf("what is too much is in bucket %d", b)
	}
	if b := bucket(-1); b != 0 {
		t.Errorf("a clock that went back is in bucket %d", b)
	}
}

func TestHistogramPercentiles(t *testing.T) {
	h, other := new(histogram), new(histogram)
	if h.percentiles() != nil {
		t.Error("percentiles of nothing")
	}
	for i := range 1000 {
		which := h
		if i%2 == 0 {
			which = other
		}
		which.add(time.Duration(i+1) * time.Microsecond)
	}
	h.merge(other.bars())
	got := h.percentiles()
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"p50", got.P50, 500}, {"p90", got.P90, 900}, {"p99", got.P99, 990}, {"p99.9", got.P999, 999}, {"max", got.Max, 1000}} {
		if c.got < c.want*0.99 || c.got > c.want*1.01 {
			t.Errorf("%s of 1 to 1000 us: %v", c.name, c.got)
		}
	}
	h.reset()
	if h.percentiles() != nil {
		t.Error("percentiles after a reset")
	}
}

// A small soak runs through; whether it holds its figures is not a matter of a test.
func TestSoakRuns(t *testing.T) {
	k := &soak{soaked: soaked{Actors: 10, Tunnels: 10, Requests: 100, Publishes: 100, Opens: 10}, errs: os.Stderr, settles: 30 * time.Millisecond}
	self := os.Args[0]
	os.Args[0] = "iris" // testscript's TestMain runs the command under this name
	defer func() { os.Args[0] = self }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*hung) // for each request and tunnel, too: the machine may have much else to do
	defer cancel()
	if err := k.run(ctx); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := k.print(&out, false); err != nil || !strings.Contains(out.String(), "100 requests, 100 events (0 lost), 10 tunnels opened") {
		t.Errorf("%v:\n%s", err, &out)
	}
}

// The first signal ends a benchmark, and its processes with it.
func TestBenchInterrupted(t *testing.T) {
	self := os.Args[0]
	os.Args[0] = "iris"
	defer func() { os.Args[0] = self }()
	signals := make(chan os.Signal, 1)
	time.AfterFunc(300*time.Millisecond, func() { signals <- syscall.SIGINT })
	began := time.Now()
	var out, errs bytes.Buffer
	if status := run([]string{"bench", "request", "--duration", "1h"}, streams{&out, &errs}, signals); status != exitFailed {
		t.Errorf("status %d", status)
	}
	if took := time.Since(began); took > hung || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("after %v: %q", took, errs.String())
	}
}

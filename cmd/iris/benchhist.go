package main

import (
	"math/bits"
	"sync"
	"time"
)

// histogram counts durations in buckets of less than one percent of their value, as
// HDR histograms do, from 1 ns to 2^42 ns, which is over an hour.
type histogram struct {
	mu     sync.Mutex // guards the following fields
	counts [histogramBuckets]uint64
	total  uint64
	most   int64
}

const (
	histogramDigits  = 7 // bits of a value that count
	histogramBuckets = (42 - histogramDigits + 2) << histogramDigits
)

// bucket returns the index of a value; values of 128 ns and more share buckets.
func bucket(v int64) int {
	v = max(v, 0)
	shift := max(bits.Len64(uint64(v))-histogramDigits-1, 0)
	return min(shift<<histogramDigits+int(v>>shift), histogramBuckets-1)
}

// least is the smallest value of a bucket.
func least(bucket int) int64 {
	if bucket < 2<<histogramDigits {
		return int64(bucket)
	}
	shift := bucket>>histogramDigits - 1
	return int64(bucket-shift<<histogramDigits) << shift
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[bucket(int64(d))]++
	h.total++
	h.most = max(h.most, int64(d))
}

func (h *histogram) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts, h.total, h.most = [histogramBuckets]uint64{}, 0, 0
}

// bars is the part of a histogram that is not empty, in the form that travels between
// processes.
type bars struct {
	Counts map[int]uint64 `json:"counts,omitempty"`
	Most   int64          `json:"most,omitempty"` // nanoseconds
}

func (h *histogram) bars() bars {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := bars{Counts: map[int]uint64{}, Most: h.most}
	for i, n := range h.counts {
		if n > 0 {
			b.Counts[i] = n
		}
	}
	return b
}

// merge adds what another process has counted.
func (h *histogram) merge(b bars) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, n := range b.Counts {
		if i >= 0 && i < histogramBuckets {
			h.counts[i] += n
			h.total += n
		}
	}
	h.most = max(h.most, b.Most)
}

// latencies are percentiles in microseconds.
type latencies struct {
	P50   float64 `json:"p50_us"`
	P90   float64 `json:"p90_us"`
	P99   float64 `json:"p99_us"`
	P999  float64 `json:"p99_9_us"`
	P9999 float64 `json:"p99_99_us"`
	Max   float64 `json:"max_us"`
}

// percentiles is nil if nothing was counted.
func (h *histogram) percentiles() *latencies {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.total == 0 {
		return nil
	}
	at := func(part float64) float64 {
		rank, seen := uint64(part*float64(h.total-1)), uint64(0)
		for i, n := range h.counts {
			if seen += n; seen > rank {
				return float64(least(i)) / 1e3
			}
		}
		return float64(h.most) / 1e3
	}
	return &latencies{at(0.5), at(0.9), at(0.99), at(0.999), at(0.9999), float64(h.most) / 1e3}
}

package topics

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// times counts how long requests took of late: two windows, of which one counts for 10 s
// and is kept for 10 s more, so what it says is at most 20 s old. Four buckets to an
// octave, from 1 µs to half a minute: a quantile is right to an eighth.
type times struct {
	at      atomic.Uint32 // the window that counts
	windows [2][timeBuckets]atomic.Uint32

	mu   sync.Mutex          // for who turns or reads: nothing is on its way from a window to the past
	past [timeBuckets]uint64 // counted in windows that were cleared; guarded by mu
}

const timeBuckets = 96

// timeBucket is the bucket of a time: those below 4 µs have one each.
func timeBucket(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 0))
	if us < 4 {
		return int(us)
	}
	octave := bits.Len64(us) - 3 // of 4 to 7 µs: 0
	return min(4*(octave+1)+int(us>>octave&3), timeBuckets-1)
}

// bucketTime is the middle of a bucket.
func bucketTime(i int) time.Duration {
	if i < 4 {
		return time.Duration(i)*time.Microsecond + time.Microsecond/2
	}
	octave := i/4 - 1
	low, width := (4+i%4)<<octave, 1<<octave
	return time.Duration(low)*time.Microsecond + time.Duration(width)*time.Microsecond/2
}

func (t *times) add(d time.Duration) { t.windows[t.at.Load()%2][timeBucket(d)].Add(1) }

// turn begins a new window. One goroutine calls it.
func (t *times) turn() {
	next := (t.at.Load() + 1) % 2
	t.mu.Lock()
	for i := range t.windows[next] {
		t.past[i] += uint64(t.windows[next][i].Swap(0))
	}
	t.mu.Unlock()
	t.at.Store(next)
}

// total is how many were ever counted.
func (t *times) total() (n uint64) {
	for _, c := range t.counts() {
		n += c
	}
	return n
}

// counts are how many were ever counted, by bucket; nothing for nil.
func (t *times) counts() (counts [timeBuckets]uint64) {
	if t == nil {
		return counts
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range counts {
		counts[i] = t.past[i] + uint64(t.windows[0][i].Load()) + uint64(t.windows[1][i].Load())
	}
	return counts
}

// percentiles returns the median and the 99th percentile of late; 0 if there was nothing.
func (t *times) percentiles() (p50, p99 time.Duration) {
	if t == nil {
		return 0, 0
	}
	var counts [timeBuckets]uint64
	var n uint64
	for i := range counts {
		counts[i] = uint64(t.windows[0][i].Load()) + uint64(t.windows[1][i].Load())
		n += counts[i]
	}
	if n == 0 {
		return 0, 0
	}
	return quantile(&counts, (n+1)/2), quantile(&counts, n-n/100)
}

// quantile is the time of the one at a rank, from 1.
func quantile(counts *[timeBuckets]uint64, rank uint64) time.Duration {
	for i, n := range counts {
		if rank <= n {
			return bucketTime(i)
		}
		rank -= n
	}
	return bucketTime(timeBuckets - 1)
}

// lazyTimes are times that are made with the first.
type lazyTimes struct{ atomic.Pointer[times] }

func (l *lazyTimes) add(d time.Duration) {
	t := l.Load()
	if t == nil {
		l.CompareAndSwap(nil, new(times))
		t = l.Load()
	}
	t.add(d)
}

func (l *lazyTimes) turn() {
	if t := l.Load(); t != nil {
		t.turn()
	}
}

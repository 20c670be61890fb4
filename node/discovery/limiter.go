package discovery

import (
	"net/netip"
	"time"
)

const (
	sourceRate   = 20   // datagrams per second and source
	sourceBurst  = 40   // a starting node sends its queries by several interfaces
	totalRate    = 2000 // datagrams per second that reach the decoder
	maxSources   = 1024
	bucketsSweep = time.Second
)

// limiter decides which datagrams are worth looking at. Sources are not
// authenticated, so its memory is bounded and the total is limited as well: who
// invents sources can make this node deaf to beacons, but not busy.
//
// Invariant: len(sources) <= maxSources. Owned by one reader goroutine.
type limiter struct {
	sources map[netip.AddrPort]bucket
	total   bucket
	swept   time.Time
}

// bucket is a token bucket that starts full.
type bucket struct {
	level float64 // tokens taken, 0 = full
	at    time.Time
}

func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if dt := now.Sub(b.at).Seconds(); dt > 0 {
		b.level = max(0, b.level-dt*rate)
	}
	b.at = now
	if b.level+1 > burst {
		return false
	}
	b.level++
	return true
}

func newLimiter() *limiter { return &limiter{sources: map[netip.AddrPort]bucket{}} }

// allow reports whether to decode a datagram from source at time now, and if not
// for which reason.
func (l *limiter) allow(source netip.AddrPort, now time.Time) (drop reason, ok bool) {
	b, known := l.sources[source]
	if !known && len(l.sources) >= maxSources {
		l.makeRoom(now)
	}
	ok = b.take(now, sourceRate, sourceBurst)
	l.sources[source] = b
	if !ok {
		return dropSource, false
	}
	if !l.total.take(now, totalRate, totalRate) {
		return dropTotal, false
	}
	return 0, true
}

// makeRoom removes the sources whose bucket is full again, or any one.
func (l *limiter) makeRoom(now time.Time) {
	if now.Sub(l.swept) >= bucketsSweep {
		l.swept = now
		for s, b := range l.sources {
			if now.Sub(b.at).Seconds()*sourceRate >= b.level {
				delete(l.sources, s)
			}
		}
	}
	for s := range l.sources {
		if len(l.sources) < maxSources {
			return
		}
		delete(l.sources, s)
	}
}

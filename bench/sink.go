package main

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// sink counts the events of one run at the far end. take is called by one goroutine at
// a time.
type sink struct {
	run, size, want atomic.Int64
	got, odd        atomic.Int64 // odd: of the wrong size
	ended           atomic.Int64 // when the last one came; 0 while some are missing
}

// expect begins a run.
func (s *sink) expect(run, count, size int64) {
	s.want.Store(count)
	s.size.Store(size)
	s.got.Store(0)
	s.odd.Store(0)
	s.ended.Store(0)
	s.run.Store(run)
}

// mark writes the number of the run where take looks for it.
func mark(event []byte, run int64) { binary.LittleEndian.PutUint64(event, uint64(run)) }

// take counts one event. Late ones of an earlier run do not count.
func (s *sink) take(event []byte) {
	if len(event) < 8 || int64(binary.LittleEndian.Uint64(event)) != s.run.Load() {
		return
	}
	if int64(len(event)) != s.size.Load() {
		s.odd.Add(1)
	}
	s.add(1)
}

// add counts n events, or bytes of a stream.
func (s *sink) add(n int64) {
	if s.got.Add(n) >= s.want.Load() && s.ended.Load() == 0 {
		s.ended.Store(now())
	}
}

// patience is how long the far end waits for another event before it takes the rest
// for lost.
const patience = 3 * time.Second

// wait returns when all have come, or none for a while: how many, and when the last
// one did.
func (s *sink) wait() (got, ended int64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	last, at := s.got.Load(), now()
	for range tick.C {
		if end := s.ended.Load(); end != 0 {
			return s.got.Load(), end
		}
		if n := s.got.Load(); n != last {
			last, at = n, now()
		} else if now()-at > int64(patience) {
			break
		}
	}
	return last, at
}

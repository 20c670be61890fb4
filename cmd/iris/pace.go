package main

import (
	"context"
	"iter"
	"time"
)

// turns yields 1 to count, without end if count is 0: each an interval after the
// one before, or as soon as that is done. It ends early with ctx.
func turns(ctx context.Context, count int64, interval time.Duration) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		var tick <-chan time.Time
		if interval > 0 {
			t := time.NewTicker(interval)
			defer t.Stop()
			tick = t.C
		}
		for n := int64(1); count == 0 || n <= count; n++ {
			if n > 1 && tick != nil {
				select {
				case <-tick:
				case <-ctx.Done():
				}
			}
			if ctx.Err() != nil || !yield(n) {
				return
			}
		}
	}
}

// cut is what turns that ended with ctx mean: those without a count end no other
// way.
func cut(ctx context.Context, count int64) error {
	if count == 0 {
		return nil
	}
	return context.Cause(ctx)
}

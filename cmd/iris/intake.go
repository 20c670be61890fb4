package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"iris/node/relay/client"
)

// intake counts what comes to a command that waits for others, and ends it:
// after so many, when nothing has come for a while, when the work fails.
type intake struct {
	count   int64 // how many are wanted; 0 without end
	timeout time.Duration

	mu     sync.Mutex // guards the following fields
	taken  int64
	busy   int       // being worked on
	last   time.Time // when something came or was done
	failed error
	ended  bool          // over is closed
	over   chan struct{} // closed when the count is reached, or the work failed
}

func newIntake(count int64, timeout time.Duration) *intake {
	return &intake{count: count, timeout: timeout, last: time.Now(), over: make(chan struct{})}
}

// take gives what came a number; false if no more is wanted. Who took it calls
// done when it is through.
func (i *intake) take() (n int64, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended || i.count > 0 && i.taken == i.count {
		return 0, false
	}
	i.taken++
	i.busy++
	i.last = time.Now()
	return i.taken, true
}

// done ends the work on what was taken. An error ends all.
func (i *intake) done(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.busy--
	i.last = time.Now()
	if i.failed == nil {
		i.failed = err
	}
	if !i.ended && (i.failed != nil || i.count > 0 && i.taken == i.count && i.busy == 0) {
		i.ended = true
		close(i.over)
	}
}

// patience is how long there may be nothing from now on.
func (i *intake) patience() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy > 0 {
		return i.timeout
	}
	return i.timeout - time.Since(i.last)
}

// wait blocks until the end. That ctx ends is a good one: it is how commands
// that would run for ever are ended.
func (i *intake) wait(ctx context.Context, conn *client.Conn) error {
	var late <-chan time.Time
	timer := time.NewTimer(i.timeout)
	defer timer.Stop()
	if i.timeout > 0 {
		late = timer.C
	}
	for {
		select {
		case <-i.over:
			return i.failure()
		case <-ctx.Done():
			return i.failure()
		case <-conn.Done():
			return fmt.Errorf("the relay has gone: %w", conn.Err())
		case <-late:
			left := i.patience()
			if left <= 0 {
				return nobody{fmt.Errorf("nothing has come for %v", i.timeout)}
			}
			timer.Reset(left)
		}
	}
}

func (i *intake) failure() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.failed
}

package tunnels

import (
	"context"
	"sync"
)

// turn is a lock that one can give up waiting for. Most are free most of the time, so it has a channel only while
// somebody waits. The zero value is free.
type turn struct {
	mu      sync.Mutex // guards the following fields
	taken   bool
	waiting []chan struct{} // of those who wait, first come first; closed when it is theirs
}

// lock takes the turn. It reports false when ctx has ended before.
func (t *turn) lock(ctx context.Context) bool {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	}
	if !t.leave(mine) { // it has become ours at the same moment
		t.unlock()
	}
	return false
}

// leave takes a waiter out; false if it waits no more.
func (t *turn) leave(mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range t.waiting {
		if c == mine {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// unlock passes the turn on.
func (t *turn) unlock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken, t.waiting = false, nil
		return
	}
	close(t.waiting[0])
	t.waiting = t.waiting[1:]
}

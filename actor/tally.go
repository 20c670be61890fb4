package actor

import (
	"context"
	"sync"
)

// tally counts what is going on and lets Shutdown wait for it to end. Unlike a sync.WaitGroup it may be added to while
// somebody waits, and waiting can be given up without leaving a goroutine behind.
type tally struct {
	mu   sync.Mutex // guards the following fields
	n    int
	zero chan struct{} // not nil while somebody waits; closed when n gets 0
}

func (t *tally) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.zero != nil {
		close(t.zero)
		t.zero = nil
	}
}

// wait returns when the count was 0, or with the error of ctx.
func (t *tally) wait(ctx context.Context) error {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.zero == nil {
		t.zero = make(chan struct{})
	}
	zero := t.zero
	t.mu.Unlock()
	select {
	case <-zero:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

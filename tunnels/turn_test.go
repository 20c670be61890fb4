package tunnels

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// One at a time, whoever gives up does not take it along, and it is free in the end.
func TestTurnIsOnesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lock turn
		var holders, most, had int
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
				defer cancel()
				if !lock.lock(ctx) {
					return
				}
				holders++ // under the turn: the race detector looks
				most, had = max(most, holders), had+1
				<-time.After(3 * time.Millisecond)
				holders--
				lock.unlock()
			})
		}
		wg.Wait()
		if most != 1 || had < 50 || had > 100 || lock.taken || len(lock.waiting) > 0 {
			t.Errorf("%d at once, %d had it, taken %v, %d wait", most, had, lock.taken, len(lock.waiting))
		}
	})
}

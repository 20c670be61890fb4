package relay

import (
	"sync"
	"time"

	"iris/actor"
)

// refusalsPerSecond is how many RelayClientRefused a second may have.
const refusalsPerSecond = 16

// refusals reports connections that did not become clients, at a bounded rate.
type refusals struct {
	publish func(event any)

	mu     sync.Mutex // guards the following fields
	begin  time.Time  // of the second that counts
	told   int        // in it
	untold uint64
}

// tell reports a connection that was not admitted because of err.
func (f *refusals) tell(addr string, err error) {
	f.mu.Lock()
	now := time.Now()
	if now.Sub(f.begin) >= time.Second {
		f.begin, f.told = now, 0
	}
	f.untold++
	if f.told++; f.told > refusalsPerSecond {
		f.mu.Unlock()
		return
	}
	count := f.untold
	f.untold = 0
	f.mu.Unlock()
	reason := "the relay is closing"
	if err != nil {
		reason = err.Error()
	}
	f.publish(&actor.RelayClientRefused{Addr: addr, Reason: reason, Count: count})
}

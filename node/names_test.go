package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"iris/actor"
)

// A node that comes or goes is news for every name that a node uses. That takes a few goroutines, not one for each name: requests
// would have to wait for all of them, again and again on their way.
func TestNewsForAllNamesTakeFewGoroutines(t *testing.T) {
	const names = 600
	nodes := together(t, 3)
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < names; i += 8 {
				_, err := nodes[0].Subscribe(fmt.Sprintf("topic-%d", i), actor.Func(func(actor.Context) {}))
				for tries := 0; errors.Is(err, context.DeadlineExceeded) && tries < 5; tries++ { // the machine was too slow
					_, err = nodes[0].Subscribe(fmt.Sprintf("topic-%d", i), actor.Func(func(actor.Context) {}))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	before := runtime.NumGoroutine()
	stop(t, nodes[2])
	eventually(t, "one is gone", func() bool { return len(nodes[0].Peers()) == 1 && len(nodes[1].Peers()) == 1 })
	if n := runtime.NumGoroutine() - before; n > names/4 { // workers end after 5 s and more
		t.Errorf("%d goroutines more for one node less and %d names", n, names)
	}
}

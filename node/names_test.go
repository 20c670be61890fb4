package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"iris/actor"
)

// A node that comes or goes is news for every name that a node uses. That takes a few goroutines, not one for each name: requests
// would have to wait for all of them, again and again on their way.
func TestNewsForAllNamesTakeFewGoroutines(t *testing.T) {
	const names = 300
	nodes := together(t, 3)
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < names; i += 8 {
				if err := subscribed(nodes[0], fmt.Sprintf("topic-%d", i)); err != nil {
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

// subscribed subscribes, again if the machine was too slow for it, once what the attempt has
// left is gone.
func subscribed(n *Node, topic string) error {
	for limit := time.Now().Add(2 * patience); ; <-time.After(10 * time.Millisecond) {
		_, err := n.Subscribe(topic, actor.Func(func(actor.Context) {}))
		slow := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, actor.ErrNameExists)
		if !slow || time.Now().After(limit) {
			return err
		}
	}
}

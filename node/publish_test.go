package node

import (
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

// What an event costs beyond its subscribers: topics.TestPublishDoesNotAllocate has some.
func TestPublishItselfDoesNotAllocate(t *testing.T) {
	inWorld(t, 1, time.Millisecond, func(t *testing.T, w *world) {
		n, ctx := w.nodes[0], t.Context()
		var msg any = actor.Bytes("event")
		publish := func() {
			if err := n.Publish(ctx, "news", msg); err != nil {
				t.Fatal(err)
			}
		}
		publish() // asks for the list
		synctest.Wait()
		if n := testing.AllocsPerRun(1000, publish); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

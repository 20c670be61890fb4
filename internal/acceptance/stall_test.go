package acceptance

import (
	"context"
	"fmt"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"iris/node"
)

// stalled is after how long without an answer a picture is taken of a closed loop of requests, which are given up after 5 s.
const stalled = 2 * time.Second

// pictured logs, once, what the process is about if done stands still for as long as stalled, until ctx ends. Without it nothing is left of
// what held up requests by the time they have timed out.
func pictured(ctx context.Context, t *testing.T, done *atomic.Int64, nodes ...*node.Node) {
	every := time.NewTicker(stalled / 8)
	defer every.Stop()
	last, since := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		switch n := done.Load(); {
		case n != last:
			last, since = n, time.Now()
		case time.Since(since) >= stalled:
			t.Logf("no answer for %v\n%s", time.Since(since).Round(time.Millisecond), picture(nodes))
			return
		}
	}
}

// picture says how many goroutines want to run, how the links of the nodes are, and where goroutines are, those in one
// place together.
func picture(nodes []*node.Node) string {
	var s strings.Builder
	samples := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	for _, x := range samples {
		if x.Value.Kind() == metrics.KindUint64 {
			fmt.Fprintf(&s, "%s %d\n", x.Name, x.Value.Uint64())
		}
	}
	for _, n := range nodes {
		fmt.Fprintf(&s, "%v\n", n)
		for _, p := range n.Peers() {
			fmt.Fprintf(&s, "\t%+v\n", p)
		}
	}
	_ = pprof.Lookup("goroutine").WriteTo(&s, 1) // to memory
	return s.String()
}

package acceptance

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

var idleShape = flag.String("idle", "20x10", "networks x nodes of the row of idle nodes")

// Two hundred nodes in one process, in twenty networks of ten: they start, are
// idle, stop, and leave nothing behind. Another shape, such as one network of
// two hundred, costs a link per pair and end: -idle 1x200.
func TestIdleNodesInOneProcess(t *testing.T) {
	networks, size := 2, 3
	if *rows {
		if _, err := fmt.Sscanf(*idleShape, "%dx%d", &networks, &size); err != nil {
			t.Fatalf("-idle %s: %v", *idleShape, err)
		}
	}
	before := runtime.NumGoroutine()
	debug.FreeOSMemory()
	var idle, loaded runtime.MemStats
	runtime.ReadMemStats(&idle)

	var up, stopped, lost atomic.Int64
	nodes := make([]*node.Node, networks*size)
	gate := make(chan struct{}, 10) // nodes that start at the same time
	var wg sync.WaitGroup
	began := time.Now()
	for i := range nodes {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			cfg := config.Default()
			cfg.Network.Name, cfg.Network.Secret = ofThisRun(fmt.Sprintf("idle-%d", i/size)), []byte(secret)
			cfg.Log.Level = slog.LevelError
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			n, err := node.Start(ctx, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = n
			up.Add(1)
			n.Events().Subscribe(func(ev any) {
				switch ev.(type) {
				case *actor.NodeStopped:
					stopped.Add(1)
				case *actor.EventsLost:
					lost.Add(1)
				}
			})
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, n := range nodes {
		eventually(t, "all peers of a node", 2*time.Minute, func() bool { return len(n.Peers()) == size-1 })
	}
	t.Logf("%d nodes in %d networks up and linked in %.1f s", len(nodes), networks, time.Since(began).Seconds())
	debug.FreeOSMemory()
	runtime.ReadMemStats(&loaded)
	if loaded.HeapAlloc < idle.HeapAlloc {
		t.Error("what ran before has left something that went away meanwhile: run this test alone")
	}
	holds(t, "heap per idle node", (float64(loaded.HeapAlloc)-float64(idle.HeapAlloc))/float64(len(nodes))/(1<<20), 6, "MiB")

	for _, n := range nodes {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := n.Stop(ctx); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	wg.Wait()
	if got := stopped.Load(); got != up.Load() || lost.Load() != 0 {
		t.Errorf("%d nodes: %d told that they stopped, %d lost events", up.Load(), got, lost.Load())
	}
	eventually(t, "every goroutine has ended", 5*time.Second, func() bool { return runtime.NumGoroutine() <= before })
}

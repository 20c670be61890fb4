package acceptance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
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
	a := idleArgs{Networks: 2, Size: 3}
	if *rows {
		if _, err := fmt.Sscanf(*idleShape, "%dx%d", &a.Networks, &a.Size); err != nil {
			t.Fatalf("-idle %s: %v", *idleShape, err)
		}
	}
	r := must[idleReport](spawn(t, "idle"), "idle", a)
	nodes := a.Networks * a.Size
	t.Logf("%d nodes in %d networks up and linked in %.1f s", nodes, a.Networks, r.UpMs/1000)
	holds(t, "heap per idle node", r.Heap/float64(nodes)/(1<<20), 6, "MiB")
	if r.Stopped != nodes || r.Lost != 0 {
		t.Errorf("%d nodes: %d told that they stopped, %d lost events", nodes, r.Stopped, r.Lost)
	}
	if r.Left != "" {
		t.Errorf("goroutines are left:\n%s", r.Left)
	}
}

type idleArgs struct{ Networks, Size int }

// idleReport is what idle nodes took of a process of their own: in another one it
// would depend on what ran there before.
type idleReport struct {
	UpMs          float64 // until all were up and linked
	Heap          float64 // bytes more, of all of them
	Stopped, Lost int     // events
	Left          string  // where goroutines are that did not end, if any
}

// idle is done by a worker that has no other node.
func (w *worker) idle(a idleArgs) (any, error) {
	before, empty := runtime.NumGoroutine(), settled()
	began := time.Now()
	nodes, err := idleNodes(a)
	if err != nil {
		return nil, err
	}
	var ended, lost atomic.Int64
	for _, n := range nodes {
		n.Events().Subscribe(func(ev any) {
			switch ev.(type) {
			case *actor.NodeStopped:
				ended.Add(1)
			case *actor.EventsLost:
				lost.Add(1)
			}
		})
		if !polled(20*time.Millisecond, func() bool { return len(n.Peers()) == a.Size-1 }) {
			return nil, fmt.Errorf("%v has %d peers, want %d", n, len(n.Peers()), a.Size-1)
		}
	}
	r := idleReport{UpMs: ms(time.Since(began))}
	r.Heap = settled() - empty
	if err := stopped(nodes); err != nil {
		return nil, err
	}
	r.Stopped, r.Lost = int(ended.Load()), int(lost.Load())
	if !polled(20*time.Millisecond, func() bool { return runtime.NumGoroutine() <= before }) {
		var s strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&s, 1) // to memory
		r.Left = s.String()
	}
	return r, nil
}

// settled is the heap in use, in bytes, after two collections: what lies in pools goes with the second.
func settled() float64 {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// idleNodes starts the nodes, ten at a time.
func idleNodes(a idleArgs) ([]*node.Node, error) {
	nodes, errs := make([]*node.Node, a.Networks*a.Size), make([]error, a.Networks*a.Size)
	gate := make(chan struct{}, 10)
	key := []byte(secret)
	all(len(nodes), func(i int) {
		gate <- struct{}{}
		defer func() { <-gate }()
		cfg := config.Default()
		cfg.Network.Name, cfg.Network.Secret = ofThisRun(fmt.Sprintf("idle-%d", i/a.Size)), key
		cfg.Log.Level = slog.LevelError
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		nodes[i], errs[i] = node.Start(ctx, cfg)
	})
	return nodes, errors.Join(errs...)
}

func stopped(nodes []*node.Node) error {
	errs := make([]error, len(nodes))
	all(len(nodes), func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		errs[i] = nodes[i].Stop(ctx)
	})
	return errors.Join(errs...)
}

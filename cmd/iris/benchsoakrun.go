package main

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/node"
	"iris/tunnels"
)

// soakSettles is how long what work leaves behind may take to go: workers of the
// dispatcher that nobody needs, ends of tunnels that wait for the other.
const soakSettles = 60 * time.Second

func (k *soak) run(ctx context.Context) error {
	setup := benchSetup{Mode: "soak", Number: 0, Secret: make([]byte, 32)}
	_, _ = rand.Read(setup.Secret) // never fails
	part, err := startBenchPart(ctx, setup)
	if err != nil {
		return err
	}
	k.part = part
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = part.Stop(ctx) // the other process is gone by then
	}()
	setup.Seeds, setup.Serves, setup.Number = []string{part.Addr().String()}, true, 1
	far, err := spawnBenchChild(ctx, setup, k.errs)
	if err != nil {
		return err
	}
	k.far = far
	defer far.stop()
	for _, step := range []func(context.Context) error{k.idleTunnels, k.work, k.actors} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// actors measures idle handlers, on this node. They end with it.
func (k *soak) actors(ctx context.Context) error {
	if k.Actors == 0 {
		return nil
	}
	before := memory()
	for left := k.Actors; left > 0; {
		n := min(left, 1<<15)
		if _, err := k.part.Register("idle", actor.Of(func() actor.Actor { return idle{} }), node.Members(n)); err != nil {
			return err
		}
		left -= n
		k.show("handlers", k.Actors-left, k.Actors)
	}
	// The workers that started so many at once end when they were idle for a while.
	if err := k.settle(ctx, func() bool { return memory().Goroutines <= before.Goroutines }, k.settles/3); err != nil {
		return err
	}
	k.ActorBytes = int(memory().Heap-before.Heap) / k.Actors
	return nil
}

// idle is a handler with no state of its own.
type idle struct{}

func (idle) Receive(actor.Context) {}

// idleTunnels measures open tunnels that nobody uses.
func (k *soak) idleTunnels(ctx context.Context) error {
	if k.Tunnels == 0 {
		return nil
	}
	if err := k.open(ctx, nil, 16); err != nil { // a connection for tunnels, pools
		return err
	}
	near, far, err := k.memories(ctx)
	if err != nil {
		return err
	}
	all := make([]*tunnels.Tunnel, k.Tunnels)
	if err := k.open(ctx, all, k.Tunnels); err != nil {
		return err
	}
	nearNow, farNow, err := k.memories(ctx)
	if err != nil {
		return err
	}
	k.NearBytes, k.FarBytes = int(nearNow.Heap-near.Heap)/k.Tunnels, int(farNow.Heap-far.Heap)/k.Tunnels
	return k.each(ctx, "close", k.Tunnels, 64, func(i int) error { return all[i].Close() })
}

// open opens n tunnels: into all, or closed again at once if that is nil.
func (k *soak) open(ctx context.Context, all []*tunnels.Tunnel, n int) error {
	return k.each(ctx, "tunnels", n, 64, func(i int) error {
		t, err := k.part.Tunnel(ctx, drain(1))
		if err != nil {
			return err
		}
		if all == nil {
			return t.Close()
		}
		all[i] = t
		return nil
	})
}

// work sends requests and events and opens tunnels, and looks at what is left.
func (k *soak) work(ctx context.Context) error {
	if err := k.labour(ctx, 1000, 1000, 1000); err != nil { // what is made once
		return err
	}
	if err := k.settle(ctx, func() bool { return false }, k.settles/3); err != nil {
		return err
	}
	near, far, err := k.memories(ctx)
	if err != nil {
		return err
	}
	if err := k.labour(ctx, k.Requests, k.Publishes, k.Opens); err != nil {
		return err
	}
	return k.settle(ctx, func() bool {
		nearNow, farNow, err := k.memories(ctx)
		if err != nil {
			return true
		}
		k.Goroutines, k.Far = nearNow.Goroutines-near.Goroutines, farNow.Goroutines-far.Goroutines
		k.Heap, k.FarHeap = int(nearNow.Heap-near.Heap), int(farNow.Heap-far.Heap)
		return k.Goroutines <= 0 && k.Far <= 0 && k.Heap <= soakHeap && k.FarHeap <= soakHeap
	}, k.settles)
}

func (k *soak) labour(ctx context.Context, requests, publishes, opens int) error {
	var msg any = stamped(128, 1, time.Time{})
	if err := k.each(ctx, "requests", requests, 64, func(int) error {
		_, err := k.part.Request(ctx, "bench", msg)
		return err
	}); err != nil {
		return err
	}
	if _, err := k.far.call(ctx, benchCommand{Op: "begin", Run: 1}); err != nil {
		return err
	}
	if err := k.each(ctx, "publishes", publishes, 1, func(int) error { return k.part.Publish(ctx, "bench", msg) }); err != nil {
		return err
	}
	a, err := k.far.call(ctx, benchCommand{Op: "await", Count: int64(publishes)})
	if err != nil {
		return err
	}
	k.Lost = publishes - int(a.Got)
	return k.open(ctx, nil, opens)
}

// each calls do for 0 to n-1, so many at once, until one fails.
func (k *soak) each(ctx context.Context, what string, n, atOnce int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(atOnce, n) {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					cancel(err)
				}
				if atOnce == 1 || i%atOnce == 0 {
					k.show(what, i, n)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func (k *soak) memories(ctx context.Context) (near, far benchAnswer, err error) {
	far, err = k.far.call(ctx, benchCommand{Op: "memory"})
	return memory(), far, err
}

// settle waits until enough reports true, looking now and then, at most so long.
func (k *soak) settle(ctx context.Context, enough func() bool, most time.Duration) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	until := time.Now().Add(most)
	for !enough() && time.Now().Before(until) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

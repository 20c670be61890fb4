package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// benchmark is a run: the part of this process, which sends, and those that receive.
type benchmark struct {
	benchFlags
	mode      string
	part      *benchPart
	receivers []receiver
	run       uint64
	bar       func(what string, part float64) // nil: not a terminal
	done      atomic.Int64                    // of what is counted
}

// benchStartTimeout bounds the start of one process.
const benchStartTimeout = 20 * time.Second

// runBench starts the processes of a benchmark, measures, and ends them.
func runBench(ctx context.Context, s streams, mode string, f benchFlags) (*benchResult, error) {
	b := &benchmark{benchFlags: f, mode: mode, bar: progress(s.err)}
	defer b.stop()
	if b.bar != nil {
		defer fmt.Fprint(s.err, "\r\x1b[K")
	}
	if err := b.start(ctx, s.err); err != nil {
		return nil, err
	}
	if f.warmup > 0 {
		if _, err := b.measure(ctx, "warm-up", 0, f.warmup); err != nil {
			return nil, err
		}
	}
	return b.measure(ctx, mode, f.count, f.duration)
}

func (b *benchmark) start(ctx context.Context, errs io.Writer) error {
	setup := benchSetup{
		Mode: b.mode, Serves: b.processes == 1, Batch: b.batch, Relay: b.relay, Players: b.players, Parts: b.processes,
		BusyPoll: b.busyPoll, Secret: make([]byte, 32),
	}
	_, _ = rand.Read(setup.Secret) // never fails
	ctx, cancel := context.WithTimeout(ctx, benchStartTimeout)
	defer cancel()
	part, err := startBenchPart(ctx, setup)
	if err != nil {
		return err
	}
	b.part = part
	if setup.Serves || b.mode == "ring" {
		b.receivers = append(b.receivers, here{part})
	}
	setup.Seeds, setup.Serves = []string{part.Addr().String()}, true
	for setup.Number = 1; setup.Number < b.processes; setup.Number++ {
		c, err := spawnBenchChild(ctx, setup, errs)
		if err != nil {
			return err
		}
		b.receivers = append(b.receivers, c)
	}
	return nil
}

func (b *benchmark) stop() {
	for _, r := range b.receivers {
		r.stop()
	}
	if b.part != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		b.part.stop(ctx)
	}
}

// measure sends for a time, or so many if count is not 0, and waits until all that was
// sent was handled.
func (b *benchmark) measure(ctx context.Context, what string, count int64, duration time.Duration) (*benchResult, error) {
	b.run++
	b.done.Store(0)
	cpu := -cpuTime()
	for _, r := range b.receivers {
		a, err := r.call(ctx, benchCommand{Op: "begin", Run: b.run})
		if err != nil {
			return nil, err
		}
		if _, local := r.(here); !local {
			cpu -= a.CPU
		}
	}
	own := new(histogram)
	began := time.Now()
	hide := b.show(what, count, duration)
	sent, err := b.send(ctx, &budget{count: count, until: began.Add(duration)}, own)
	hide()
	if err != nil {
		return nil, err
	}
	ended := time.Now()
	res := &benchResult{Benchmark: b.mode, Batch: b.batch, Relay: b.relay, Size: b.size, Processes: b.processes, Sent: sent, Received: sent}
	if b.mode != "request" {
		ended, err = b.collect(ctx, res, own, &cpu)
	} else {
		for _, r := range b.receivers {
			a, err := r.call(ctx, benchCommand{Op: "await"})
			if err != nil {
				return nil, err
			}
			if _, local := r.(here); !local {
				cpu += a.CPU
			}
		}
	}
	res.finish(ended.Sub(began), cpu+cpuTime(), own, b)
	return res, err
}

// collect waits for the receivers and adds up what they got. It returns when the last
// message was handled.
func (b *benchmark) collect(ctx context.Context, res *benchResult, own *histogram, cpu *time.Duration) (time.Time, error) {
	each := res.Sent
	res.Received = 0
	if b.mode == "tunnel" {
		each = each * int64(b.size) / int64(len(b.receivers))
	}
	var last int64
	for i, r := range b.receivers {
		if b.mode == "ring" && i > 0 {
			each = 0 // only the first player counts
		}
		a, err := r.call(ctx, benchCommand{Op: "await", Count: each})
		if err != nil {
			return time.Time{}, err
		}
		if _, local := r.(here); !local {
			*cpu += a.CPU
		}
		res.Received += a.Got
		last = max(last, a.Last)
		own.merge(a.Took)
	}
	switch b.mode {
	case "tunnel":
		res.Received /= int64(b.size)
	case "pub", "broadcast":
		res.Sent *= int64(len(b.receivers))
	}
	return time.Unix(0, last), nil
}

// show draws progress until the returned function is called, which waits for its end.
func (b *benchmark) show(what string, count int64, duration time.Duration) (hide func()) {
	if b.bar == nil {
		return func() {}
	}
	stop := make(chan struct{})
	var drawing sync.WaitGroup
	began := time.Now()
	drawing.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				part := time.Since(began).Seconds() / duration.Seconds()
				if count > 0 {
					part = float64(b.done.Load()) / float64(count)
				}
				b.bar(what, min(part, 1))
			case <-stop:
				b.bar(what, 1)
				return
			}
		}
	})
	return func() {
		close(stop)
		drawing.Wait()
	}
}

// budget says how much is to be sent: a count, or as much as goes until then.
type budget struct {
	count int64
	until time.Time
	taken atomic.Int64
}

// take reports whether one more may be sent. The clock is read for some only where
// reading it would count.
func (g *budget) take(every int64) bool {
	n := g.taken.Add(1)
	if g.count > 0 {
		return n <= g.count
	}
	return n%every != 0 || time.Now().Before(g.until)
}

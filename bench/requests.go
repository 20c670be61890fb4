package main

import (
	"context"
	"fmt"
	"time"
)

// requestSize is what a request and its reply carry.
const requestSize = 128

// requests measures request and reply: one at a time, and many at once.
func (b *bench) requests(ctx context.Context) error {
	peers := b.beside(peers...)
	all, err := b.begin(ctx, peers, 1)
	if err != nil {
		return err
	}
	defer all.stop()
	for _, outstanding := range []int{1, 64, 256} {
		if outstanding == 1 && !b.wants("request-p50") || outstanding > 1 && !b.wants("request-rate") {
			continue
		}
		if err := b.requestsOf(ctx, all, peers, outstanding); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) requestsOf(ctx context.Context, all sessions, peers []string, outstanding int) error {
	ask := command{Op: "request", Size: requestSize, Lanes: outstanding, Nanos: int64(b.time)}
	rates, p50s := figures{}, figures{}
	one := func(p string) error {
		if raw(p) && outstanding > 1 { // a stream has no notion of it
			return nil
		}
		a, err := all[p].near.call(ctx, ask)
		if err != nil {
			return err
		}
		rates.add(p, float64(a.Got)/time.Duration(a.Ended-a.Began).Seconds())
		p50s.add(p, float64(a.P50)/1e3)
		return nil
	}
	for _, p := range peers {
		if err := one(p); err != nil {
			return err
		}
	}
	clear(rates)
	clear(p50s) // that was to warm up
	err := b.profiled(ctx, all[iris], fmt.Sprintf("request-%d", outstanding), func() error {
		for range b.rounds {
			for _, p := range peers {
				if err := one(p); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := row{Mode: "request-rate", Size: requestSize, Outstanding: outstanding, Unit: "requests/s"}
	if outstanding == 1 {
		w.Mode, w.Unit = "request-p50", "us"
		rates = p50s
	}
	b.rows(w, rates, peers)
	return nil
}

// requestsBesideTunnel measures how much longer a request takes while a tunnel between
// the same nodes runs flat out.
func (b *bench) requestsBesideTunnel(ctx context.Context) error {
	s, err := begin(ctx, b.shared, iris, 1)
	if err != nil {
		return err
	}
	defer s.stop()
	ask := command{Op: "request", Size: requestSize, Lanes: 1, Nanos: int64(b.time)}
	f := figures{}
	for round := range b.rounds + 1 {
		for _, c := range []struct{ op, as string }{{"request", "idle"}, {"busy", iris}} {
			ask.Op = c.op
			a, err := s.near.call(ctx, ask)
			if err != nil {
				return err
			}
			if round > 0 { // the first is to warm up
				f.add(c.as, float64(a.P99)/1e3)
			}
		}
	}
	b.rows(row{Mode: "request-busy", Size: requestSize, Outstanding: 1, Unit: "us p99"}, f, []string{"idle"})
	after, err := s.usage(ctx)
	if err != nil {
		return err
	}
	if n := after[s.near].Suspected + after[s.far[0]].Suspected; n > 0 {
		return fmt.Errorf("heartbeats were late: %d times a node suspected the other", n)
	}
	return nil
}

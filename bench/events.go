package main

import (
	"context"
	"fmt"
)

// events measures one publisher and one subscriber: rates, and for the smallest events
// what they cost.
func (b *bench) events(ctx context.Context) error {
	peers := b.beside(peers...)
	all, err := b.begin(ctx, peers, 1)
	if err != nil {
		return err
	}
	defer all.stop()
	sizes := b.sizes
	if !b.wants("pub") {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		if err := b.eventsOf(ctx, all, peers, size, 1); err != nil {
			return err
		}
	}
	return nil
}

// batches is events to a handler of Iris that takes batches. Large events have nothing
// of that: they come alone.
func (b *bench) batches(ctx context.Context) error {
	peers := b.beside("nats-tls", "proto-tls")
	all, err := b.begin(ctx, peers, 1)
	if err != nil {
		return err
	}
	defer all.stop()
	for _, size := range b.sizes {
		if size > smallest {
			continue
		}
		if err := b.eventsOf(ctx, all, peers, size, toBatches); err != nil {
			return err
		}
	}
	return nil
}

// smallest is the size from which on a stream of bytes says something about events: a
// stream has no smaller ones.
const smallest = 1024

// eventsOf measures events of one size. The handler of Iris hears the lane to, those of
// others their only one.
func (b *bench) eventsOf(ctx context.Context, all sessions, peers []string, size int64, to int) error {
	lane := func(p string) int {
		if p == iris {
			return to
		}
		return 1
	}
	suffix := map[int]string{toBatches: "-batch"}[to]
	var met []string
	counts := map[string]int64{}
	for _, p := range peers {
		if raw(p) && size < smallest {
			continue
		}
		n, err := b.calibrate(ctx, all[p], size, lane(p))
		if err != nil {
			return err
		}
		met, counts[p] = append(met, p), n
	}
	rates, costs := figures{}, figures{}
	var sent, got int64
	err := b.profiled(ctx, all[iris], fmt.Sprintf("pub%s-%d", suffix, size), func() error {
		for range b.rounds {
			for _, p := range met {
				f, err := all[p].publish(ctx, counts[p], size, lane(p))
				if err != nil {
					return err
				}
				rates.add(p, f.rate())
				costs.add(p, f.perMillion())
				if p == iris {
					sent, got = sent+f.sent, got+f.got
				} else if f.got < f.sent {
					return fmt.Errorf("%s lost %d of %d events of %d bytes", p, f.sent-f.got, f.sent, size)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	lost := float64(sent-got) / float64(sent)
	if b.wants("pub" + suffix) {
		b.rows(row{Mode: "pub" + suffix, Size: size, Unit: "events/s", Lost: lost}, rates, met)
	}
	if b.wants("cpu" + suffix) {
		b.rows(row{Mode: "cpu" + suffix, Size: size, Unit: "s/million", Lost: lost}, costs, met)
	}
	return nil
}

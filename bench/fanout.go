package main

import (
	"context"
)

const (
	audience   = 8
	fanoutSize = 1024
	queueLimit = 8 << 20 // bytes that a receiver who has stopped may cost
)

// fanout measures one topic with 8 subscribers, each a process: whether an event for all
// costs the publisher more than 8 events for one, and whether a ninth that has stopped
// costs anybody anything.
func (b *bench) fanout(ctx context.Context) error {
	one, err := begin(ctx, b.shared, iris, 1)
	if err != nil {
		return err
	}
	defer one.stop()
	eight, err := begin(ctx, b.shared, iris, audience)
	if err != nil {
		return err
	}
	defer eight.stop()
	few, err := b.calibrate(ctx, one, fanoutSize, toAll)
	if err != nil {
		return err
	}
	many, err := b.calibrate(ctx, eight, fanoutSize, toAll)
	if err != nil {
		return err
	}
	cost, rate, queue := figures{}, figures{}, figures{}
	var lost, lostThen float64
	for range b.rounds {
		f, err := one.publish(ctx, few, fanoutSize, toAll)
		if err != nil {
			return err
		}
		cost.add("8 sends", audience*f.near.Seconds()/float64(f.sent)*1e6)
		if f, err = eight.publish(ctx, many, fanoutSize, toAll); err != nil {
			return err
		}
		cost.add(iris, audience*f.near.Seconds()/float64(f.sent)*1e6)
		// Longer runs, for somebody who stops is noticed once.
		if f, err = eight.publish(ctx, 3*many, fanoutSize, toAll); err != nil {
			return err
		}
		lost += f.lost() / float64(b.rounds)
		rate.add("all well", f.rate())
		f, held, err := b.withOneStopped(ctx, 3*many)
		if err != nil {
			return err
		}
		lostThen += f.lost() / float64(b.rounds)
		rate.add(iris, f.rate())
		queue.add(iris, float64(held)/(1<<20))
		queue.add("limit", queueLimit>>20)
	}
	b.rows(row{Mode: "fanout", Size: fanoutSize, Nodes: audience, Unit: "s/million", Lost: lost}, cost, []string{"8 sends"})
	b.rows(row{Mode: "fanout", Size: fanoutSize, Nodes: audience, Unit: "events/s", Lost: lostThen}, rate, []string{"all well"})
	b.rows(row{Mode: "fanout", Size: fanoutSize, Nodes: audience, Unit: "MiB queued"}, queue, []string{"limit"})
	return nil
}

// withOneStopped publishes to one more subscriber, which has stopped. held is by how
// much the memory of the publisher grew.
func (b *bench) withOneStopped(ctx context.Context, count int64) (f flow, held int64, err error) {
	s, err := begin(ctx, b.shared, iris, audience+1)
	if err != nil {
		return f, 0, err
	}
	defer s.stop()
	if _, err = s.publish(ctx, count/16, fanoutSize, toAll); err != nil { // warm
		return f, 0, err
	}
	before, err := s.near.call(ctx, command{Op: "heap"})
	if err != nil {
		return f, 0, err
	}
	if err = s.far[audience].freeze(); err != nil {
		return f, 0, err
	}
	if f, err = s.publish(ctx, count, fanoutSize, toAll); err != nil {
		return f, 0, err
	}
	after, err := s.near.call(ctx, command{Op: "heap"})
	return f, max(after.Heap-before.Heap, 0), err
}

// nodes measures how the rate grows with the number of nodes that are sent to, each a
// topic of its own.
func (b *bench) nodes(ctx context.Context) error {
	for _, size := range []int64{16, fanoutSize} {
		if err := b.nodesOf(ctx, size); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) nodesOf(ctx context.Context, size int64) error {
	steps := []int{1, 2, 4}
	all, counts, rates := map[int]*session{}, map[int]int64{}, map[int][]float64{}
	lost := map[int]float64{}
	for _, n := range steps {
		s, err := begin(ctx, b.shared, iris, n)
		if err != nil {
			return err
		}
		defer s.stop()
		all[n] = s
		if counts[n], err = b.calibrate(ctx, s, size, n); err != nil {
			return err
		}
	}
	for range b.rounds {
		for _, n := range steps {
			f, err := all[n].publish(ctx, counts[n], size, n)
			if err != nil {
				return err
			}
			rates[n] = append(rates[n], f.rate())
			lost[n] += f.lost() / float64(b.rounds)
		}
	}
	for _, n := range steps[1:] {
		b.rows(row{Mode: "nodes", Size: size, Nodes: n, Unit: "events/s", Lost: lost[n]}, figures{iris: rates[n], "one node": rates[1]}, []string{"one node"})
	}
	return nil
}

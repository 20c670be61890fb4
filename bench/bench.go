package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench is one run of the program.
type bench struct {
	options
	shared shared
	report *report
	notes  io.Writer // what is going on
}

// mode is something to measure: one or more kinds of rows that come from the same runs.
type mode struct {
	names []string
	run   func(*bench, context.Context) error
}

func modes() []mode {
	return []mode{
		{[]string{"pub", "cpu"}, (*bench).events},
		{[]string{"pub-batch", "cpu-batch"}, (*bench).batches},
		{[]string{"request-p50", "request-rate"}, (*bench).requests},
		{[]string{"tunnel"}, (*bench).tunnels},
		{[]string{"request-busy"}, (*bench).requestsBesideTunnel},
		{[]string{"fanout"}, (*bench).fanout},
		{[]string{"nodes"}, (*bench).nodes},
	}
}

func modeNames() []string {
	var names []string
	for _, m := range modes() {
		names = append(names, m.names...)
	}
	return names
}

func (o *options) wants(modes ...string) bool {
	return slices.ContainsFunc(modes, func(m string) bool { return slices.Contains(o.only, m) })
}

// beside returns Iris and those of some peers that are to be measured.
func (o *options) beside(some ...string) []string {
	all := []string{iris}
	for _, p := range some {
		if slices.Contains(o.peers, p) {
			all = append(all, p)
		}
	}
	return all
}

// measure runs the modes that are wanted.
func measure(ctx context.Context, o options, out, errs io.Writer) error {
	h, err := newShared(o.busyPoll)
	if err != nil {
		return err
	}
	b := &bench{options: o, shared: h, report: &report{out: out, format: o.format, busyPoll: o.busyPoll}, notes: errs}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	about := out
	if o.format != "" {
		about = errs
	}
	fmt.Fprintln(about, machine())
	if o.busyPoll > 0 {
		fmt.Fprintf(about, "not the default: busy_poll %v in the nodes of Iris\n", o.busyPoll)
	}
	for _, m := range modes() {
		if !o.wants(m.names...) {
			continue
		}
		if err := m.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.names[0], err)
		}
	}
	return b.report.err
}

// sessions are the peers of a mode, each with all its processes.
type sessions map[string]*session

func (b *bench) begin(ctx context.Context, peers []string, fars int) (sessions, error) {
	all := sessions{}
	for _, p := range peers {
		s, err := begin(ctx, b.shared, p, fars)
		if err != nil {
			all.stop()
			return nil, err
		}
		all[p] = s
	}
	return all, nil
}

func (all sessions) stop() {
	for _, s := range all {
		s.stop()
	}
}

// profiled calls do, with profiles of Iris of what happens meanwhile if they are
// wanted.
func (b *bench) profiled(ctx context.Context, s *session, name string, do func() error) error {
	if b.profile == "" {
		return do()
	}
	end, err := s.profile(ctx, filepath.Join(b.profile, name))
	if err != nil {
		return err
	}
	return errors.Join(do(), end())
}

// figures are what the rounds measured, by peer.
type figures map[string][]float64

func (f figures) add(peer string, v float64) { f[peer] = append(f[peer], v) }

// rows compares Iris with each peer. w says what was measured.
func (b *bench) rows(w row, of figures, peers []string) {
	for _, p := range peers {
		if p == iris || len(of[p]) == 0 {
			continue
		}
		w.Peer, w.Iris, w.Other, w.Ratio = p, median(of[iris]), median(of[p]), median(ratios(of[iris], of[p]))
		b.report.add(w)
	}
}

// most bounds the bytes of one run: peers without back-pressure keep them all.
const most = 512 << 20

// calibrate finds out how many events of a size make a run of the wanted time, which
// also warms everything up.
func (b *bench) calibrate(ctx context.Context, s *session, size int64, lanes int) (int64, error) {
	if _, err := s.publish(ctx, 64, size, lanes); err != nil { // connects, asks who listens
		return 0, err
	}
	for count := int64(64); ; count *= 4 {
		f, err := s.publish(ctx, count, size, lanes)
		if err != nil {
			return 0, err
		}
		enough := f.took > b.time/8 && f.took > 50*time.Millisecond
		if f.got < f.sent {
			return count, nil // more would not help
		}
		if enough || count*size*4 > most {
			return min(max(int64(float64(count)*b.time.Seconds()/f.took.Seconds()), 64), most/size), nil
		}
	}
}

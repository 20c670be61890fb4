package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// session is one peer with all its processes.
type session struct {
	peer   string
	broker *child // nil if it has none
	near   *child
	far    []*child
	run    int64
}

// shared is what the processes of a run share.
type shared struct {
	secret, ca, cert, key []byte
	busyPoll              time.Duration
}

func newShared(busyPoll time.Duration) (shared, error) {
	h := shared{secret: make([]byte, 32), busyPoll: busyPoll}
	_, _ = rand.Read(h.secret) // never fails
	var err error
	h.ca, h.cert, h.key, err = certificates()
	return h, err
}

// begin starts a peer with so many far ends.
func begin(ctx context.Context, h shared, peer string, fars int) (*session, error) {
	s := &session{peer: peer}
	base := setup{Peer: peer, Secret: h.secret, BusyPoll: h.busyPoll}
	if peer != "nats" && peer != "proto" && peer != iris {
		base.CA, base.Cert, base.Key = h.ca, h.cert, h.key
	}
	start := func(role string, number int, at string) (*child, error) {
		p := base
		p.Role, p.Number, p.At = role, number, at
		return spawn(ctx, p)
	}
	var err error
	var at string
	if hasBroker(peer) {
		if s.broker, err = start("broker", 0, ""); err != nil {
			return nil, err
		}
		at = s.broker.at
	}
	for i := range fars {
		far, err := start("far", i, at)
		if err != nil {
			s.stop()
			return nil, err
		}
		s.far = append(s.far, far)
		if at == "" {
			at = far.at
		}
	}
	if s.near, err = start("near", 0, at); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *session) all() []*child {
	all := append([]*child(nil), s.far...)
	for _, c := range []*child{s.near, s.broker} {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

func (s *session) stop() {
	for _, c := range s.all() {
		c.stop()
	}
}

// flow is what a run of events came to.
type flow struct {
	sent, got int64         // events, over all far ends
	took      time.Duration // from the first send to the last that was handled
	cpu       time.Duration // of all processes
	near      time.Duration // of the sending one
}

// lost is the share of the events that did not arrive.
func (f flow) lost() float64 { return float64(f.sent-f.got) / float64(f.sent) }

func (f flow) rate() float64 { return float64(f.got) / f.took.Seconds() }

// perMillion is the processor time of all processes, in seconds per million events.
func (f flow) perMillion() float64 { return f.cpu.Seconds() / float64(f.got) * 1e6 }

// publish sends events and waits until they have been handled. lanes is how many
// topics at once, one per far end, or toAll or toBatches.
func (s *session) publish(ctx context.Context, count, size int64, lanes int) (flow, error) {
	s.run++
	each := count
	if lanes > 1 {
		count -= count % int64(lanes)
		each = count / int64(lanes)
	}
	what := command{Op: "expect", Run: s.run, Count: each, Size: size}
	if raw(s.peer) {
		what.Count *= size
	}
	before, err := s.usage(ctx)
	if err != nil {
		return flow{}, err
	}
	for _, far := range s.listening() {
		if _, err := far.call(ctx, what); err != nil {
			return flow{}, err
		}
	}
	sent, err := s.near.call(ctx, command{Op: "publish", Run: s.run, Count: count, Size: size, Lanes: lanes})
	if err != nil {
		return flow{}, err
	}
	f := flow{}
	var last int64
	for _, far := range s.listening() {
		a, err := far.call(ctx, command{Op: "await"})
		if err != nil {
			return flow{}, err
		}
		if a.Odd > 0 {
			return flow{}, fmt.Errorf("%s: %d events were not of %d bytes", far.name, a.Odd, size)
		}
		got := a.Got
		if raw(s.peer) {
			got /= size
		}
		f.sent += each
		f.got += got
		last = max(last, a.Ended)
	}
	f.took = time.Duration(last - sent.Began)
	after, err := s.usage(ctx)
	if err != nil {
		return flow{}, err
	}
	for c, u := range after {
		f.cpu += time.Duration(u.CPU - before[c].CPU)
	}
	f.near = time.Duration(after[s.near].CPU - before[s.near].CPU)
	return f, nil
}

// toAll is the lane of the topic that all far ends hear, toBatches that of the handler
// of Iris that takes batches.
const (
	toAll     = -1
	toBatches = -2
)

// listening returns the far ends that are not frozen.
func (s *session) listening() []*child {
	var l []*child
	for _, far := range s.far {
		if !far.frozen {
			l = append(l, far)
		}
	}
	return l
}

func (s *session) usage(ctx context.Context) (map[*child]answer, error) {
	of := map[*child]answer{}
	for _, c := range s.all() {
		if c.frozen {
			continue
		}
		a, err := c.call(ctx, command{Op: "usage"})
		if err != nil {
			return nil, err
		}
		of[c] = a
	}
	return of, nil
}

// stream writes bytes on a stream of their own and returns how many arrived a second.
func (s *session) stream(ctx context.Context, writes int64) (float64, error) {
	if _, err := s.far[0].call(ctx, command{Op: "expect", Count: writes * chunk}); err != nil {
		return 0, err
	}
	sent, err := s.near.call(ctx, command{Op: "tunnel", Count: writes, Size: chunk})
	if err != nil {
		return 0, err
	}
	a, err := s.far[0].call(ctx, command{Op: "await"})
	if err != nil {
		return 0, err
	}
	if a.Got < writes*chunk {
		return 0, fmt.Errorf("%s: %d of %d bytes arrived", s.peer, a.Got, writes*chunk)
	}
	return float64(a.Got) / time.Duration(a.Ended-sent.Began).Seconds(), nil
}

// profile makes the processes of the session write profiles, of what happens until
// end is called.
func (s *session) profile(ctx context.Context, file string) (end func() error, err error) {
	for _, c := range s.all() {
		if _, err := c.call(ctx, command{Op: "profile", File: file + "-" + c.role}); err != nil {
			return nil, err
		}
	}
	return func() error {
		for _, c := range s.all() {
			if _, err := c.call(ctx, command{Op: "profiled", File: file + "-" + c.role}); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

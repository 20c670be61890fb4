package actor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Events is the hub every event of a node goes through.
//
//	Publish ──► queue of subscriber 1 (bounded, drop oldest) ──► its goroutine ──► func
//	       └──► queue of subscriber 2 ...
//
// Publish never blocks and never runs foreign code: a slow or panicking observer harms nobody but itself. Each
// subscriber sees the events of one publisher in order.
type Events struct {
	sys  *System
	busy atomic.Int32 // number of subscribers; lets Publish return early
	runs tally        // their goroutines

	carrier atomic.Pointer[func(*Order)] // of the commands that are not for actors
	asked   sync.Map                     // Command -> chan error, of those who wait in Do

	mu     sync.Mutex // guards the following fields
	subs   []*subscriber
	closed bool
}

// EventQueue is the number of events a subscriber may be behind before the oldest are dropped.
const EventQueue = 1024

type subscriber struct {
	hub  *Events
	fn   func(any)
	wake chan struct{} // capacity 1

	mu     sync.Mutex // guards the following fields
	queue  ring
	lost   uint64
	ended  bool // takes no more events
	cancel bool // and does not deliver the queued ones either

	closing chan struct{} // of a Chan: closed when a full channel is not waited for any longer; else nil
}

func newEvents(s *System) *Events { return &Events{sys: s} }

// Publish stamps the event, which must be a pointer to one of the event structs or to one of your own that embeds At, and
// queues it for all subscribers; then, if it is a command, it is carried out or handed to who does. The event must not be
// modified afterwards. It does not block. After Shutdown it does nothing.
func (e *Events) Publish(ev any) {
	if ev != nil {
		e.publish(ev)
	}
}

// publish reports false after Shutdown.
func (e *Events) publish(ev any) bool {
	e.sys.count.events.Add(1)
	if at, ok := ev.(interface{ stamp(time.Time, string) }); ok {
		at.stamp(time.Now(), e.sys.node)
	}
	command, ordered := ev.(Command)
	if !ordered && e.busy.Load() == 0 {
		return true
	}
	if !e.queue(ev) {
		return false
	}
	if ordered {
		e.sys.command(command)
	}
	return true
}

func (e *Events) queue(ev any) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.subs {
		s.put(ev)
	}
	return !e.closed
}

// Subscribe calls fn for every event published from now on, one at a time, on a goroutine of its own. A subscriber that
// is more than EventQueue events behind loses the oldest and gets an EventsLost in their place. fn may block (the queue
// fills) and may panic (logged). cancel may be called anywhere, more than once; it does not wait for a call in progress.
// After Shutdown began, queued events are still delivered.
func (e *Events) Subscribe(fn func(any)) (cancel func()) {
	s := &subscriber{hub: e, fn: fn, wake: make(chan struct{}, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return func() {}
	}
	e.subs = append(e.subs, s)
	e.busy.Add(1)
	e.runs.add()
	go func() {
		defer e.runs.done()
		s.run()
	}()
	return s.unsubscribe
}

// Chan is Subscribe into a channel with room for n events, closed when ctx ends or at Shutdown. At Shutdown the events
// that do not fit into the channel are dropped.
func (e *Events) Chan(ctx context.Context, n int) <-chan any {
	ch := make(chan any, max(n, 0))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || ctx.Err() != nil {
		close(ch)
		return ch
	}
	s := &subscriber{hub: e, wake: make(chan struct{}, 1), closing: make(chan struct{})}
	s.fn = func(ev any) {
		select {
		case ch <- ev:
			return
		default:
		}
		select {
		case ch <- ev:
		case <-ctx.Done():
		case <-s.closing:
		}
	}
	stop := context.AfterFunc(ctx, s.unsubscribe)
	e.subs = append(e.subs, s)
	e.busy.Add(1)
	e.runs.add()
	go func() {
		defer e.runs.done()
		defer close(ch)
		defer stop()
		s.run()
	}()
	return ch
}

// put queues an event. Called under the hub's lock, which keeps the order the same for all subscribers.
func (s *subscriber) put(ev any) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	if s.queue.n >= EventQueue {
		s.queue.pop()
		s.lost++
		s.hub.sys.count.eventsLost.Add(1)
	}
	s.queue.push(ev)
	s.mu.Unlock()
	s.poke()
}

func (s *subscriber) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the next event, or nil if there is none now; ended if there will be none.
func (s *subscriber) next() (ev any, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel {
		return nil, true
	}
	if n := s.lost; n > 0 {
		s.lost = 0
		l := &EventsLost{Count: n}
		l.stamp(time.Now(), s.hub.sys.node)
		return l, false
	}
	ev = s.queue.pop()
	return ev, ev == nil && s.ended
}

func (s *subscriber) run() {
	for {
		ev, ended := s.next()
		switch {
		case ended:
			return
		case ev != nil:
			s.call(ev)
		default:
			<-s.wake
		}
	}
}

func (s *subscriber) call(ev any) {
	defer func() {
		if r := recover(); r != nil {
			s.hub.sys.logger.Error("event subscriber panicked", slog.String("event", fmt.Sprintf("%T", ev)), slog.Any("panic", r))
		}
	}()
	s.fn(ev)
}

func (s *subscriber) unsubscribe() {
	e := s.hub
	e.mu.Lock()
	for i, x := range e.subs {
		if x == s {
			e.subs = append(append([]*subscriber(nil), e.subs[:i]...), e.subs[i+1:]...)
			e.busy.Add(-1)
			break
		}
	}
	e.mu.Unlock()
	s.mu.Lock()
	s.ended, s.cancel = true, true
	s.mu.Unlock()
	s.poke()
}

// close lets every subscriber handle what is queued, and waits for their goroutines until ctx ends.
func (e *Events) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	subs := e.subs
	e.subs = nil
	e.busy.Store(0)
	e.mu.Unlock()
	for _, s := range subs {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		if s.closing != nil {
			close(s.closing)
		}
		s.poke()
	}
	if err := e.runs.wait(ctx); err != nil {
		return fmt.Errorf("event subscribers still busy: %w", err)
	}
	return nil
}

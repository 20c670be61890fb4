package actor

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// subscriber reads the hub's ring on a goroutine of its own.
type subscriber struct {
	hub     *Events
	fn      func(any)
	wake    chan struct{} // capacity 1
	closing chan struct{} // of a Chan: closed when a full channel is not waited for any longer; else nil

	next   atomic.Uint64 // number of the event to take next; written by its goroutine
	cancel atomic.Bool   // takes no more; written under the hub's mu
}

// Subscribe calls fn for every event published from now on, one at a time, on a goroutine of its own. A subscriber that
// is more than EventQueue events behind misses the oldest and gets an EventsLost in their place. fn may block (it falls
// behind) and may panic (logged, at most every 10 s for all subscribers together). cancel may be called anywhere, more than
// once; it does not wait for a call in progress. After Shutdown began, queued events are still delivered.
func (e *Events) Subscribe(fn func(any)) (cancel func()) {
	s := &subscriber{hub: e, fn: fn, wake: make(chan struct{}, 1)}
	if !e.start(s, func() {}) {
		return func() {}
	}
	return s.unsubscribe
}

// Chan is Subscribe into a channel with room for n events, closed when ctx ends or at Shutdown. At Shutdown the events
// that do not fit into the channel are dropped.
func (e *Events) Chan(ctx context.Context, n int) <-chan any {
	ch := make(chan any, max(n, 0))
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
	if ctx.Err() != nil || !e.start(s, func() { stop(); close(ch) }) {
		stop()
		close(ch)
	}
	return ch
}

// start adds the subscriber and begins to call it; ended is called last. It reports false after Shutdown.
func (e *Events) start(s *subscriber, ended func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	s.next.Store(e.head.Load())
	e.subs[s] = struct{}{}
	if !s.cancel.Load() { // its context has not just ended
		e.busy.Add(1)
	}
	e.runs.add()
	go func() {
		defer e.runs.done()
		defer ended()
		defer s.leave() // fn may end the goroutine
		s.run()
	}()
	return true
}

func (s *subscriber) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) run() {
	for !s.cancel.Load() {
		if ev := s.take(); ev != nil {
			s.call(ev)
		} else if !s.sleep() {
			return
		}
	}
}

// take returns the next event, an EventsLost in place of those that are gone, or nil if there is none now.
func (s *subscriber) take() any {
	e := s.hub
	for {
		n, head := s.next.Load(), e.head.Load()
		if n == head || s.cancel.Load() {
			return nil
		}
		if x := e.slots[n%EventQueue].Load(); x != nil && x.number == n {
			s.next.Store(n + 1)
			return x.event
		}
		if l := s.skip(); l != nil {
			return l
		}
	}
}

// missed is the number of events that are gone from the ring before the subscriber took them. Called with mu held.
func (s *subscriber) missed() uint64 {
	if behind := s.hub.head.Load() - s.next.Load(); behind > EventQueue && !s.cancel.Load() {
		return behind - EventQueue
	}
	return 0
}

// skip goes on with the oldest event that is left.
func (s *subscriber) skip() any {
	e := s.hub
	e.mu.Lock()
	defer e.mu.Unlock()
	n := s.missed()
	if n == 0 {
		return nil
	}
	s.next.Add(n)
	e.sys.count.eventsLost.Add(n)
	l := &EventsLost{Count: n}
	l.stamp(time.Now(), e.sys.node)
	return l
}

// sleep waits for an event and wakes others when it comes. It reports false if there will be none.
func (s *subscriber) sleep() bool {
	e := s.hub
	e.mu.Lock()
	switch {
	case s.next.Load() != e.head.Load():
		e.mu.Unlock()
		return true
	case e.closed || s.cancel.Load():
		e.mu.Unlock()
		return false
	}
	e.asleep = append(e.asleep, s)
	e.mu.Unlock()
	<-s.wake
	e.pass()
	return true
}

func (s *subscriber) call(ev any) {
	defer func() {
		if r := recover(); r != nil {
			s.hub.panics.add(s.hub.sys.logger, ev, r)
		}
	}()
	s.fn(ev)
}

func (s *subscriber) unsubscribe() {
	e := s.hub
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.cancel.Load() {
		return
	}
	e.sys.count.eventsLost.Add(s.missed())
	s.cancel.Store(true)
	if _, there := e.subs[s]; there && !e.closed {
		e.busy.Add(-1)
	}
	s.poke()
}

// leave is the end of a subscriber: it may have been woken in place of others, and the last one clears the ring.
func (s *subscriber) leave() {
	s.unsubscribe()
	e := s.hub
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.subs, s)
	itself := func(x *subscriber) bool { return x == s }
	e.asleep, e.due = slices.DeleteFunc(e.asleep, itself), slices.DeleteFunc(e.due, itself)
	e.rouse()
	if len(e.subs) == 0 {
		for i := range e.slots {
			e.slots[i].Store(nil)
		}
	}
}

// panicLog writes the panics of subscribers to the log with restraint.
type panicLog struct {
	count atomic.Uint64 // since the last line
	last  atomic.Int64  // time of that line
}

// panicInterval is the least time between two lines about panics of subscribers.
const panicInterval = 10 * time.Second

func (p *panicLog) add(logger *slog.Logger, ev, reason any) {
	p.count.Add(1)
	now, last := time.Now().UnixNano(), p.last.Load()
	if last != 0 && now-last < int64(panicInterval) || !p.last.CompareAndSwap(last, now) {
		return
	}
	logger.Error("event subscriber panicked", slog.String("event", EventKind(ev)), slog.String("panic", reasonText(reason)), slog.Uint64("panics", p.count.Swap(0)))
}

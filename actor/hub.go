package actor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Events is the hub every event of a node goes through.
//
//	Publish ──► the last EventQueue events ──┬── read by the goroutine of subscriber 1 ──► its func
//	            (one ring for all)           └── read by the goroutine of subscriber 2 ...
//
// Publish never blocks, never runs foreign code, and does the same work whatever the number of subscribers: it appends to the
// ring and wakes a few of those who wait, who wake the others. A slow or panicking observer harms nobody but itself. All
// subscribers see all events in the same order, those of one publisher in the order published.
//
// Invariants: slot n%EventQueue holds event n for the last EventQueue numbers below head, if there were subscribers; a
// subscriber whose next is below head is running, or due and somebody who rouses is under way; those asleep have read everything.
type Events struct {
	sys  *System
	busy atomic.Int32 // subscribers that are not cancelled; lets Publish return early
	runs tally        // the goroutines of all

	carrier atomic.Pointer[func(*Order)] // of the commands that are not for actors
	asked   sync.Map                     // Command -> chan error, of those who wait in Do

	slots  [EventQueue]atomic.Pointer[numbered]
	head   atomic.Uint64 // number of the next event; written under mu
	toWake atomic.Int32  // len(due)
	panics panicLog

	mu     sync.Mutex // guards the following fields
	subs   map[*subscriber]struct{}
	asleep []*subscriber // waiting for an event that has not come
	due    []*subscriber // waiting for one that has come
	woken  uint64        // how often one of them was woken
	closed bool
}

// EventQueue is the number of events a subscriber may be behind before it misses the oldest.
const EventQueue = 1024

// numbered is an event in the ring.
type numbered struct {
	number uint64
	event  any
}

func newEvents(s *System) *Events { return &Events{sys: s, subs: map[*subscriber]struct{}{}} }

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
	if e.closed {
		return false
	}
	if e.busy.Load() == 0 {
		return true
	}
	n := e.head.Load()
	e.slots[n%EventQueue].Store(&numbered{n, ev})
	e.head.Store(n + 1)
	if len(e.due) == 0 {
		e.due, e.asleep = e.asleep, e.due
	} else {
		e.due = append(e.due, e.asleep...)
		clear(e.asleep)
		e.asleep = e.asleep[:0]
	}
	e.rouse()
	return true
}

// rouseAtOnce is how many sleepers one call wakes; each of them wakes as many.
const rouseAtOnce = 4

// rouse wakes the next of those that are due, each once for an event. Called with mu held.
func (e *Events) rouse() {
	for range min(rouseAtOnce, len(e.due)) {
		e.woken++
		last := len(e.due) - 1
		e.due[last].poke()
		e.due[last] = nil
		e.due = e.due[:last]
	}
	e.toWake.Store(int32(len(e.due)))
}

// pass wakes more sleepers on behalf of one that was woken.
func (e *Events) pass() {
	if e.toWake.Load() > 0 {
		e.mu.Lock()
		e.rouse()
		e.mu.Unlock()
	}
}

// lost is the number of events that subscribers have missed until now.
func (e *Events) lost() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.sys.count.eventsLost.Load()
	for s := range e.subs {
		n += s.missed()
	}
	return n
}

// close lets every subscriber handle what is queued, and waits for their goroutines until ctx ends.
func (e *Events) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.busy.Store(0)
	for s := range e.subs {
		if s.closing != nil {
			close(s.closing)
		}
		s.poke()
	}
	e.mu.Unlock()
	if err := e.runs.wait(ctx); err != nil {
		return fmt.Errorf("event subscribers still busy: %w", err)
	}
	return nil
}

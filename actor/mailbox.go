package actor

import (
	"errors"
	"sync"
	"sync/atomic"

	proto "github.com/asynkron/protoactor-go/actor"
)

// mailbox queues the messages of one actor in two lanes.
//
//	post, postParcel ──► user lane   (bounded in messages and bytes) ──► guard.user, guard.bundled
//	postSystem       ──► system lane (never dropped, always first)    ──► protoactor's lifecycle
//
// It replaces protoactor's mailboxes because those accept messages before the actor can take them, lose what is queued
// when the actor stops, resurrect a stopping actor and wedge on runtime.Goexit.
//
// A parcel is one entry of the user lane and counts as the messages that are left in it.
//
// Invariants:
//  1. At most one worker runs the mailbox: running is set from schedule until the turn that finds nothing to do.
//  2. Nothing runs before Start, no user message runs while suspended or after closed.
//  3. Every message accepted by post or postParcel is handled exactly once or given to System.leftover exactly once.
//  4. After stopSeen no restart reaches the actor.
//  5. load is what the entries of user and taken and the rest of parcel amount to. It grows under mu, before the runner
//     can see the entry, and shrinks before the message is handled: the bounds hold exactly.
//  6. A message of a parcel is beyond its next before the actor sees it, so that no failure brings it back, and the
//     parcel is released once, after its last message was handled.
type mailbox struct {
	cell    *cell
	invoker proto.MessageInvoker // set by RegisterHandlers, before Start

	load    atomic.Uint64 // of the user lane, see loadOf
	urgent  atomic.Bool   // the system lane is not empty
	resting atomic.Bool   // what suspended says, for those who only want to know

	mu        sync.Mutex // guards the following fields
	user, sys ring
	started   bool
	running   bool
	suspended bool // written by the runner under mu
	working   bool // user messages are being handled, and the meter runs
	closed    bool // the user lane takes nothing more
	refusing  bool // since the first refused message until half empty
	refused   uint64
	granted   int64 // bytes of the memory for mailboxes that it holds

	// The following fields are owned by the runner.
	taken    ring    // entries from the user lane, before those in user
	parcel   *parcel // being handled, before those in taken; nil if there is none
	stopSeen bool
	failing  bool   // failed and not yet restarted, resumed or stopped
	failures uint64 // numbers the failures, so that a restart decided for an earlier one is recognised
	fault    *fault // set by the guard when a handler panicked
	broken   bool   // a Goexit cut protoactor's lifecycle code short
	finished bool
	fresh    bool   // it was empty when it last came to rest
	handled  uint64 // ever

	meter meter
}

// turnMessages is how many user messages are handled before the mailbox looks at what became of it.
const turnMessages = 256

// Messages of the system lane that only the mailbox understands.
type (
	restartAfter   struct{ failure uint64 } // the back-off of that failure is over
	resume         struct{ failure uint64 } // go on after that failure
	restartCommand struct{ renewal uint32 } // restart whatever the state; which of parent's renewals it is, 0: none
	hurry          struct{}                 // do not wait for the back-off
)

// errMailboxClosed tells post's callers that the actor is stopping or gone.
var errMailboxClosed = errors.Join(ErrNoActor)

// PostUserMessage implements protoactor's Mailbox; protoactor itself posts no user messages.
func (m *mailbox) PostUserMessage(msg any) { m.cell.sys.sendCell(m.cell, nil, msg) }

// PostSystemMessage implements protoactor's Mailbox.
func (m *mailbox) PostSystemMessage(msg any) { m.postSystem(msg) }

// RegisterHandlers implements protoactor's Mailbox.
func (m *mailbox) RegisterHandlers(invoker proto.MessageInvoker, _ proto.Dispatcher) {
	m.invoker = invoker
}

// UserMessageCount implements protoactor's Mailbox.
func (m *mailbox) UserMessageCount() int {
	n, _ := split(m.load.Load())
	return int(n)
}

// Start opens the gate. Messages posted before are handled now, after Started.
func (m *mailbox) Start() {
	m.mu.Lock()
	m.started = true
	wake := !m.running
	m.running = true
	m.mu.Unlock()
	if wake {
		m.cell.sys.dispatcher.schedule(m)
	}
}

// run handles messages until there are none, or until others are to go first. It is called by one worker at a time.
func (m *mailbox) run() {
	clean := false
	defer func() {
		if clean {
			return
		}
		// Either a handler called runtime.Goexit and this goroutine is ending, or our own code or protoactor's
		// panicked outside of a handler. In both cases the next worker finishes what was begun.
		if r := recover(); r != nil && m.fault == nil {
			m.fault = newFault(r, nil)
		}
		m.broken = true
		m.cell.sys.dispatcher.schedule(m)
	}()
	for m.turn() && !m.cell.sys.dispatcher.stepBack(m) {
	}
	clean = true
}

// turn handles one system message or some user messages. false means that there was nothing to do and the mailbox is
// not running any more.
func (m *mailbox) turn() bool {
	if m.broken {
		m.repair()
	}
	m.unwrap()
	m.mu.Lock()
	m.rest()
	if msg := m.sys.pop(); msg != nil {
		if m.sys.n == 0 {
			m.urgent.Store(false)
		}
		m.mu.Unlock()
		m.system(msg)
		return true
	}
	took := !m.suspended && m.collect()
	m.settle()
	if !m.busy() || m.suspended {
		m.running = false
		m.fresh = m.load.Load() == 0
		m.mu.Unlock()
		return false
	}
	relieved, refused := m.relieved()
	m.meter.begin(m.cell.sys.beat.Load(), took, m.fresh)
	m.working, m.fresh = true, false
	m.mu.Unlock()
	if relieved {
		m.cell.sys.events.Publish(&Relieved{What: m.cell.pid.Id, Dropped: refused})
	}
	for left := turnMessages; left > 0 && m.busy() && !m.urgent.Load(); {
		left -= m.step(left)
	}
	m.count()
	return true
}

// busy reports whether the runner has taken messages that are not yet handled.
func (m *mailbox) busy() bool { return m.parcel != nil || m.taken.n > 0 }

// collect takes what is in the user lane, when all taken before is handled. It reports whether there was anything.
// Called under mu.
func (m *mailbox) collect() (took bool) {
	switch {
	case m.busy():
		return false
	case m.user.n > 0:
		m.user, m.taken = m.taken, m.user
		took = true
	default:
		m.taken.fit(0)
	}
	m.user.fit(m.taken.n)
	return took
}

// step handles the next message, or up to most of a parcel, and returns how many.
func (m *mailbox) step(most int) int {
	if m.parcel == nil {
		msg := m.take()
		if m.parcel == nil {
			m.cell.guard.user(msg)
			m.judge()
			return 1
		}
	}
	n := m.cell.guard.bundled(m.parcel, most)
	m.judge()
	m.unwrap()
	return n
}

// judge escalates the failure of the message just handled, if it failed.
func (m *mailbox) judge() {
	if m.fault != nil {
		m.escalate(m.fault.message)
	}
}

// count adds what was handled to the system's counter, once per turn.
func (m *mailbox) count() {
	if n := m.handled - m.meter.shown.Load(); n > 0 {
		m.cell.sys.count.delivered.Add(n)
		m.meter.shown.Store(m.handled)
	}
}

// take removes the next entry of those taken. A parcel becomes the one being handled.
func (m *mailbox) take() any {
	msg := m.taken.pop()
	if p, ok := msg.(*parcel); ok {
		m.parcel = p
		return nil
	}
	m.unload(1, sizeOf(msg))
	return msg
}

// unload takes messages off the load, before they are handled.
func (m *mailbox) unload(n int, bytes int64) { m.load.Add(-loadOf(int64(n), bytes)) }

// unwrap lets go of the parcel when it is empty. A handler that exited may have left it so.
func (m *mailbox) unwrap() {
	if p := m.parcel; p != nil && p.next == p.end {
		m.parcel = nil
		p.release()
	}
}

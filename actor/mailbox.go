package actor

import (
	"errors"
	"sync"
	"sync/atomic"

	proto "github.com/asynkron/protoactor-go/actor"
)

// mailbox queues the messages of one actor in two lanes.
//
//	post       ──► user lane   (bounded in messages and bytes) ──► guard.user
//	postSystem ──► system lane (never dropped, always first)    ──► protoactor's lifecycle
//
// It replaces protoactor's mailboxes because those accept messages before the actor can take them, lose what is queued
// when the actor stops, resurrect a stopping actor and wedge on runtime.Goexit.
//
// Invariants:
//  1. At most one worker runs the mailbox: running is set from schedule until the turn that finds nothing to do.
//  2. Nothing runs before Start, no user message runs while suspended or after closed.
//  3. Every message accepted by post is handled exactly once or given to System.leftover exactly once.
//  4. After stopSeen no restart reaches the actor.
type mailbox struct {
	cell    *cell
	invoker proto.MessageInvoker // set by RegisterHandlers, before Start

	pending atomic.Int64 // user messages in lane and batch
	bytes   atomic.Int64 // their known sizes
	urgent  atomic.Bool  // the system lane is not empty
	resting atomic.Bool  // what suspended says, for those who only want to know

	mu        sync.Mutex // guards the following fields
	user, sys ring
	started   bool
	running   bool
	suspended bool // written by the runner under mu
	closed    bool // the user lane takes nothing more
	refusing  bool // since the first refused message until half empty
	refused   uint64

	// The following fields are owned by the runner.
	batch     [16]any // taken from the user lane, not yet handled: batch[next:end]
	next, end int
	stopSeen  bool
	failing   bool   // failed and not yet restarted, resumed or stopped
	failures  uint64 // numbers the failures, so that a restart decided for an earlier one is recognised
	fault     *fault // set by the guard when a handler panicked
	broken    bool   // a Goexit cut protoactor's lifecycle code short
	finished  bool
	handled   uint64 // since the last count
}

// Messages of the system lane that only the mailbox understands.
type (
	restartAfter   struct{ failure uint64 } // the back-off of that failure is over
	resume         struct{ failure uint64 } // go on after that failure
	restartCommand struct{}                 // restart whatever the state
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
func (m *mailbox) UserMessageCount() int { return int(m.pending.Load()) }

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

// post queues a user message: ErrOverloaded (full), ErrNoActor (stopping). Messages that are bounded elsewhere, such as
// answers and timers, are exempt from the bounds. It does not block.
func (m *mailbox) post(msg any, exempt bool) error {
	size := sizeOf(msg)
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errMailboxClosed
	}
	if !exempt {
		n := m.pending.Load()
		if n >= int64(m.cell.props.messages) ||
			size > 0 && n > 0 && m.bytes.Load()+size > int64(m.cell.props.bytes) {
			first := !m.refusing
			m.refusing = true
			m.refused++
			m.mu.Unlock()
			if first {
				m.cell.sys.events.Publish(&Overloaded{What: m.cell.pid.Id, Dropped: 1})
			}
			return ErrOverloaded
		}
	}
	m.pending.Add(1)
	if size > 0 {
		m.bytes.Add(size)
	}
	m.user.push(msg)
	wake := m.started && !m.running && !m.suspended
	if wake {
		m.running = true
	}
	m.mu.Unlock()
	if wake {
		m.cell.sys.dispatcher.schedule(m)
	}
	return nil
}

func (m *mailbox) postSystem(msg any) {
	m.mu.Lock()
	m.sys.push(msg)
	m.urgent.Store(true)
	wake := m.started && !m.running
	if wake {
		m.running = true
	}
	m.mu.Unlock()
	if wake {
		m.cell.sys.dispatcher.schedule(m)
	}
}

// sizeOf is the number of bytes a message is charged with; 0 = unknown.
func sizeOf(msg any) int64 {
	switch m := msg.(type) {
	case *Inbound:
		return int64(m.Size)
	case *proto.MessageEnvelope:
		return sizeOf(m.Message)
	case Bytes:
		return int64(len(m))
	case []byte:
		return int64(len(m))
	case string:
		return int64(len(m))
	}
	return 0
}

// run handles messages until there are none. It is called by one worker at a time.
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
	for m.turn() {
	}
	clean = true
}

// turn handles one system message or a batch of user messages. false means that there was nothing to do and the
// mailbox is not running any more.
func (m *mailbox) turn() bool {
	if m.broken {
		m.repair()
	}
	m.mu.Lock()
	if msg := m.sys.pop(); msg != nil {
		if m.sys.n == 0 {
			m.urgent.Store(false)
			m.sys = ring{} // it is rarely used, and idle actors are many
		}
		m.mu.Unlock()
		m.system(msg)
		return true
	}
	if m.next == m.end {
		m.next, m.end = 0, 0
		for m.end < len(m.batch) && m.user.n > 0 && !m.suspended {
			m.batch[m.end] = m.user.pop()
			m.end++
		}
	}
	if m.next == m.end || m.suspended {
		m.running = false
		m.mu.Unlock()
		return false
	}
	relieved, refused := m.relieved()
	m.mu.Unlock()
	if relieved {
		m.cell.sys.events.Publish(&Relieved{What: m.cell.pid.Id, Dropped: refused})
	}
	for m.next < m.end && !m.urgent.Load() {
		msg := m.take()
		m.cell.guard.user(msg)
		if m.fault != nil {
			m.escalate(msg)
		}
	}
	m.count()
	return true
}

// count adds what was handled to the system's counter, once per batch.
func (m *mailbox) count() {
	if m.handled > 0 {
		m.cell.sys.count.delivered.Add(m.handled)
		m.handled = 0
	}
}

// relieved reports the end of an overload, under mu.
func (m *mailbox) relieved() (bool, uint64) {
	if !m.refusing || m.pending.Load() > int64(m.cell.props.messages/2) || m.bytes.Load() > int64(m.cell.props.bytes/2) {
		return false, 0
	}
	n := m.refused
	m.refusing, m.refused = false, 0
	return true, n
}

// take removes the next message of the batch.
func (m *mailbox) take() any {
	msg := m.batch[m.next]
	m.batch[m.next] = nil
	m.next++
	m.pending.Add(-1)
	if size := sizeOf(msg); size > 0 {
		m.bytes.Add(-size)
	}
	return msg
}

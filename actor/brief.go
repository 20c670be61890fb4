package actor

import (
	"runtime"
	"sync"
)

// brief shares a few workers among the mailboxes of actors that never wait for anything (Props.Brief), in the order in
// which they got work.
//
//	schedule ──► fewer than most at work ──► a worker ──► mailbox.run ──► the next that waits, or none
//	        └──► queue ◄──── others wait ─────────────────────┴──────────────┘
//
// There is such an actor for each name that a node uses, and a change of the ring, or timers after a pause of the process,
// give work to all of them at once. With a goroutine each, whoever else wants to run has to wait for all of theirs, and a
// request and its answer want to some twenty times: with 10 000 names that took longer than a request waits. For the same
// reason a worker with much to do steps back now and then; the 10 ms that the scheduler allows were too much where several
// nodes share a busy machine.
type brief struct {
	most int // workers at one time

	mu      sync.Mutex // guards the following fields
	workers int
	queue   ring   // of *mailbox, each at most once; empty unless most are at work
	taken   uint64 // from the queue
}

// briefTurn is how many mailboxes workers take from the queue before one steps back.
const briefTurn = 16

// enter reports whether a worker is to be started for m; else one comes to it.
func (b *brief) enter(m *mailbox) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.workers < b.most {
		b.workers++
		return true
	}
	b.queue.push(m)
	return false
}

// requeue puts m behind all that wait, if any does: a name that is never out of work holds up no other.
func (b *brief) requeue(m *mailbox) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.n == 0 {
		return false
	}
	b.queue.push(m)
	return true
}

// next returns what the worker that calls it has to run now; nil: nothing, and it is no worker of b any more.
func (b *brief) next() *mailbox {
	m, turn := b.take()
	if turn {
		runtime.Gosched()
	}
	return m
}

// take is next without stepping back; turn says that it is time to.
func (b *brief) take() (m *mailbox, turn bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, _ = b.queue.pop().(*mailbox)
	if m == nil {
		b.workers--
		b.queue.fit(0)
		return nil, false
	}
	b.taken++
	return m, b.taken%briefTurn == 0
}

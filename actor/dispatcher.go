package actor

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// dispatcher runs mailboxes on a pool of goroutines. A mailbox never waits for a free worker: when all are busy (or
// blocked in a handler) another one starts, so handlers that block cannot starve anybody. Reusing workers matters
// because a fresh goroutine has to grow its stack before it can run a handler.
//
//	schedule ──► idle worker, latest first ──► mailbox.run ──► park
//	        └──► new worker                                     └──► end, when idle for long or closed
//
// Mailboxes of brief actors never block and share a few workers, see brief.
type dispatcher struct {
	brief brief

	mu      sync.Mutex // guards the following fields
	idle    []*worker  // latest last
	low     int        // fewest idle workers since the reaper last ran: nobody missed these
	workers int
	reaper  *time.Timer // armed while there are idle workers
	closed  bool
	empty   chan struct{} // closed when closed is set and the last worker ended
}

type worker struct {
	work chan *mailbox // capacity 1; nil ends the worker
}

// workerExpiry is how long a worker may stay idle, between one and two times.
const workerExpiry = 5 * time.Second

func newDispatcher() *dispatcher {
	return &dispatcher{empty: make(chan struct{}), brief: brief{most: runtime.GOMAXPROCS(0)}}
}

// schedule runs m soon on some worker. It does not block.
func (d *dispatcher) schedule(m *mailbox) {
	if !m.cell.props.brief || d.brief.enter(m) {
		d.start(m)
	}
}

// start runs m on a worker that does nothing else.
func (d *dispatcher) start(m *mailbox) {
	d.mu.Lock()
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle[n-1] = nil
		d.idle = d.idle[:n-1]
		d.low = min(d.low, n-1)
		d.mu.Unlock()
		w.work <- m
		return
	}
	d.workers++
	d.mu.Unlock()
	w := &worker{work: make(chan *mailbox, 1)}
	go d.run(w, m)
}

func (d *dispatcher) run(w *worker, m *mailbox) {
	defer func() { d.end(m) }() // also reached by runtime.Goexit in a handler: m is its mailbox then, else nil
	for m != nil {
		m.run()
		if m = d.after(m); m == nil {
			m = d.park(w)
		}
	}
}

// stepBack reports whether m, which has had a turn, is to wait until those before it had theirs.
func (d *dispatcher) stepBack(m *mailbox) bool { return m.cell.props.brief && d.brief.requeue(m) }

// after returns what is to be run after m without a pause, nil if there is nothing.
func (d *dispatcher) after(m *mailbox) *mailbox {
	if !m.cell.props.brief {
		return nil
	}
	return d.brief.next()
}

// park waits for work; nil means that the worker must end.
func (d *dispatcher) park(w *worker) *mailbox {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.idle = append(d.idle, w)
	if d.reaper == nil {
		d.low = 0
		d.reaper = time.AfterFunc(workerExpiry, d.reap)
	}
	d.mu.Unlock()
	return <-w.work
}

func (d *dispatcher) reap() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	for _, w := range d.idle[:d.low] {
		w.work <- nil // has room: an idle worker has nothing in its channel
	}
	d.idle = append(d.idle[:0], d.idle[d.low:]...)
	clear(d.idle[len(d.idle):cap(d.idle)])
	d.low = len(d.idle)
	if d.low == 0 && d.workers == 0 {
		d.reaper = nil
		return
	}
	d.reaper.Reset(workerExpiry)
}

// end ends a worker; running is what it was running, nil if nothing.
func (d *dispatcher) end(running *mailbox) {
	if running != nil {
		if m := d.after(running); m != nil {
			d.start(m)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers--
	if d.closed && d.workers == 0 {
		d.closeEmpty()
	}
}

// closeEmpty is called under mu.
func (d *dispatcher) closeEmpty() {
	select {
	case <-d.empty:
	default:
		close(d.empty)
	}
}

// close ends the idle workers, lets the others finish what they run, and waits for them until ctx ends. Mailboxes
// scheduled later still run, on workers of their own.
func (d *dispatcher) close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	if d.reaper != nil {
		d.reaper.Stop()
	}
	for _, w := range d.idle {
		w.work <- nil
	}
	d.idle = nil
	if d.workers == 0 {
		d.closeEmpty()
	}
	d.mu.Unlock()
	select {
	case <-d.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// size returns the number of workers and how many of them are idle.
func (d *dispatcher) size() (workers, idle int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.workers, len(d.idle)
}

package actor

import (
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
)

type phase int32

const (
	phaseAlive phase = iota
	phaseRestarting
	phaseStopping
)

// cell is what stays of an actor over its incarnations.
type cell struct {
	sys      *System
	pid      *PID
	parent   *cell // nil for the root
	props    *Props
	cluster  string // the cluster this actor, or the handler above it, is a member of
	mb       mailbox
	phase    atomic.Int32 // written by the runner
	poisoned atomic.Bool
	gone     atomic.Bool            // protoactor is about to tell parent and watchers
	reason   atomic.Pointer[string] // why it was told to stop
	logger   atomic.Pointer[slog.Logger]
	trouble  atomic.Pointer[trouble] // nil: it has had none; written by the runner
	kind     atomic.Pointer[string]  // type of the user's actor, once it was made

	mu     sync.Mutex // guards the following fields
	timers map[*timer]struct{}
	done   chan struct{} // made for those who wait for the end, see ended
	over   bool          // it is gone and everybody was told

	// The following fields are owned by the runner of the mailbox (before Start: by the spawning goroutine).
	ctx         proto.Context // protoactor's, the same over all incarnations
	guard       *guard        // current incarnation
	incarnation uint32        // counts from 1
	renewals    uint32        // of those below, see renew
	kids        map[string]*kid
	birth       birth // of the latest child
	watching    few[pidKey]
	watchers    few[*cell]                 // of this node
	waiting     map[string][]*spawnRequest // by id of a child that is still ending
	draining    bool                       // poisoned; stops when the last child is gone
	notices     int32                      // of ends, in the user lane
	renewed     uint32                     // the latest of parent's renewals that came here
	stopped     bool                       // Stopped was handled
}

// kid is what a supervisor knows about a child; owned by the supervisor.
type kid struct {
	cell      *cell
	restarts  restarts
	timer     *timer // of the pending restart
	escalated uint64 // number of the failure that the supervisor made its own last
}

// pidKey identifies an actor in maps.
type pidKey struct{ node, id string }

func keyOf(p *PID) pidKey { return pidKey{p.Address, p.Id} }

const clustersID = rootName + "/clusters"

func newCell(s *System, parent *cell, id string, p *Props) *cell {
	c := &cell{sys: s, pid: &PID{Address: s.node, Id: id}, parent: parent}
	c.props = p.Clone().DefaultLimits(DefaultMailbox, DefaultMailboxBytes) // the caller may go on changing p
	c.mb.cell = c
	c.mb.fresh = true
	if parent != nil {
		c.renewed = parent.renewals
		c.props.silent = c.props.silent || parent.props.silent
		c.cluster = parent.cluster
		if c.cluster == "" && parent.parent != nil && parent.parent.pid.Id == clustersID {
			c.cluster = strings.TrimPrefix(parent.pid.Id, clustersID+"/")
			if name, err := url.PathUnescape(c.cluster); err == nil {
				c.cluster = name
			}
		}
	}
	return c
}

// branch is the actor directly below the root that c is, or is below.
func (c *cell) branch() *cell {
	for c.parent != nil && c.parent.parent != nil {
		c = c.parent
	}
	return c
}

// stop ends the actor for good. Any goroutine.
func (c *cell) stop(reason string) {
	if c.reason.CompareAndSwap(nil, &reason) {
		c.mb.postSystem(&proto.Stop{})
	}
}

// poison ends the actor after what is queued. Any goroutine.
func (c *cell) poison() {
	if c.poisoned.CompareAndSwap(false, true) && c.mb.post(&poison{}, true) == nil {
		c.mb.postSystem(&hurry{})
	}
}

// finish is called once by the runner, after protoactor told parent and watchers.
func (c *cell) finish() {
	c.cancelTimers()
	c.sys.forgetWatches(c)
	c.tellWatchers()
	c.sys.tellRemoteWatchers(c)
	if c.parent != nil && !c.props.supervisor && !c.props.silent {
		c.sys.events.Publish(&HandlerStopped{PID: c.pid, Cluster: c.cluster, Reason: c.stopReason()})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over = true; c.done != nil {
		close(c.done)
	}
}

// ended returns what is closed when the actor is gone and everybody was told. Most actors have nobody who waits for
// that, and no channel.
func (c *cell) ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.over {
			close(c.done)
		}
	}
	return c.done
}

func (c *cell) stopReason() string {
	if r := c.reason.Load(); r != nil {
		return *r
	}
	if phase(c.parent.phase.Load()) == phaseRestarting {
		return "parent restarted"
	}
	return "parent stopped"
}

// addTimer runs f after d unless the cell's timers are cancelled before. The returned function cancels.
func (c *cell) addTimer(d time.Duration, f func()) (cancel func()) {
	t := &timer{firing: &c.sys.timing}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.start(d, func() {
		c.dropTimer(t)
		f()
	})
	if c.timers == nil {
		c.timers = map[*timer]struct{}{}
	}
	c.timers[t] = struct{}{}
	return func() {
		c.dropTimer(t)
		t.stop()
	}
}

func (c *cell) dropTimer(t *timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.timers, t)
}

// cancelTimers stops what the ending incarnation waits for.
func (c *cell) cancelTimers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.timers {
		t.stop()
	}
	clear(c.timers)
}

// log is safe anywhere.
func (c *cell) log() *slog.Logger {
	l := c.logger.Load()
	if l == nil {
		l = c.sys.logger.With(slog.String("actor", c.pid.Id))
		c.logger.Store(l)
	}
	return l
}

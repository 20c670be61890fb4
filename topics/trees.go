package topics

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/reliable"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

// trees is what this node holds of the trees of one group beside the actor that
// keeps them, iris/topics/trees/<kind>/<name>: what is to be handled, what this
// node wants to be, and what a restarted actor goes on with.
type trees struct {
	t   *Topics
	key wire.Group // GroupTopic or GroupReliable
	by  id.ID      // peer whose frame made it, zero: this node
	in  inbox      // for the actor, in order

	turn    chan struct{}                               // held by the one publisher that may wait for lanes
	report  atomic.Pointer[treesState]                  // the latest to the list's actor
	shape   [scribe.Stripes]atomic.Pointer[scribe.Tree] // of each tree, for people
	settled atomic.Bool                                 // in all trees: what is published from now on arrives here

	forwarded    atomic.Uint64 // events sent to neighbours
	gaps, missed atomic.Uint64 // events missed, and how often some were

	// Owned by the actor and, after it, by its successor.
	state   reliable.State
	current *publication    // being worked on
	behind  map[debtor]debt // reliable subscribers that are to be told

	mu      sync.Mutex // guards the following fields
	pid     *actor.PID
	holds   int         // reasons to be a member
	listed  bool        // another: members here, while the list is not enough
	mode    scribe.Mode // to be announced if this node is the root
	waiting []chan error
}

// errWithered is returned for trees that have left the table: look again.
var errWithered = errors.New("trees left the table")

// plant returns the trees of a group, making them if need be: by is the peer whose
// frame wants that, zero for this node. nil if there are too many or the node stops.
func (t *Topics) plant(key wire.Group, by id.ID) *trees {
	if tr := t.treesOf(key); tr != nil {
		return tr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr := t.trees[key]; tr != nil {
		return tr
	}
	if t.closed && !by.IsZero() || t.ended || len(t.trees) >= maxGroups || !by.IsZero() && t.planted[by] >= t.perPeer {
		return nil
	}
	tr := &trees{t: t, key: key, by: by, turn: make(chan struct{}, 1), mode: scribe.Trees, behind: map[debtor]debt{}}
	tr.in.total = &t.queued
	t.trees[key] = tr
	if !by.IsZero() {
		t.planted[by]++
	}
	t.tell(&sprout{tr})
	return tr
}

// treesOf returns the trees of a group if this node has a part in them, else nil.
func (t *Topics) treesOf(key wire.Group) *trees {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.trees[key]
}

// allTrees returns all that this node has a part in.
func (t *Topics) allTrees() []*trees {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*trees, 0, len(t.trees))
	for _, tr := range t.trees {
		all = append(all, tr)
	}
	return all
}

// wither takes trees out of the table unless something came after the first
// puts entries of its inbox, or somebody wants them.
func (t *Topics) wither(tr *trees, puts uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if t.trees[tr.key] != tr || tr.holds > 0 || tr.listed || len(tr.waiting) > 0 || !tr.in.close(puts) {
		return false
	}
	delete(t.trees, tr.key)
	if n := t.planted[tr.by]; n > 1 {
		t.planted[tr.by] = n - 1
	} else {
		delete(t.planted, tr.by)
	}
	return true
}

// fell answers all who wait for trees whose actor is gone for good.
func (tr *trees) fell() {
	for _, p := range tr.in.abandon() {
		p.answer(sent{err: actor.ErrClosed})
	}
	tr.mu.Lock()
	waiting := tr.waiting
	tr.waiting = nil
	tr.mu.Unlock()
	for _, w := range waiting {
		w <- actor.ErrClosed // buffered for its one value
	}
}

// name is for errors and logs.
func (tr *trees) name() string { return "topic " + tr.key.Name }

// path is the actor's name below iris/topics, but for the escaped name.
func (tr *trees) path() string {
	if tr.key.Kind == wire.GroupReliable {
		return "trees/reliable/"
	}
	return "trees/topic/"
}

// stripeKey is the key of one of a group's trees.
func stripeKey(g wire.Group, stripe int) id.ID {
	return scribe.StripeKey(tree.Key(g), stripe, scribe.Stripes)
}

// put gives the actor something to handle.
func (tr *trees) put(x item) error {
	wake, err := tr.in.put(x)
	if wake {
		tr.wake()
	}
	return err
}

// nudge makes the actor look at what this node wants. It reports whether it will.
func (tr *trees) nudge() bool {
	wake, ok := tr.in.poke()
	if wake {
		tr.wake()
	}
	return ok
}

func (tr *trees) wake() {
	tr.mu.Lock()
	pid := tr.pid
	tr.mu.Unlock()
	if pid != nil { // else the actor looks when it starts
		tr.t.sys.Send(pid, nil, &drain{})
	}
}

func (tr *trees) started(pid *actor.PID) {
	tr.mu.Lock()
	tr.pid = pid
	tr.mu.Unlock()
}

// hold counts one reason more, or less with -1, to be a member of the trees. It
// reports false if tr has left the table.
func (tr *trees) hold(n int) bool {
	tr.mu.Lock()
	tr.holds += n
	tr.mu.Unlock()
	return tr.nudge()
}

// want says whether the list's actor wants this node to be a member. It reports
// false if tr has left the table.
func (tr *trees) want(w bool) bool {
	tr.mu.Lock()
	tr.listed = w
	tr.mu.Unlock()
	return tr.nudge()
}

// wanted returns what want said last.
func (tr *trees) wanted() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.listed
}

// announce is for the root of the list: how the group is to be kept.
func (tr *trees) announce(m scribe.Mode) {
	tr.mu.Lock()
	tr.mode = m
	tr.mu.Unlock()
	tr.nudge()
}

// intent is what this node wants.
func (tr *trees) intent() (member bool, mode scribe.Mode) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.holds > 0 || tr.listed, tr.mode
}

// await waits until this node is in all trees.
func (tr *trees) await(ctx context.Context) error {
	done := make(chan error, 1)
	tr.mu.Lock()
	tr.waiting = append(tr.waiting, done)
	tr.mu.Unlock()
	tr.nudge()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for i, w := range tr.waiting {
		if w == done {
			tr.waiting = append(tr.waiting[:i], tr.waiting[i+1:]...)
			break
		}
	}
	return context.Cause(ctx)
}

// settle notes whether this node is in all trees, and tells those who wait.
func (tr *trees) settle(settled bool) {
	tr.settled.Store(settled)
	if !settled {
		return
	}
	tr.mu.Lock()
	waiting := tr.waiting
	tr.waiting = nil
	tr.mu.Unlock()
	for _, w := range waiting {
		w <- nil // buffered for its one value
	}
}

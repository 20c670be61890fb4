package actor

import (
	"time"

	"iris/internal/best"
)

// ActorInfo describes an actor at one moment: by itself, but of Level with all that is below it.
type ActorInfo struct {
	ID        string
	Cluster   string // it is a member of, or works for; else empty
	Type      string // of the Go value that handles, or the name of its function
	State     string // running, waiting (it failed, and its restart is due later), stopping
	Children  int    // only of Level
	Actors    int    // in its subtree, itself included; 1 but of Level
	Queued    int    // messages
	Bytes     int64
	Limit     int           // of messages
	Oldest    time.Duration // no message has waited longer; in steps of 100 ms, as Busy
	Handled   uint64        // messages; by Level of the root also by those below that have ended, as Busy
	Busy      time.Duration // in Receive
	Failures  uint64
	Restarts  int
	LastError string // of the latest failure
}

// ActorOrder is the order of a list of actors.
type ActorOrder struct {
	By   ActorColumn
	Down bool // the greatest first
	Deep bool // of all below, each by itself; else of the children, each with the sum of what is below it
}

// ActorColumn is what actors are ordered by; those that are alike in it, and all by ByID, are in the order of their ids.
type ActorColumn int

// The columns.
const (
	ByID ActorColumn = iota
	ByActors
	ByQueued
	ByBytes
	ByOldest
	ByHandled
	ByBusy
	ByFailures
	ByRestarts
)

// of is the figure of one actor alone.
func (c ActorColumn) of(f *figures) int64 {
	switch c {
	case ByActors:
		return 1
	case ByQueued:
		return int64(f.queued)
	case ByBytes:
		return f.bytes
	case ByOldest:
		return int64(f.oldest)
	case ByHandled:
		return int64(f.handled)
	case ByBusy:
		return int64(f.busy)
	}
	if f.trouble == nil {
		return 0
	}
	switch c {
	case ByFailures:
		return int64(f.trouble.failures)
	case ByRestarts:
		return int64(f.trouble.restarts)
	}
	return 0
}

// ended is the figure of those of a branch that have ended.
func (c ActorColumn) ended(w work) int64 {
	switch c {
	case ByHandled:
		return int64(w.handled)
	case ByBusy:
		return int64(w.busy)
	}
	return 0
}

// with is the figure of two together.
func (c ActorColumn) with(a, b int64) int64 {
	if c == ByOldest {
		return max(a, b)
	}
	return a + b
}

// place is where an actor with that figure stands.
func (c ActorColumn) place(f *figures, figure int64) best.Place {
	p := best.Place{Number: figure, Key: f.id}
	if c == ByID {
		p = best.Place{Text: f.id, Key: f.id} // so that Down turns it round
	}
	return p
}

// Actors returns how many actors there are.
func (s *System) Actors() int { return s.cells.len() }

// Look describes one actor of this node; false if there is none.
func (s *System) Look(id string) (ActorInfo, bool) {
	c := s.cells.get(id)
	if c == nil {
		return ActorInfo{}, false
	}
	return c.info(), true
}

// Backlog returns how many messages wait for an actor of this node, and how often it was restarted; 0 if there is none.
func (s *System) Backlog(id string) (queued, restarts int) {
	c := s.cells.get(id)
	if c == nil {
		return 0, 0
	}
	if t := c.trouble.Load(); t != nil {
		restarts = t.restarts
	}
	return c.mb.UserMessageCount(), restarts
}

// Level describes the children of an actor, in the order of their ids: those after the given id, at most limit. What it
// says of each is the sum, or the most, of its subtree, and with many actors some seconds old. total counts all children.
func (s *System) Level(parent, after string, limit int) (list []ActorInfo, total int) {
	page := actorPage{limit: limit}
	if after != "" {
		page.After = &best.Place{Text: after, Key: after}
	}
	s.page(parent, &page)
	return page.list, page.total
}

// Sorted describes actors below one in an order, at most limit. after is the next of the page before, empty for the first; next is
// empty at the end. With many actors what they are ordered by is some seconds old. total counts all. It fails if after is nothing that
// next was.
func (s *System) Sorted(above string, by ActorOrder, after string, limit int) (list []ActorInfo, next string, total int, err error) {
	page := actorPage{Order: best.Order{Down: by.Down}, by: by, limit: limit}
	if after != "" {
		from, err := best.ParsePlace(after)
		if err != nil {
			return nil, "", 0, err
		}
		page.After = &from
	}
	s.page(above, &page)
	return page.list, page.next, page.total, nil
}

func (s *System) page(above string, p *actorPage) {
	if top := s.cells.get(above); top != nil {
		s.look(func(all []figures, past map[string]work) {
			if p.by.Deep {
				p.deep(all, top)
			} else {
				p.level(all, top, past)
			}
		})
	}
}

// below reports whether top is above c.
func (c *cell) below(top *cell) bool {
	for c = c.parent; c != nil; c = c.parent {
		if c == top {
			return true
		}
	}
	return false
}

// info describes c alone.
func (c *cell) info() ActorInfo {
	f := c.figures()
	i := ActorInfo{
		ID: c.pid.Id, Cluster: c.cluster, Limit: c.props.messages, State: c.state(), Actors: 1,
		Queued: f.queued, Bytes: f.bytes, Handled: f.handled, Busy: f.busy, Oldest: f.oldest,
	}
	i.blame(f.trouble)
	if k := c.kind.Load(); k != nil {
		i.Type = *k
	}
	return i
}

func (c *cell) state() string {
	switch {
	case phase(c.phase.Load()) == phaseStopping:
		return "stopping"
	case phase(c.phase.Load()) == phaseRestarting || c.mb.resting.Load():
		return "waiting"
	}
	return "running"
}

// add counts an actor below.
func (i *ActorInfo) add(f *figures, child bool) {
	if child {
		i.Children++
	}
	i.Actors++
	i.Queued += f.queued
	i.Bytes += f.bytes
	i.Oldest = max(i.Oldest, f.oldest)
	i.Handled += f.handled
	i.Busy += f.busy
	i.blame(f.trouble)
}

// blame adds what went wrong.
func (i *ActorInfo) blame(t *trouble) {
	if t == nil {
		return
	}
	i.Failures += t.failures
	i.Restarts += t.restarts
	if i.LastError == "" {
		i.LastError = t.last
	}
}

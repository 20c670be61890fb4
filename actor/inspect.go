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

// ActorOrder says by which figures, the greatest first, and the second where the first is the same.
type ActorOrder int

// The orders of Top.
const (
	Busiest ActorOrder = iota // time in Receive, then messages handled
	Oldest                    // time that a message waits, then messages that wait
	Fullest                   // messages that wait, then their bytes
	Failing                   // failures, then restarts
)

func (o ActorOrder) of(f *figures) (first, second int64) {
	switch o {
	case Busiest:
		return int64(f.busy), int64(f.handled)
	case Oldest:
		return int64(f.oldest), int64(f.queued)
	case Fullest:
		return int64(f.queued), f.bytes
	}
	if f.trouble == nil {
		return 0, 0
	}
	return int64(f.trouble.failures), int64(f.trouble.restarts)
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
	if top := s.cells.get(parent); top != nil {
		s.look(func(all []figures, past map[string]work) {
			list, total = level(all, top, after, limit)
			for i := range list {
				w := past[list[i].ID]
				list[i].Handled += w.handled
				list[i].Busy += w.busy
			}
		})
	}
	return list, total
}

func level(all []figures, top *cell, after string, limit int) (list []ActorInfo, total int) {
	page := best.New(limit, func(a, b *figures) bool { return a.id < b.id })
	for i := range all {
		if f := &all[i]; f.parent == top {
			if total++; f.id > after {
				page.Offer(f)
			}
		}
	}
	chosen := page.Sorted()
	index := make(map[*cell]int, len(chosen))
	for i, f := range chosen {
		list = append(list, f.c.info())
		index[f.c] = i
	}
	var last *cell // most have the parent of the one before
	at := -1
	for i := range all {
		f := &all[i]
		if f.parent == top {
			continue
		}
		if f.parent != last {
			last, at = f.parent, -1
			child := last
			for child != nil && child.parent != top {
				child = child.parent
			}
			if i, ok := index[child]; ok {
				at = i
			}
		}
		if at >= 0 {
			list[at].add(f, last.parent == top)
		}
	}
	return list, total
}

// Top describes those below an actor that come first in an order, at most limit of them, each by itself: without its
// children, and none that has nothing of what the order goes by. With many actors the order is some seconds old. total
// counts all below.
func (s *System) Top(above string, order ActorOrder, limit int) (list []ActorInfo, total int) {
	if top := s.cells.get(above); top != nil {
		s.look(func(all []figures, _ map[string]work) { list, total = foremost(all, top, order, limit) })
	}
	return list, total
}

func foremost(all []figures, top *cell, order ActorOrder, limit int) (list []ActorInfo, total int) {
	type found struct {
		c             *cell
		first, second int64
	}
	most := best.New(limit, func(a, b found) bool {
		if a.first != b.first {
			return a.first > b.first
		}
		return a.second > b.second || a.second == b.second && a.c.pid.Id < b.c.pid.Id
	})
	var last *cell // most have the parent of the one before
	inside := false
	for i := range all {
		f := &all[i]
		if f.parent != last {
			last, inside = f.parent, f.parent == top || f.parent != nil && f.parent.below(top)
		}
		if inside {
			total++
			if first, second := order.of(f); first > 0 || second > 0 {
				most.Offer(found{f.c, first, second})
			}
		}
	}
	for _, f := range most.Sorted() {
		list = append(list, f.c.info())
	}
	return list, total
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

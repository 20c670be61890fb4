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
	Handled   uint64        // messages
	Busy      time.Duration // in Receive
	Failures  uint64
	Restarts  int
	LastError string // of the latest failure
}

// ActorOrder says which actors come first.
type ActorOrder uint8

// The orders of Top, and what decides among equals.
const (
	Busiest ActorOrder = iota // Handled
	Oldest                    // Queued
	Fullest                   // Bytes
	Failing                   // Restarts
)

// weight is what an order goes by.
func (o ActorOrder) weight(i *ActorInfo) (first, second uint64) {
	switch o {
	case Busiest:
		return uint64(i.Busy), i.Handled
	case Oldest:
		return uint64(i.Oldest), uint64(i.Queued)
	case Fullest:
		return uint64(i.Queued), uint64(i.Bytes)
	default:
		return i.Failures, uint64(i.Restarts)
	}
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
// says of each is the sum, or the most, of its subtree. total counts all children. It walks all actors twice, without
// holding up any of them.
func (s *System) Level(parent, after string, limit int) (list []ActorInfo, total int) {
	top := s.cells.get(parent)
	if top == nil {
		return nil, 0
	}
	page := best.New(limit, func(a, b *cell) bool { return a.pid.Id < b.pid.Id })
	s.cells.each(func(c *cell) {
		if c.parent == top {
			if total++; c.pid.Id > after {
				page.Offer(c)
			}
		}
	})
	chosen := page.Sorted()
	index := make(map[*cell]int, len(chosen))
	for i, c := range chosen {
		list = append(list, c.info())
		index[c] = i
	}
	s.cells.each(func(c *cell) {
		child := c
		for child != nil && child.parent != top {
			child = child.parent
		}
		if i, ok := index[child]; ok && child != c {
			list[i].add(c, c.parent == child)
		}
	})
	return list, total
}

// Top describes those below an actor that come first in an order, at most limit of them, each by itself: without its
// children. total counts all below. It walks all actors once, without holding up any of them.
func (s *System) Top(above string, order ActorOrder, limit int) (list []ActorInfo, total int) {
	top := s.cells.get(above)
	if top == nil {
		return nil, 0
	}
	type found struct {
		c             *cell
		first, second uint64
	}
	most := best.New(limit, func(a, b found) bool {
		switch {
		case a.first != b.first:
			return a.first > b.first
		case a.second != b.second:
			return a.second > b.second
		}
		return a.c.pid.Id < b.c.pid.Id
	})
	s.cells.each(func(c *cell) {
		if c != top && c.below(top) {
			total++
			i := c.figures()
			first, second := order.weight(&i)
			most.Offer(found{c, first, second})
		}
	})
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

// figures are the numbers of c alone.
func (c *cell) figures() ActorInfo {
	n, bytes := split(c.mb.load.Load())
	i := ActorInfo{Actors: 1, Queued: int(n), Bytes: bytes, Handled: c.mb.meter.shown.Load()}
	i.Busy, i.Oldest = c.mb.times(c.sys.beat.Load())
	if n == 0 {
		i.Oldest = 0
	}
	if t := c.trouble.Load(); t != nil {
		i.Failures, i.Restarts, i.LastError = t.failures, t.restarts, t.last
	}
	return i
}

// times are since when messages wait, and how long turns have taken, the one under way included.
func (m *mailbox) times(now uint32) (busy, oldest time.Duration) {
	beats := m.meter.busy.Load()
	if began := m.meter.turn.Load(); now > began {
		m.mu.Lock()
		if m.running {
			beats += now - began
		}
		m.mu.Unlock()
	}
	since := m.meter.since.Load()
	return time.Duration(beats) * beatLength, time.Duration(max(now, since)-since) * beatLength
}

// info describes c alone.
func (c *cell) info() ActorInfo {
	i := c.figures()
	i.ID, i.Cluster, i.Limit, i.State = c.pid.Id, c.cluster, c.props.messages, c.state()
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
func (i *ActorInfo) add(c *cell, child bool) {
	f := c.figures()
	if child {
		i.Children++
	}
	i.Actors++
	i.Queued += f.Queued
	i.Bytes += f.Bytes
	i.Oldest = max(i.Oldest, f.Oldest)
	i.Handled += f.Handled
	i.Busy += f.Busy
	i.Failures += f.Failures
	i.Restarts += f.Restarts
	if i.LastError == "" {
		i.LastError = f.LastError
	}
}

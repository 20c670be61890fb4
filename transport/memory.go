package transport

import (
	"iris/actor"
	"iris/internal/budget"
)

// What the endpoint may hold of Limits.Memory. The rest is of the layers above and of the
// program.
//
//	1/4  lanes of all links, and large frames that wait to be sent; bounded by each
//	     queue's own limit first, then shared, see package budget
//	1/4  large frames that arrive, though there is always room for one
//
// As much again bounds the receive windows, which hold nothing unless packets are lost or a
// peer means harm: with more than 12 links each new one has smaller windows, down to
// 64 KiB for a stream.
const (
	lanesPart    = 4
	windowsPart  = 4
	assemblyPart = 4

	leastWindow = 64 << 10 // of a stream
)

// lanesShare is what may wait in the lanes of all links.
func lanesShare(sys *actor.System, memory int) *budget.Share {
	return budget.New(int64(memory/lanesPart), func(over bool, refused uint64) {
		const what = "memory for lanes"
		if over {
			sys.Events().Publish(&actor.Overloaded{What: what, Dropped: refused})
		} else {
			sys.Events().Publish(&actor.Relieved{What: what, Dropped: refused})
		}
	})
}

// Memory is what the endpoint holds of Limits.Memory, in bytes.
type Memory struct {
	Lanes, LanesLimit       int64 // what waits to be sent
	Arriving, ArrivingLimit int64 // large frames of which parts are there
}

// Memory returns what is held at this moment.
func (e *Endpoint) Memory() Memory {
	a := e.assembly
	a.mu.Lock()
	defer a.mu.Unlock()
	return Memory{e.lanes.Used(), e.lanes.Limit(), int64(a.used), int64(a.limit)}
}

// Large returns how many large frames, beyond Limits.Frame, links took to send, and began to receive.
func (e *Endpoint) Large() (sent, received uint64) { return e.large.out.Load(), e.large.in.Load() }

// window returns the receive window of each stream of a connection, when there
// are that many links beside it.
func window(memory, links int) uint64 {
	all := memory / windowsPart / (links + 1)
	return uint64(min(max(all/(1+uniLanes), leastWindow), streamWindow))
}

// grow takes more of the memory for lanes, for need bytes in all. What fits a small
// buffer costs nothing. The caller holds mu.
func (l *lane) grow(need int) bool {
	if need <= smallBuffer+l.granted {
		return true
	}
	n := steps(need) - l.granted
	if !l.share.Take(l.granted, n) {
		return false
	}
	l.granted += n
	return true
}

// shrink gives back what need bytes do not take. The caller holds mu.
func (l *lane) shrink(need int) {
	if n := l.granted - steps(need); n > 0 {
		l.granted -= n
		l.share.Give(n)
	}
}

// steps returns what a lane that holds n bytes takes of the share.
func steps(n int) int {
	return (max(n-smallBuffer, 0) + budget.Step - 1) / budget.Step * budget.Step
}

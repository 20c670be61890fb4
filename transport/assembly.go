package transport

import (
	"slices"
	"sync"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

const (
	// assemblies is how many of the largest frames may have arrived in part, over
	// all links. When that many bytes are held, the oldest frame goes on and the
	// others wait, each on its own bulk lane.
	assemblies = 4
	// slowest is the rate, in bytes a second, below which a peer loses its link if
	// others wait for the room that its frame takes.
	slowest = 256 << 10
)

// assembly bounds the memory held by the large frames under way to this node:
// limit, which is what the memory of the node allows, and one frame more. Since the oldest frame may always go on, all come to
// their end, unless a peer stops in the midst of one.
type assembly struct {
	limit int

	mu     sync.Mutex // guards the following fields and those of rooms
	used   int
	frames []*room       // oldest first
	moved  chan struct{} // closed and replaced when a frame has gone
}

func newAssembly(frame, memory int) *assembly {
	many := max(frame, assemblies*frame) // max: it may overflow
	return &assembly{limit: min(many, max(frame, memory)), moved: make(chan struct{})}
}

// room is the share of one frame.
type room struct {
	a       *assembly
	l       *Link
	held    int
	until   time.Time // when it should have come to its end
	waiting bool
}

// begin enters a frame of n bytes.
func (a *assembly) begin(l *Link, n int) *room {
	r := &room{a: a, l: l, until: time.Now().Add(frameTimeout + time.Duration(n/slowest)*time.Second)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frames = append(a.frames, r)
	return r
}

// take adds n bytes to the frame, waiting for room until the link ends. Who waits
// ends the links of peers that keep theirs for too long.
func (r *room) take(n int) error {
	moved := r.try(n)
	if moved == nil {
		return nil
	}
	began := time.Now()
	check := time.NewTicker(time.Second)
	defer check.Stop()
	for ; moved != nil; moved = r.try(n) {
		select {
		case <-moved:
		case now := <-check.C:
			for _, l := range r.a.late(now) {
				l.end(LinkDown{Link: l, Code: wire.CodeStuck, Reason: "a large frame was begun and not finished while others waited"})
			}
		case <-r.l.done:
			return actor.ErrUnreachable
		}
	}
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	r.until = r.until.Add(time.Since(began)) // the peer was not to blame
	return nil
}

// try takes n bytes, or returns what to wait for.
func (r *room) try(n int) <-chan struct{} {
	a := r.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.waiting = a.used+n > a.limit && a.frames[0] != r; r.waiting {
		return a.moved
	}
	a.used += n
	r.held += n
	return nil
}

// late returns the links whose frames should have come to their end.
func (a *assembly) late(now time.Time) (links []*Link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.frames {
		if !r.waiting && now.After(r.until) {
			links = append(links, r.l)
		}
	}
	return links
}

// release gives the room back. It may be called again, and on nil.
func (r *room) release() {
	if r == nil {
		return
	}
	a := r.a
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.frames, r)
	if i < 0 {
		return
	}
	a.frames = slices.Delete(a.frames, i, i+1)
	a.used -= r.held
	close(a.moved)
	a.moved = make(chan struct{})
}

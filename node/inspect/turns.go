package inspect

import (
	"context"
	"sync"
)

// Bounds of what is done for other nodes.
const (
	maxGuests = 256 // queries taken, of all nodes
	maxVisits = 16  // of them, of one node: under way and waiting
	maxEach   = 4   // under way of one node
	maxAnswer = 16  // reports under way, and as many commands
)

// turns says who is answered, so that no node takes the places of all others: each has
// a few of its own queries under way, and further ones wait for those.
type turns struct {
	reports, commands chan struct{} // under way, of all nodes

	mu     sync.Mutex // guards the following fields
	guests map[string]*guest
	all    int
}

// guest is a node that asks.
type guest struct {
	busy   chan struct{} // under way
	visits int           // taken; guarded by the mutex of turns
}

func newTurns() *turns {
	return &turns{reports: make(chan struct{}, maxAnswer), commands: make(chan struct{}, maxAnswer), guests: make(map[string]*guest)}
}

// enter takes a query of a node; nil if it or all nodes together ask too much. Who
// enters leaves.
func (t *turns) enter(node string) *guest {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.guests[node]
	if t.all == maxGuests || g != nil && g.visits == maxVisits {
		return nil
	}
	if g == nil {
		g = &guest{busy: make(chan struct{}, maxEach)}
		t.guests[node] = g
	}
	g.visits++
	t.all++
	return g
}

func (t *turns) leave(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.guests[node]
	t.all--
	if g.visits--; g.visits == 0 {
		delete(t.guests, node)
	}
}

// await blocks until it is the turn of a query, and returns what to call at its end;
// nil if ctx ended before.
func (t *turns) await(ctx context.Context, g *guest, command bool) (end func()) {
	places := t.reports
	if command {
		places = t.commands
	}
	select {
	case g.busy <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	select {
	case places <- struct{}{}:
		return func() { <-places; <-g.busy }
	case <-ctx.Done():
		<-g.busy
		return nil
	}
}

// quarters are the places of queries that ask other nodes in their turn. What is asked
// from elsewhere has its own, so that it never stops the node's own programs.
type quarters struct {
	asking  chan struct{} // held by who asks all nodes
	tracing chan struct{} // of traces under way
}

func newQuarters() *quarters {
	return &quarters{asking: make(chan struct{}, 1), tracing: make(chan struct{}, maxTraces)}
}

type foreign struct{} // in the context of what another node asks

// quarters are those for who asks.
func (i *Inspector) quarters(ctx context.Context) *quarters {
	if ctx.Value(foreign{}) != nil {
		return i.theirs
	}
	return i.mine
}

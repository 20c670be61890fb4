package actor

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	proto "github.com/asynkron/protoactor-go/actor"
)

// watches records who watches whom across nodes. Watches within the node are kept by the watched (see watchFrom). Both tables are
// bounded: out by what local actors watch, in by maxWatches per node.
type watches struct {
	mu   sync.Mutex                                // guards the following fields
	out  map[string]map[string]map[string]watcher  // node -> watched there -> watcher here
	in   map[string]map[string]map[string]struct{} // node -> watched here -> watcher there
	nIn  map[string]int                            // records per node in in
	next uint64                                    // for ids of waiters
}

// watcher is an actor or a call of System.Stop.
type watcher struct {
	cell *cell
	gone chan struct{}
}

// maxWatches bounds the watches one node may hold here.
const maxWatches = 1 << 16

func newWatches() *watches {
	return &watches{
		out: map[string]map[string]map[string]watcher{}, in: map[string]map[string]map[string]struct{}{}, nIn: map[string]int{},
	}
}

// watchEnded is the end of a watch that protoactor knows nothing of.
type watchEnded struct{ Terminated }

func (w watcher) ended(who *PID, why int) {
	if w.cell != nil {
		e := &watchEnded{}
		e.Who, e.Why = who, whyOf(why)
		w.cell.mb.postSystem(e)
		return
	}
	close(w.gone)
}

func whyOf(why int) proto.TerminatedReason {
	switch r := proto.TerminatedReason(why); r {
	case TerminatedNodeLost, TerminatedNotFound:
		return r
	default:
		return TerminatedStopped
	}
}

func (w *watches) addOut(node, who, id string, by watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.out[node]
	if n == nil {
		n = map[string]map[string]watcher{}
		w.out[node] = n
	}
	if n[who] == nil {
		n[who] = map[string]watcher{}
	}
	n[who][id] = by
}

// takeOut removes and returns a record; the one who gets it tells the watcher.
func (w *watches) takeOut(node, who, id string) (watcher, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	by, ok := w.out[node][who][id]
	if ok {
		delete(w.out[node][who], id)
		if len(w.out[node][who]) == 0 {
			delete(w.out[node], who)
		}
		if len(w.out[node]) == 0 {
			delete(w.out, node)
		}
	}
	return by, ok
}

func (w *watches) addIn(node, who, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.in[node][who][id]; ok {
		return true
	}
	if w.nIn[node] >= maxWatches {
		return false
	}
	n := w.in[node]
	if n == nil {
		n = map[string]map[string]struct{}{}
		w.in[node] = n
	}
	if n[who] == nil {
		n[who] = map[string]struct{}{}
	}
	n[who][id] = struct{}{}
	w.nIn[node]++
	return true
}

func (w *watches) takeIn(node, who, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.in[node][who][id]; !ok {
		return false
	}
	delete(w.in[node][who], id)
	if len(w.in[node][who]) == 0 {
		delete(w.in[node], who)
	}
	if w.nIn[node]--; w.nIn[node] == 0 {
		delete(w.nIn, node)
		delete(w.in, node)
	}
	return true
}

// takeNode removes everything about a node and returns who watches its actors.
func (w *watches) takeNode(node string) (out map[string]map[string]watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out = w.out[node]
	delete(w.out, node)
	delete(w.in, node)
	delete(w.nIn, node)
	return out
}

// nodes adds the nodes that watch or are watched.
func (w *watches) nodes(to map[string]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.out {
		to[n] = struct{}{}
	}
	for n := range w.nIn {
		to[n] = struct{}{}
	}
}

func (w *watches) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, in := range w.nIn {
		n += in
	}
	for _, node := range w.out {
		for _, who := range node {
			n += len(who)
		}
	}
	return n
}

// forgetWatches ends the watches of an actor that is gone. Called on its own turn.
func (s *System) forgetWatches(c *cell) {
	for key := range c.watching.all() {
		s.unwatch(c, key)
	}
	c.watching = few[pidKey]{}
}

// takeWatched removes the watchers on other nodes of a local actor.
func (w *watches) takeWatched(who string) []pidKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []pidKey
	for node, watched := range w.in {
		for id := range watched[who] {
			list = append(list, pidKey{node, id})
		}
		if w.nIn[node] -= len(watched[who]); w.nIn[node] == 0 {
			delete(w.nIn, node)
			delete(w.in, node)
			continue
		}
		delete(watched, who)
	}
	return list
}

// tellRemoteWatchers reports the end of c. Its name is free already, so that a watch that comes now finds no actor.
func (s *System) tellRemoteWatchers(c *cell) {
	for _, key := range s.watches.takeWatched(c.pid.Id) {
		s.tellTerminated(&PID{Address: key.node, Id: key.id}, &Terminated{Who: c.pid})
	}
}

func (s *System) watch(c *cell, key pidKey) {
	who := &PID{Address: key.node, Id: key.id}
	if key.node == s.node {
		if target := s.cells.get(key.id); target != nil {
			target.mb.postSystem(&watchFrom{c})
			return
		}
		watcher{cell: c}.ended(who, int(TerminatedNotFound))
		return
	}
	s.watches.addOut(key.node, key.id, c.pid.Id, watcher{cell: c})
	if s.remoteWatch(c.pid, who) != nil {
		if by, ok := s.watches.takeOut(key.node, key.id, c.pid.Id); ok {
			by.ended(who, int(TerminatedNodeLost))
		}
	}
}

func (s *System) remoteWatch(by, who *PID) error {
	r := s.remote.Load()
	if r == nil {
		return fmt.Errorf("no transport: %w", ErrUnreachable)
	}
	return (*r).Watch(by, who)
}

func (s *System) unwatch(c *cell, key pidKey) {
	if key.node == s.node {
		if target := s.cells.get(key.id); target != nil {
			target.mb.postSystem(&unwatchFrom{c})
		}
		return
	}
	if _, ok := s.watches.takeOut(key.node, key.id, c.pid.Id); ok {
		if r := s.remote.Load(); r != nil {
			_ = (*r).Unwatch(c.pid, &PID{Address: key.node, Id: key.id}) // unreachable: forgotten there too
		}
	}
}

// end is Context.Stop and Context.Poison.
func (s *System) end(pid *PID, gracefully bool) {
	switch {
	case pid == nil || isName(pid):
		s.dead(DeadNoTarget, pid, nil, &proto.Stop{})
	case s.isLocal(pid):
		if c := s.cells.get(pid.Id); c != nil {
			endCell(c, gracefully)
		}
	default:
		r := s.remote.Load()
		if r == nil || (*r).Stop(pid, gracefully) != nil {
			s.dead(DeadUnreachable, pid, nil, &proto.Stop{})
		}
	}
}

func endCell(c *cell, gracefully bool) {
	if gracefully {
		c.poison()
		return
	}
	c.stop("stopped")
}

// Stop ends an actor after the message it works on and waits until it is gone or ctx ends. Its queued messages become
// dead letters. An actor that does not exist is gone. A remote actor must be Exported, otherwise only ctx ends the wait.
// An actor must not wait for its own end.
func (s *System) Stop(ctx context.Context, pid *PID) error { return s.await(ctx, pid, false) }

// Poison is Stop after the messages queued so far; children go before their parents, in the same way.
func (s *System) Poison(ctx context.Context, pid *PID) error { return s.await(ctx, pid, true) }

func (s *System) await(ctx context.Context, pid *PID, gracefully bool) error {
	if pid == nil || isName(pid) {
		return fmt.Errorf("stop: not an actor: %w", ErrNoActor)
	}
	if s.isLocal(pid) {
		c := s.cells.get(pid.Id)
		if c == nil {
			return nil
		}
		endCell(c, gracefully)
		select {
		case <-c.ended():
			return nil
		case <-ctx.Done():
			return fmt.Errorf("stop %s: %w", pid.Id, ctx.Err())
		}
	}
	s.watches.mu.Lock()
	s.watches.next++
	by := &PID{Address: s.node, Id: "$stop/" + strconv.FormatUint(s.watches.next, 10)}
	s.watches.mu.Unlock()
	gone := make(chan struct{})
	s.watches.addOut(pid.Address, pid.Id, by.Id, watcher{gone: gone})
	defer s.watches.takeOut(pid.Address, pid.Id, by.Id)
	if err := s.remoteWatch(by, pid); err != nil {
		return fmt.Errorf("stop %s: %w", pid.Id, err)
	}
	r := *s.remote.Load()
	if err := r.Stop(pid, gracefully); err != nil {
		_ = r.Unwatch(by, pid)
		return fmt.Errorf("stop %s: %w", pid.Id, err)
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		_ = r.Unwatch(by, pid)
		return fmt.Errorf("stop %s: %w", pid.Id, ctx.Err())
	}
}

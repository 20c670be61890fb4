package topics

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"iris/actor"
)

// forest is the part of the supervisor that makes and ends the actors of trees.
type forest struct {
	t    *Topics
	pids map[*trees]*actor.PID
	parting
	named int // so many actors were named
}

// grow makes the actor of trees unless it runs.
func (s *forest) grow(ctx actor.Context, tr *trees) {
	if s.pids[tr] != nil || s.t.treesOf(tr.key) != tr {
		return
	}
	t := s.t
	props := actor.Of(func() actor.Actor { return &treesActor{t: t, tr: tr} }).
		Strategy(actor.Strategy{MaxRestarts: -1, BackoffMax: time.Second})
	name := tr.path() + url.PathEscape(tr.key.Name)
	pid, err := ctx.SpawnNamed(props, name)
	if errors.Is(err, actor.ErrNameExists) { // its predecessor is still stopping
		s.named++
		pid, err = ctx.SpawnNamed(props, fmt.Sprintf("%s~%d", name, s.named))
	}
	switch {
	case errors.Is(err, actor.ErrDraining): // the node stops
	case err != nil:
		t.log.Error("tree not started", "group", tr.name(), "error", err)
	default:
		s.pids[tr] = pid
	}
}

// all makes the actors that are wanted: at the start, and if a message was lost.
func (s *forest) all(ctx actor.Context) {
	for _, tr := range s.t.allTrees() {
		s.grow(ctx, tr)
	}
}

// prune ends the actor of trees of which nothing is left.
func (s *forest) prune(ctx actor.Context, msg *withered) {
	if pid := s.pids[msg.tr]; pid != nil && s.t.wither(msg.tr, msg.puts) {
		delete(s.pids, msg.tr)
		s.stop(ctx, pid)
	}
}

// changed tells all actors of a change of the ring.
func (s *forest) changed(ctx actor.Context, msg *ring) {
	for _, pid := range s.pids {
		ctx.Send(pid, msg)
	}
}

// ended replaces an actor that somebody stopped while it was needed.
func (s *forest) ended(ctx actor.Context, who *actor.PID) {
	for tr, pid := range s.pids {
		if actor.Same(pid, who) {
			delete(s.pids, tr)
			s.grow(ctx, tr)
			return
		}
	}
}

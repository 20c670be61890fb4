package topics

import (
	"errors"
	"fmt"
	"net/url"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// spawn makes the tree of g, and its balancer. nil if that fails or the bound is reached.
func (s *supervisor) spawn(ctx actor.Context, g *group, by id.ID) *treeRef {
	if g == nil || len(s.trees) >= maxGroups {
		return nil
	}
	s.last++
	s.t.lastIndex.Store(s.last)
	ref := &treeRef{g: g, index: s.last, by: by}
	t := s.t
	forever := actor.Strategy{MaxRestarts: -1}
	kind := "cluster"
	if g.key.Kind == wire.GroupTopic {
		kind = "topic"
	}
	name := url.PathEscape(g.key.Name)
	var err error
	ref.pid, err = s.child(ctx, ref, "tree/"+kind+"/"+name,
		actor.Of(func() actor.Actor { return &treeActor{t: t, ref: ref} }).Strategy(forever).Brief())
	if errors.Is(err, actor.ErrDraining) {
		return nil // the node stops
	}
	if err != nil {
		t.log.Error("tree not started", "group", g.name(), "error", err)
		return nil
	}
	if g.key.Kind == wire.GroupCluster {
		ref.balancer, err = s.child(ctx, ref, "balancer/"+name,
			actor.Of(func() actor.Actor { return &balancerActor{t: t, g: g} }).Strategy(forever).Brief())
		if err != nil {
			t.log.Error("balancer not started", "cluster", g.key.Name, "error", err)
		}
	}
	s.trees[g.key], s.index[ref.index] = ref, ref
	if !by.IsZero() {
		s.perPeer[by]++
	}
	return ref
}

// child spawns name; while its predecessor is still stopping under another one.
func (s *supervisor) child(ctx actor.Context, ref *treeRef, name string, p *actor.Props) (*actor.PID, error) {
	pid, err := ctx.SpawnNamed(p, name)
	if errors.Is(err, actor.ErrNameExists) {
		pid, err = ctx.SpawnNamed(p, fmt.Sprintf("%s~%d", name, ref.index))
	}
	return pid, err
}

// idle ends a tree that has no role left.
func (s *supervisor) idle(ctx actor.Context, msg *idle) {
	ref := s.trees[msg.key]
	if ref == nil || ref.forwarded != msg.handled || !s.t.forget(ref.g) {
		return
	}
	s.remove(ref)
	s.parting.stop(ctx, ref.pid)
	if ref.balancer != nil {
		ctx.Poison(ref.balancer)
	}
}

// parting counts, by name, the children that were told to end and have not ended
// yet: when one does a successor may have its name.
type parting map[string]int

func (p parting) stop(ctx actor.Context, pid *actor.PID) {
	p[pid.GetId()]++
	ctx.Stop(pid)
}

// over reports whether the end of who was wanted.
func (p parting) over(who *actor.PID) bool {
	n := p[who.GetId()]
	if n > 1 {
		p[who.GetId()] = n - 1
	} else {
		delete(p, who.GetId())
	}
	return n > 0
}

func (s *supervisor) remove(ref *treeRef) {
	delete(s.trees, ref.g.key)
	delete(s.index, ref.index)
	if n := s.perPeer[ref.by]; n > 1 {
		s.perPeer[ref.by] = n - 1
	} else {
		delete(s.perPeer, ref.by)
	}
}

// ended replaces a tree that somebody stopped while it was needed.
func (s *supervisor) ended(ctx actor.Context, who *actor.PID) {
	if s.ending || s.parting.over(who) {
		return
	}
	for _, ref := range s.trees {
		if actor.Same(ref.pid, who) {
			s.remove(ref)
			if ref := s.spawn(ctx, ref.g, id.ID{}); ref != nil {
				s.forward(ctx, ref, &want{ref.g})
			}
			return
		}
	}
	s.forest.ended(ctx, who)
}

package topics

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
	"iris/transport/wire"
)

// Bounds on what others can make this node remember.
const (
	maxGroups        = 100_000 // trees on this node
	maxGroupsPerPeer = 10_000  // of them, made by frames of one peer
	checkEvery       = 10 * time.Second
)

// supervisor is iris/topics: it makes the trees and balancers, hands each frame
// to its tree (every frame through here, so the order of a link holds) and tells
// all trees of changes of the ring.
type supervisor struct {
	t       *Topics
	trees   map[wire.Group]*treeRef
	index   map[uint32]*treeRef
	last    uint32 // index given last; never used twice in one process
	perPeer map[id.ID]int
	routes  *router.Routes
	ending  bool // restarting or stopping: children end because of that
}

// treeRef is one tree actor. handled is owned by the tree actor, the rest by
// the supervisor and constant once the actor runs.
type treeRef struct {
	g         *group
	index     uint32
	by        id.ID // peer whose frame made it, zero: this node
	pid       *actor.PID
	balancer  *actor.PID // nil for topics
	forwarded uint64
	handled   uint64
}

func (s *supervisor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *router.Changed:
		s.changed(ctx, msg.Routes, msg.Down)
	case *check:
		s.changed(ctx, s.t.router.Routes(), nil) // a Changed may have been lost to a full mailbox
		s.t.letters.flush()
		ctx.After(checkEvery, &check{})
	case *frameIn:
		s.frame(ctx, msg)
	case *viewWanted:
		if ref := s.own(ctx, msg.g); ref != nil {
			s.forward(ctx, ref, msg)
		}
	case *want:
		if ref := s.own(ctx, msg.g); ref != nil {
			s.forward(ctx, ref, msg)
		}
	case *idle:
		s.idle(ctx, msg)
	case *actor.Restarting, *actor.Stopping:
		s.ending = true
	case *actor.Terminated:
		s.ended(ctx, msg.Who)
	}
}

// start also runs after a crash of the supervisor, whose children ended with it.
func (s *supervisor) start(ctx actor.Context) {
	s.trees, s.index, s.perPeer = map[wire.Group]*treeRef{}, map[uint32]*treeRef{}, map[id.ID]int{}
	s.last = s.t.lastIndex.Load()
	s.routes = s.t.router.Routes()
	s.t.router.Subscribe(ctx.Self())
	for _, g := range s.t.all() {
		if ref := s.spawn(ctx, g, id.ID{}); ref != nil {
			s.forward(ctx, ref, &want{g})
		}
	}
	ctx.After(checkEvery, &check{})
}

// changed tells the trees what is different between two snapshots; down adds
// nodes that were replaced without a gap.
func (s *supervisor) changed(ctx actor.Context, now *router.Routes, down []id.ID) {
	before := s.routes
	if now.Version() < before.Version() || now.Version() == before.Version() && len(down) == 0 {
		return
	}
	s.routes = now
	msg := &ring{routes: now}
	for _, p := range now.Peers() {
		if old, ok := before.Peer(p.ID); !ok || old.Incarnation != p.Incarnation {
			msg.up = append(msg.up, p.ID)
		}
	}
	for _, p := range before.Peers() {
		if cur, ok := now.Peer(p.ID); !ok || cur.Incarnation != p.Incarnation {
			msg.down = append(msg.down, p.ID)
		}
	}
	for _, n := range down {
		if !slices.Contains(msg.down, n) {
			msg.down = append(msg.down, n)
		}
		delete(s.perPeer, n)
	}
	if len(msg.up)+len(msg.down) == 0 {
		return // only states changed: choosers see those in the links
	}
	for _, ref := range s.trees {
		s.forward(ctx, ref, msg)
	}
}

func (s *supervisor) forward(ctx actor.Context, ref *treeRef, msg any) {
	ref.forwarded++
	ctx.Send(ref.pid, msg)
}

// own returns the tree of a group that this node itself uses, making it.
func (s *supervisor) own(ctx actor.Context, g *group) *treeRef {
	ref := s.trees[g.key]
	if ref == nil {
		cur := s.t.adopt(g)
		if ref = s.spawn(ctx, cur, id.ID{}); ref == nil {
			cur.resolve(actor.ErrOverloaded)
			return nil
		}
	}
	if ref.g != g { // g had left the table before its sender asked
		ref.g.inherit(g)
	}
	return ref
}

// frame hands a frame to its tree. Only joins, lookups and replicas make one.
func (s *supervisor) frame(ctx actor.Context, in *frameIn) {
	key, index := groupOf(in.frame)
	ref := s.trees[key]
	if ack, ok := in.frame.(*wire.GroupAck); ok {
		_ = ack
		ref = s.index[index]
	}
	if ref != nil {
		s.forward(ctx, ref, in)
		return
	}
	var answer wire.Frame
	switch f := in.frame.(type) {
	case *wire.GroupPull:
		answer = &wire.GroupReplica{Seq: f.Seq, Group: key}
	case *wire.GroupLeave:
		answer = &wire.GroupAck{Seq: f.Seq} // nothing is known here; a tree would hand it on no further
		if s.routes.Root(groupKey(key)) != s.t.self {
			answer = &wire.GroupAck{Seq: f.Seq, Code: wire.GroupNotRoot, Version: wire.Version{Root: s.routes.Root(groupKey(key))}}
		} else if s.perPeer[in.from] < maxGroupsPerPeer { // an old copy may still name the member: remember that it left
			answer = nil
		}
	case *wire.GroupView:
		if f.Seq == 0 { // pushed to an asker that has let go
			answer = &wire.GroupAck{Seq: f.PushSeq, Version: f.Version}
		} else {
			return
		}
	case *wire.GroupJoin:
		answer = &wire.GroupAck{Seq: f.Seq, Code: wire.GroupBusy}
	case *wire.GroupLookup:
		answer = &wire.GroupView{Seq: f.Seq, Group: key, Code: wire.GroupBusy}
	case *wire.GroupReplica:
		if f.Seq != 0 || len(f.Entries) == 0 {
			return
		}
	default:
		return
	}
	makes := false
	switch in.frame.(type) {
	case *wire.GroupJoin, *wire.GroupLookup, *wire.GroupReplica:
		makes = true
	case *wire.GroupLeave:
		makes = answer == nil
	}
	if makes && s.perPeer[in.from] < maxGroupsPerPeer && len(s.trees) < maxGroups {
		if ref := s.spawn(ctx, s.t.group(key), in.from); ref != nil {
			s.forward(ctx, ref, in)
			return
		}
	}
	if answer != nil {
		if l := s.t.net.Link(in.from); l != nil {
			_ = l.TrySend(transport.Control, answer) // the asker asks again
		}
	}
}

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
		actor.Of(func() actor.Actor { return &treeActor{t: t, ref: ref} }).Strategy(forever))
	if err != nil {
		t.log.Error("tree not started", "group", g.name(), "error", err)
		return nil
	}
	if g.key.Kind == wire.GroupCluster {
		ref.balancer, err = s.child(ctx, ref, "balancer/"+name,
			actor.Of(func() actor.Actor { return &balancerActor{t: t, g: g} }).Strategy(forever))
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
	ctx.Stop(ref.pid)
	if ref.balancer != nil {
		ctx.Poison(ref.balancer)
	}
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
	if s.ending {
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
}

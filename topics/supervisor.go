package topics

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/topics/tree"
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
// all trees of changes of the ring: in the structured form of all of them, for a root
// may change without any link going up or down.
type supervisor struct {
	t       *Topics
	trees   map[wire.Group]*treeRef
	index   map[uint32]*treeRef
	last    uint32 // index given last; never used twice in one process
	perPeer map[id.ID]int
	forest  forest
	parting parting
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
		s.changed(ctx, msg.Routes, slices.Concat(msg.Down, msg.Unreached))
	case *check:
		s.changed(ctx, s.t.router.Routes(), nil) // a Changed may have been lost to a full mailbox
		s.forest.all(ctx)
		for _, ref := range s.trees {
			ref.g.serves.turn()
			ref.g.asks.turn()
		}
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
	case *sprout:
		s.forest.grow(ctx, msg.tr)
	case *withered:
		s.forest.prune(ctx, msg)
	case *treesState:
		if ref := s.trees[msg.key]; ref != nil {
			s.forward(ctx, ref, msg)
		}
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
	s.parting = parting{}
	s.forest = forest{t: s.t, pids: map[*trees]*actor.PID{}, parting: s.parting}
	s.forest.all(ctx)
	ctx.After(checkEvery, &check{})
}

// changed tells the trees what is different between two snapshots; down adds
// nodes that were replaced without a gap, or could not be reached.
func (s *supervisor) changed(ctx actor.Context, now *router.Routes, down []id.ID) {
	before := s.routes
	if now.Version() < before.Version() || now.Version() == before.Version() && len(down) == 0 {
		return
	}
	s.routes = now
	msg := difference(before, now)
	for _, n := range down {
		if !slices.Contains(msg.down, n) {
			msg.down = append(msg.down, n)
		}
		delete(s.perPeer, n)
	}
	mesh := !now.Structured() && !before.Structured() && now.Active() == before.Active()
	if mesh && len(msg.up)+len(msg.down) == 0 {
		return // only states changed: choosers see those in the links
	}
	for _, ref := range s.trees {
		s.forward(ctx, ref, msg)
	}
	s.forest.changed(ctx, msg)
}

// difference returns who has a link in now that had none before, and who was lost:
// in the structured form a link also ends because nobody needs it, and only the
// router can tell.
func difference(before, now *router.Routes) *ring {
	msg := &ring{routes: now}
	for _, p := range now.Peers() {
		if old, ok := before.Peer(p.ID); !ok || old.Incarnation != p.Incarnation {
			msg.up = append(msg.up, p.ID)
		}
	}
	for _, p := range before.Peers() {
		cur, ok := now.Peer(p.ID)
		if ok && cur.Incarnation != p.Incarnation || !ok && !now.Structured() {
			msg.down = append(msg.down, p.ID)
		}
	}
	return msg
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
	if _, ack := in.frame.(*wire.GroupAck); ack {
		ref = s.index[index]
	}
	if ref != nil {
		s.forward(ctx, ref, in)
		return
	}
	root := s.routes.Root(tree.Key(key))
	notRoot := wire.Version{Root: root}
	here := root == s.t.self
	var answer wire.Frame
	makes := false
	switch f := in.frame.(type) {
	case *wire.GroupJoin:
		makes = here
		answer = &wire.GroupAck{Seq: f.Seq, Code: refusal(here), Version: notRoot}
	case *wire.GroupLeave: // makes one: an old copy may name the member, so that it left is to be remembered
		makes = here
		answer = &wire.GroupAck{Seq: f.Seq, Code: refusal(here), Version: notRoot}
	case *wire.GroupLookup:
		makes = here
		answer = &wire.GroupView{Seq: f.Seq, Group: key, Code: refusal(here), Version: notRoot}
	case *wire.GroupReplica:
		makes = f.Seq == 0 && (len(f.Entries) > 0 || f.Mode == wire.ModeTrees)
	case *wire.GroupPull:
		answer = &wire.GroupReplica{Seq: f.Seq, Group: key}
	case *wire.GroupView:
		if f.Seq == 0 { // pushed to an asker that has let go
			answer = &wire.GroupAck{Seq: f.PushSeq, Version: f.Version}
		}
	}
	if makes && s.perPeer[in.from] < s.t.perPeer && len(s.trees) < maxGroups {
		if ref := s.spawn(ctx, s.t.group(key), in.from); ref != nil {
			s.forward(ctx, ref, in)
			return
		}
	}
	if answer != nil {
		_ = s.t.trySend(in.from, transport.Control, answer) // the asker asks again
	}
}

// refusal is the code for what makes no tree here: too many, or not the root.
func refusal(here bool) uint16 {
	if here {
		return wire.GroupFull
	}
	return wire.GroupNotRoot
}

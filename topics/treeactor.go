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

// treeActor is iris/topics/tree/<kind>/<name>: the shell around the machine of
// one group. A restart makes a new machine, which learns again; what this node
// wants to be is in the group.
type treeActor struct {
	t      *Topics
	ref    *treeRef
	g      *group
	m      *tree.Machine
	out    tree.Out
	wake   time.Time
	cancel func()
	lost   []id.ID
	ended  map[string]struct{} // ids of members that have ended and are still in the group
	links  links
	trees  crossing
}

// askWaiter is the waiter of all senders of the group; other waiters are
// numbers of group.change.
const askWaiter = ^uint64(0)

func (a *treeActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *ring:
		a.step(ctx, a.ring(msg.routes, msg.up, msg.down))
		a.ref.handled++
	case *router.Located:
		a.step(ctx, tree.Located{Node: msg.Node})
	case *frameIn:
		a.step(ctx, tree.Recv{From: msg.from, Frame: msg.frame})
		a.ref.handled++
	case *viewWanted:
		a.step(ctx, tree.Ask{Waiter: askWaiter})
		a.ref.handled++
	case *want:
		a.join(ctx)
		a.ref.handled++
	case *treesState:
		a.step(ctx, msg.event())
		a.ref.handled++
	case *actor.Terminated:
		a.gone(ctx, msg.Who)
	case *sweep:
		a.sweep(ctx)
	case *tick:
		if msg.at.Equal(a.wake) {
			a.wake = time.Time{}
			a.step(ctx, tree.Tick{Used: a.g.used.Swap(false)})
		}
	}
	if a.out.Idle && a.m != nil {
		ctx.Send(ctx.Parent(), &idle{a.g.key, a.ref.handled})
	}
}

func (a *treeActor) start(ctx actor.Context) {
	a.g = a.ref.g
	a.links.begin(a, ctx.Self())
	a.m = tree.New(tree.Config{
		Self: a.t.self, Group: a.g.key, Index: a.ref.index, Epoch: uint64(time.Now().UnixMicro()),
	})
	a.step(ctx, a.ring(a.t.router.Routes(), nil, nil))
	a.g.mu.Lock()
	a.g.fresh = slices.Clone(*a.g.local.Load()) // an actor before this one may have watched some of them
	again, members := a.g.change > 0, a.g.wanted > 0
	asked := len(a.g.pending) > 0
	a.g.mu.Unlock()
	a.takeUp(ctx, members)
	if again {
		a.join(ctx)
	}
	if asked {
		a.step(ctx, tree.Ask{Waiter: askWaiter})
	}
}

func (a *treeActor) ring(r *router.Routes, up, down []id.ID) tree.Ring {
	key := tree.Key(a.g.key)
	e := tree.Ring{Root: r.Root(key), Nearest: r.Nearest(key, 5), Up: up, Down: down, Structured: r.Structured()}
	if !e.Structured { // there strangers are members, and must be believed
		e.Alive = func(n id.ID) bool {
			_, ok := r.Peer(n)
			return ok || n == a.t.self
		}
	}
	return e
}

// gone takes note of a member that has stopped for good. Many may end together, and
// the list is walked once for all that have: see sweep.
func (a *treeActor) gone(ctx actor.Context, who *actor.PID) {
	if len(a.ended) == 0 {
		a.ended = make(map[string]struct{})
		ctx.After(0, &sweep{})
	}
	a.ended[who.Id] = struct{}{}
}

// sweep takes the members that have ended out of the group, as if they had left.
func (a *treeActor) sweep(ctx actor.Context) {
	var gone []*member
	for _, m := range *a.g.local.Load() {
		if _, ended := a.ended[m.pid.Id]; ended {
			gone = append(gone, m)
		}
	}
	a.ended = nil
	if len(gone) > 0 {
		a.g.discharge(gone)
		a.g.resign(gone...)
		a.join(ctx)
	}
}

func (a *treeActor) join(ctx actor.Context) {
	a.g.mu.Lock()
	fresh := a.g.fresh
	a.g.fresh = nil
	members, change, certain := a.g.wanted, a.g.change, a.g.certain > 0
	a.g.mu.Unlock()
	for _, m := range fresh {
		ctx.Watch(m.pid) // again is harmless
	}
	a.step(ctx, tree.Join{Members: members, Zone: a.t.zone, Reliable: certain, Waiter: change})
}

// step runs the machine and performs what it wants.
func (a *treeActor) step(ctx actor.Context, e tree.Event) {
	a.perform(ctx, e)
	for len(a.lost) > 0 {
		to := a.lost[0]
		a.lost = a.lost[1:]
		a.perform(ctx, tree.Lost{To: to})
	}
	a.links.check(a, ctx.Self())
	if wake := earliest(a.out.Wake, a.links.due()); !a.wake.Equal(wake) {
		if a.cancel != nil {
			a.cancel()
			a.cancel = nil
		}
		a.wake = wake
		if !a.wake.IsZero() {
			a.cancel = ctx.After(max(time.Until(a.wake), 0), &tick{a.wake})
		}
	}
}

func (a *treeActor) perform(ctx actor.Context, e tree.Event) {
	a.out.Reset()
	a.m.Step(time.Now(), e, &a.out)
	a.cross()
	a.g.keep(a.m.Listed())
	if a.out.Changed {
		a.links.crossing(a.g, a.g.view.Load(), a.out.View)
		a.g.install(a.out.View)
		if len(a.out.Joined)+len(a.out.Left) > 0 && a.g.key.Kind == wire.GroupCluster {
			a.t.tellBalancer(ctx, a.ref, &membersChanged{
				append([]wire.Entry(nil), a.out.Joined...), append([]wire.Entry(nil), a.out.Left...),
			})
		}
	}
	for _, s := range a.out.Sends {
		if a.t.trySend(s.To, transport.Control, s.Frame) != nil {
			a.lost = append(a.lost, s.To)
		}
	}
	if a.out.Locate {
		a.t.router.Locate(tree.Key(a.g.key), ctx.Self())
	}
	for _, w := range a.out.Answers {
		if w.Waiter == askWaiter {
			a.links.answer(a, askError(w.Code))
		} else {
			a.g.joined(w.Waiter, w.Code)
		}
	}
}

func askError(c tree.Code) error {
	switch c {
	case tree.CodeOK:
		return nil
	case tree.CodeFull:
		return actor.ErrOverloaded
	}
	return actor.ErrUnreachable
}

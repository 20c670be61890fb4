package topics

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// settle does, after each message, what follows from the state of the machines:
// the timer, the links to keep, and what others are told.
func (a *treesActor) settle(ctx actor.Context) {
	a.arm(ctx)
	a.keep(ctx)
	settled := a.member
	for i := range a.stripes {
		settled = settled && a.stripes[i].tree.Rooted && a.data.Based(i)
	}
	a.tr.settle(settled)
	if a.tr.key.Kind == wire.GroupTopic {
		t := &a.stripes[0].tree
		s := treesState{key: a.tr.key, rooted: settled, root: t.Root, mode: t.Mode}
		if t.Root {
			s.members = a.stripes[0].machine.Members()
		}
		if s != a.told {
			a.told = s
			a.tr.report.Store(&s)
			ctx.Send(ctx.Parent(), &s)
		}
	}
	a.offer(ctx)
}

// arm sets the one timer to what is due first.
func (a *treesActor) arm(ctx actor.Context) {
	var next time.Time
	if !a.listed.IsZero() && !time.Now().Before(a.listed) {
		a.listed = time.Time{}
	}
	for _, w := range []time.Time{a.stripes[0].wake, a.stripes[1].wake, a.dataWake, a.repayAt, a.listed} {
		if !w.IsZero() && (next.IsZero() || w.Before(next)) {
			next = w
		}
	}
	if next.Equal(a.wake) {
		return
	}
	if a.cancel != nil {
		a.cancel()
		a.cancel = nil
	}
	a.wake = next
	if !next.IsZero() {
		a.cancel = ctx.After(max(time.Until(next), 0), &tick{next})
	}
}

// keep asks the router for links to the neighbours, and to the first who would
// take the place of a parent.
func (a *treesActor) keep(ctx actor.Context) {
	if !a.moved {
		return
	}
	a.moved = false
	var want []id.ID
	for i := range a.stripes {
		t := &a.stripes[i].tree
		want = append(append(want, t.Parent, t.Backup), t.Children...)
	}
	slices.SortFunc(want, id.ID.Compare)
	want = slices.Compact(want)
	if len(want) > 0 && want[0].IsZero() {
		want = want[1:]
	}
	if !slices.Equal(want, a.kept) {
		a.kept = want
		a.t.router.Keep(ctx.Self(), slices.Clone(want))
	}
}

// listedFor is how long events that came because this node is on the list of its
// topic are remembered at least: they may come by the trees too.
const listedFor = 10 * time.Second

// offer tells the supervisor when nothing is left of the trees here.
func (a *treesActor) offer(ctx actor.Context) {
	if a.member || !a.listed.IsZero() || !a.data.Idle() || len(a.tr.behind) > 0 {
		return
	}
	for i := range a.stripes {
		if !a.stripes[i].machine.Idle() {
			return
		}
	}
	if puts, ok := a.tr.in.handled(); ok && puts != a.offered {
		a.offered = puts
		ctx.Send(ctx.Parent(), &withered{a.tr, puts})
	}
}

// Messages to iris/topics from the actors of trees, and from Topics.
type (
	// sprout: there are new trees. Lost: the periodic check makes their actor.
	sprout struct{ tr *trees }
	// withered: nothing is left; puts counts the entries of the inbox handled. Lost: the
	// next entry repeats it.
	withered struct {
		tr   *trees
		puts uint64
	}
	// treesState: for the actor of the topic's list; sent when something differs. Lost:
	// the next difference.
	treesState struct {
		key     wire.Group
		rooted  bool   // this node is in all trees: it needs the list no more
		root    bool   // of stripe 0, whose root is also that of the list
		members uint32 // if root: member nodes in its tree
		mode    scribe.Mode
	}
)

// Messages to iris/topics/trees/<kind>/<name>: ring from iris/topics, tick from
// itself, and
type (
	// drain: there is something in the inbox. It is repeated while there is.
	drain struct{}
)

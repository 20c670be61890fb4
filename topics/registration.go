package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"iris/actor"
	"iris/topics/tree"
	"iris/transport/wire"
)

// Registration is the membership of some local actors in one cluster or topic.
type Registration struct {
	t       *Topics
	g       *group
	members []*member
	trees   *trees // held for reliable subscribers, else nil
	freed   sync.Once
	once    sync.Once
	err     error // of the first Leave; valid when once is done
}

// Register makes the actors members of the cluster. When it returns without
// error every node that may choose a member by a leased list knows them (at
// most 500 ms later if some node does not answer). The actors stay the caller's:
// it stops them after Leave. Errors wrap actor.ErrOverloaded (too many nodes or
// names), actor.ErrClosed or the context's error; nothing is registered then.
func (t *Topics) Register(ctx context.Context, cluster string, members []*actor.PID) (*Registration, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("cluster %s: no members given", cluster)
	}
	return t.register(ctx, wire.GroupCluster, cluster, members, nil)
}

// register makes members. tr are the reliable trees that they ask for, nil for none;
// the caller's hold on them goes to the registration, and ends with it.
func (t *Topics) register(ctx context.Context, kind uint8, name string, pids []*actor.PID, tr *trees) (*Registration, error) {
	r := &Registration{t: t, trees: tr}
	g, err := t.named(kind, name)
	if err != nil {
		r.free()
		return nil, err
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		r.free()
		return nil, g.wrap(actor.ErrClosed)
	}
	if cur := t.groups[g.key]; cur != nil {
		g = cur
	} else { // it was idle and went this moment
		t.groups[g.key] = g
	}
	r.g = g
	for _, pid := range pids {
		m := newMember(g, pid)
		m.certain = tr != nil
		r.members = append(r.members, m)
	}
	t.regs[r] = struct{}{}
	done := g.enlist(r.members) // under t.mu, so that the group is not forgotten meanwhile
	t.mu.Unlock()
	t.tell(&want{g})
	select {
	case c := <-done:
		if c == tree.CodeOK {
			return r, nil
		}
		err = actor.ErrOverloaded
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	r.once.Do(func() {}) // nobody will call Leave
	r.abandon()
	return nil, g.wrap(err)
}

// enlist adds members and returns what tells when the root knows.
func (g *group) enlist(members []*member) <-chan tree.Code {
	g.mu.Lock()
	defer g.mu.Unlock()
	// Those who hold an earlier list see its length: what is appended behind it is not theirs.
	g.local.Store(new(append(*g.local.Load(), members...)))
	g.fresh = append(g.fresh, members...)
	before := g.certain
	for _, m := range members {
		m.counted = true
		if m.certain {
			g.certain++
		}
	}
	g.wanted += uint32(len(members))
	return g.changeWanted(before)
}

// resign takes members that are still counted out of what the root is told.
func (g *group) resign(members ...*member) <-chan tree.Code {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.certain
	for _, m := range members {
		if m.counted {
			m.counted = false
			g.wanted--
			if m.certain {
				g.certain--
			}
		}
	}
	return g.changeWanted(before)
}

// changeWanted counts a change; g.mu is held. certain is what g.certain was before.
func (g *group) changeWanted(certain uint32) <-chan tree.Code {
	g.change++
	if (certain > 0) != (g.certain > 0) {
		g.turned = g.change
	}
	done := make(chan tree.Code, 1)
	g.joins[g.change] = done
	return done
}

// joined tells those who wait that the root knows of all changes up to change.
func (g *group) joined(change uint64, c tree.Code) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c == tree.CodeOK && change >= g.turned { // publishers know whether to send to the list
		g.takes.Store(g.certain > 0)
	}
	for n, done := range g.joins {
		if n <= change {
			done <- c // buffered for its one value
			delete(g.joins, n)
		}
	}
}

// discharge takes members out of what inbound messages are given to.
func (g *group) discharge(members []*member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(members)
}

// yield is discharge for members that were resigned, if others of the cluster are here to stay: inbound messages are
// theirs from now on. The last one serves until nobody chooses this node any more.
func (g *group) yield(members []*member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.key.Kind == wire.GroupCluster && slices.ContainsFunc(*g.local.Load(), func(m *member) bool { return m.counted }) {
		g.remove(members)
	}
}

// remove takes members out of g.local; g.mu is held.
func (g *group) remove(members []*member) {
	for _, m := range members {
		m.left = true
	}
	g.local.Store(new(slices.DeleteFunc(slices.Clone(*g.local.Load()), func(m *member) bool { return m.left })))
}

// abandon undoes a registration without waiting.
func (r *Registration) abandon() {
	r.g.resign(r.members...)
	r.g.discharge(r.members)
	r.free()
	r.t.tell(&want{r.g})
	r.t.mu.Lock()
	delete(r.t.regs, r)
	r.t.mu.Unlock()
}

// free ends the hold on the trees.
func (r *Registration) free() {
	r.freed.Do(func() {
		if r.trees != nil {
			r.trees.hold(-1)
		}
	})
}

// Leave ends the membership gracefully: it waits until no node with a live
// lease chooses these members any more (they serve meanwhile, unless other members
// of the cluster are on this node and do), then until the requests they have accepted
// are answered. It returns early with the context's
// error; the membership has ended then too. Later calls return the first result.
func (r *Registration) Leave(ctx context.Context) error {
	r.once.Do(func() { r.err = r.leave(ctx) })
	return r.err
}

func (r *Registration) leave(ctx context.Context) error {
	g := r.g
	done := g.resign(r.members...)
	g.yield(r.members)
	r.t.tell(&want{g})
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	g.discharge(r.members)
	r.free()
	for _, m := range r.members {
		err = errors.Join(err, m.wait(ctx))
	}
	r.t.mu.Lock()
	delete(r.t.regs, r)
	r.t.mu.Unlock()
	if err != nil {
		return g.wrap(err)
	}
	return nil
}

// wait returns when the member has no request in flight. It is called once at most.
func (m *member) wait(ctx context.Context) error {
	if m.inFlight.Load() == 0 {
		return nil
	}
	quiet := make(chan struct{}, 1)
	m.quiet.Store(&quiet)
	for m.inFlight.Load() > 0 {
		select {
		case <-quiet:
		case <-ctx.Done():
			return fmt.Errorf("%d requests in flight: %w", m.inFlight.Load(), context.Cause(ctx))
		}
	}
	return nil
}

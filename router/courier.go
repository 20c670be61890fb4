package router

import (
	"math/rand/v2"
	"time"

	"iris/actor"
	"iris/internal/id"
)

// courier is the actor iris/router/courier: it makes links to nodes that somebody
// keeps or posts to, and sends or gives up what was posted. Its state is made
// anew after a crash: the wishes and the mail belong to the Router.
//
//	Keep ──▶ wishes ──┐           ┌─▶ dial ─────────▶ endpoint
//	                  ├▶ courier ─┼─▶ Locate ───────▶ iris/router/overlay
//	Post ──▶ mail ────┘     ▲     └─▶ Unreached ────▶ iris/router
//	                        └── links up and down ─── iris/router
type courier struct {
	r        *Router
	rng      *rand.Rand
	wants    map[id.ID]*want
	owed     map[id.ID]time.Time // nodes that something waits for, and until when
	used     map[id.ID]*usage
	looked   time.Time // at the use of links
	missed   []id.ID   // not told yet
	slots    int       // nodes that may be begun with during this message
	reported time.Time
	refused  uint64 // wishes reported as ignored
}

// Messages to iris/router/courier. One that is lost is made up for by the next
// tick, but for kept: then the owner's wish outlives it.
type (
	// kept: from Router.Keep: pid has wishes.
	kept struct{ pid *actor.PID }
	// mailFor: from Router.Post: a box was opened.
	mailFor struct{ node id.ID }
	// connected: from iris/router: a link came up.
	connected struct{ node id.ID }
	// parted: from iris/router: a link has ended.
	parted struct {
		node id.ID
		idle bool
	}
	// carry: from itself: see what is to be done.
	carry struct{}
)

func newCourier(r *Router) *courier {
	return &courier{
		r: r, rng: rand.New(rand.NewPCG(r.seed[1], r.seed[0])),
		wants: make(map[id.ID]*want), owed: make(map[id.ID]time.Time), used: make(map[id.ID]*usage),
	}
}

func (r *Router) toCourier(msg any) { r.sys.Send(r.courier, nil, msg) }

func (c *courier) Receive(ctx actor.Context) {
	now := time.Now()
	c.slots = courierMax - c.busy()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		for _, pid := range c.r.wishes.pids() {
			ctx.Watch(pid)
		}
		c.all(ctx, now)
		ctx.After(courierSit, carry{})
	case *actor.Stopping:
		c.r.mail.closed.Store(true)
		for _, b := range c.r.mail.all() {
			c.giveUp(b.node, b.expire(now, actor.ErrClosed))
		}
		return
	case *kept:
		ctx.Watch(m.pid)
		for _, n := range c.r.wishes.of(m.pid) {
			c.serve(ctx, now, n)
		}
	case *actor.Terminated:
		c.r.wishes.end(m.Who)
	case *mailFor:
		c.serve(ctx, now, m.node)
	case *connected:
		c.serve(ctx, now, m.node)
	case *parted:
		c.owe(now, m)
		c.serve(ctx, now, m.node)
	case *dialFailed:
		c.unanswered(ctx, now, m)
	case *Located:
		c.located(ctx, now, m)
	case carry:
		c.all(ctx, now)
		pause := courierSit
		if len(c.wants) > 0 || c.r.mail.boxes.Load() > 0 {
			pause = courierRun
		}
		ctx.After(pause, carry{})
	}
	c.tell()
}

// all serves every node that somebody wants or posts to.
func (c *courier) all(ctx actor.Context, now time.Time) {
	for _, b := range c.r.mail.all() {
		c.serve(ctx, now, b.node)
	}
	for _, n := range c.r.wishes.nodes() {
		c.serve(ctx, now, n)
	}
	for n := range c.wants {
		c.serve(ctx, now, n) // to be forgotten, if nobody wants it any more
	}
	c.lose(now)
	if now.Sub(c.looked) >= idleEvery {
		c.looked = now
		c.look(now)
	}
	if refused := c.r.wishes.overflow(); refused != c.refused && now.Sub(c.reported) >= reportEvery {
		c.r.sys.Events().Publish(&actor.Overloaded{What: "router kept nodes", Dropped: refused - c.refused})
		c.refused, c.reported = refused, now
	}
}

// serve does what is to be done for one node.
func (c *courier) serve(ctx actor.Context, now time.Time, n id.ID) {
	b := c.r.mail.find(n)
	if l := c.r.ep.Link(n); l != nil && l.Up() {
		delete(c.wants, n)
		delete(c.owed, n)
		if b != nil {
			c.giveUp(n, b.send(l, now))
		}
	}
	if b != nil {
		c.expire(now, b)
	}
	if _, owed := c.owed[n]; c.r.leaving.Load() || c.r.mail.find(n) == nil && !c.r.wishes.want(n) && !owed {
		delete(c.wants, n)
		return
	}
	if l := c.r.ep.Link(n); l == nil || !l.Up() {
		c.pursue(ctx, now, n)
	}
}

// expire gives up frames that have waited for too long, or for a node that is
// not there.
func (c *courier) expire(now time.Time, b *box) {
	before, w := now.Add(-postWait), c.wants[b.node]
	switch {
	case c.r.leaving.Load():
		before = now
	case w != nil && w.absent >= notThere && c.r.Routes().Structured():
		before = now.Add(-absentWait)
	}
	failed := b.expire(before, actor.ErrUnreachable)
	if len(failed) > 0 && w != nil {
		c.unreached(b.node, w)
	}
	c.giveUp(b.node, failed)
}

func (c *courier) giveUp(n id.ID, failed []undelivered) {
	for _, u := range failed {
		c.r.ep.GiveUp(n, u.frame, u.err)
	}
}

// pursue takes the next step towards a link to n.
func (c *courier) pursue(ctx actor.Context, now time.Time, n id.ID) {
	if !c.r.open.Load() {
		return
	}
	w := c.wants[n]
	if w == nil {
		w = &want{}
		c.wants[n] = w
	}
	if w.doing == resting {
		if now.Before(w.next) || c.slots <= 0 {
			return
		}
		c.slots--
		w.addrs = c.r.places.find(n)
	}
	if addrs := c.r.places.find(n); w.doing == searching && len(w.addrs) == 0 && len(addrs) > 0 {
		w.found(now, addrs, true, c.jitter) // somebody has told us meanwhile
	}
	call, search := w.step(now, c.jitter)
	switch {
	case call != "":
		c.r.ep.Dial(call, n)
	case search:
		c.r.Locate(n, ctx.Self())
	}
	if w.failures >= hopeless {
		c.unreached(n, w)
	}
}

// busy is how many nodes are being dialled or looked for.
func (c *courier) busy() (k int) {
	for _, w := range c.wants {
		if w.doing != resting {
			k++
		}
	}
	return k
}

// located takes what the overlay says. A node is the root of its own id: if the
// root is another one, it is not there.
func (c *courier) located(ctx actor.Context, now time.Time, m *Located) {
	w := c.wants[m.Key]
	if w == nil {
		return
	}
	there := m.Err != nil || m.Node == m.Key // an error says nothing
	var addrs []string
	if there {
		addrs = c.r.places.find(m.Key)
	}
	w.found(now, addrs, there, c.jitter)
	c.serve(ctx, now, m.Key)
}

// unanswered takes the end of a dial, which may have been anybody's.
func (c *courier) unanswered(ctx actor.Context, now time.Time, m *dialFailed) {
	for n, w := range c.wants {
		if w.failed(now, m.addr) {
			c.serve(ctx, now, n)
		}
	}
}

// unreached notes, once until there is a link, that n could not be found or linked.
func (c *courier) unreached(n id.ID, w *want) {
	if !w.told {
		w.told = true
		c.missed = append(c.missed, n)
	}
}

// tell reports to the router actor, which puts it into its next Changed.
func (c *courier) tell() {
	if len(c.missed) > 0 {
		c.r.tell(&missed{c.missed})
		c.missed = nil
	}
}

// jitter returns d, give or take a quarter.
func (c *courier) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(c.rng.Int64N(int64(d)/2+1))
}

package router

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport/wire"
)

const (
	overlayQueue = 1 << 14                // messages waiting for the overlay actor
	lookAfter    = time.Second            // upkeep: neighbours without a link, strangers with one
	runErrands   = 250 * time.Millisecond // while something waits for a link
	strangers    = 5 * time.Second        // between introductions of a linked node to a structured ring
	doubtFor     = 2 * time.Second        // a node that the ring gave up is not met again before
)

// overlay is the actor iris/router/overlay: a thin shell over the pastry core. It
// owns the address book and turns frames into messages and back.
//
//	Overlay, Route frames ──▶ ┌─────────┐ ──▶ frames on links, errands to dial
//	links up, deaths      ──▶ │ overlay │ ──▶ ringIs: leaves, table, active
//	Locate                ──▶ └─────────┘ ──▶ Located, doubts
//
// After a crash it joins anew through the links that are up; the routes stay as
// they were meanwhile.
type overlay struct {
	r       *Router
	cfg     *pastry.Config
	node    *pastry.Node
	book    *handles
	self    pastry.Handle
	out     pastry.Out
	links   map[link]*farEnd
	errands map[pastry.Handle]*errand
	asked   map[id.ID]*question
	doubted map[id.ID]time.Time // given up by the ring, and to be met again if they live
	shown   ringIs              // as last reported
	ready   bool                // something was reported since the start
	stale   bool                // the view may have changed
	heard   time.Time           // when an active node was last heard of
	running bool                // errands are looked at by a timer
	started bool                // the core was

	reported time.Time
	told     [dropReasons]uint64 // drops reported so far
	wakeAt   time.Time           // armed timer of the core
	wakeN    uint64              // its number; older ones are ignored
	cancel   func()
}

// farEnd is what is remembered of the node at the other end of a link.
type farEnd struct {
	handle pastry.Handle
	far    bool      // it runs on another host
	met    time.Time // when the core was last told of it
}

func newOverlay(r *Router) *overlay {
	return &overlay{
		r: r, cfg: r.ringConfig(), book: newHandles(), links: make(map[link]*farEnd),
		errands: make(map[pastry.Handle]*errand), asked: make(map[id.ID]*question), doubted: make(map[id.ID]time.Time),
	}
}

func (r *Router) toOverlay(msg any) { r.sys.Send(r.overlay, nil, msg) }

func (o *overlay) Receive(ctx actor.Context) {
	now := time.Now()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o.start(ctx, now)
		return
	case *actor.Stopping, *actor.Restarting:
		return
	case *met:
		o.meet(ctx, now, m.link)
	case *fell:
		o.fall(ctx, now, m)
	case stood:
		o.step(ctx, now, &pastry.Event{Kind: pastry.Paused})
	case reportAgain:
		o.stale, o.shown = true, ringIs{}
	case begin:
		if !o.node.Active() && now.Sub(o.heard) > beginAfter {
			o.started = true
			o.step(ctx, now, &pastry.Event{Kind: pastry.Start})
		}
	case *overlayIn:
		o.receive(ctx, now, m)
	case *locate:
		o.locate(ctx, now, m)
	case retire:
		o.step(ctx, now, &pastry.Event{Kind: pastry.Stop})
		ctx.Respond(retired{})
		return
	case *wake:
		if m.n == o.wakeN {
			o.wakeAt = time.Time{}
			o.step(ctx, now, &pastry.Event{Kind: pastry.Tick})
		}
	case errandsDue:
		o.running = false
		o.runErrands(ctx, now)
	case upkeep:
		ctx.After(lookAfter, upkeep{})
		o.upkeep(ctx, now)
	}
	o.show(ctx)
}

// start begins anew, also after a crash, with the links that are up.
func (o *overlay) start(ctx actor.Context, now time.Time) {
	o.self = o.book.know(o.r.ep.ID(), o.r.ep.Incarnation(), o.r.ep.Addrs(), true)
	o.node = pastry.New(o.cfg, o.book.book, o.self, o.r.seed[0]^uint64(now.UnixNano()))
	for _, l := range o.r.ep.Links() {
		o.meet(ctx, now, l)
	}
	ctx.After(lookAfter, upkeep{})
}

// at is the time of the core.
func (o *overlay) at(now time.Time) pastry.Time { return now.Sub(o.r.begun) }

// step runs the core and does what it says.
func (o *overlay) step(ctx actor.Context, now time.Time, e *pastry.Event) {
	o.out.Reset()
	o.node.Step(o.at(now), e, &o.out)
	for i := range o.out.Sends {
		o.send(now, o.out.Sends[i].To, &o.out.Sends[i].Msg)
	}
	o.arm(ctx, now, o.out.Wake)
	if len(o.errands) > 0 && !o.running {
		o.running = true
		ctx.After(runErrands, errandsDue{})
	}
	if len(o.out.Up) == 0 {
		return
	}
	for _, u := range slices.Clone(o.out.Up) { // what follows may step again
		switch u.Kind {
		case pastry.Deliver:
			o.deliver(ctx, now, &u.Msg)
		case pastry.Gone:
			o.doubt(now, u.Peer)
		case pastry.Ready:
			o.stale = true
			o.askAgain(ctx, now)
		case pastry.Unready, pastry.Changed:
			o.stale = true
		case pastry.Undelivered: // whoever asked asks again
		}
	}
}

// arm sets the one timer of the core, unless it fires early enough already.
func (o *overlay) arm(ctx actor.Context, now time.Time, due pastry.Time) {
	at := o.r.begun.Add(due)
	if due == 0 || !o.wakeAt.IsZero() && !at.Before(o.wakeAt) {
		return
	}
	if o.cancel != nil {
		o.cancel()
	}
	o.wakeN++
	o.wakeAt = at
	o.cancel = ctx.After(max(at.Sub(now), 0), &wake{o.wakeN})
}

// end returns what is known of the node behind l.
func (o *overlay) end(l link) *farEnd {
	e := o.links[l]
	if e == nil {
		same := onThisHost(l.RemoteAddr().String())
		addrs := append([]string{l.RemoteAddr().String()}, reachable(l.Hello().Addrs, same)...)
		e = &farEnd{handle: o.book.know(l.Peer(), l.Hello().Incarnation, addrs, true), far: !same}
		if e.handle != pastry.None {
			o.links[l] = e
			o.r.places.note(l.Peer(), few(addrs))
		}
	}
	return e
}

// meet tells the core of a link, and sends what waited for it.
func (o *overlay) meet(ctx actor.Context, now time.Time, l link) {
	if !l.Up() {
		return
	}
	e := o.end(l)
	if e.handle == pastry.None {
		return
	}
	e.met = now
	delete(o.doubted, l.Peer())
	if o.started {
		o.step(ctx, now, &pastry.Event{Kind: pastry.Met, From: e.handle, RTT: l.Stats().RTT})
	} else {
		o.started = true
		o.step(ctx, now, &pastry.Event{Kind: pastry.Start, Seeds: []pastry.Handle{e.handle}})
	}
	o.runErrand(e.handle)
}

// fall tells the core that a process has ended.
func (o *overlay) fall(ctx actor.Context, now time.Time, m *fell) {
	h := o.book.find(m.peer, m.incarnation)
	if h == pastry.None {
		return
	}
	o.drop(h, dropGone)
	if m.left { // as if it had said so to the ring, which it may have
		o.step(ctx, now, &pastry.Event{Kind: pastry.Recv, From: h, Msg: &pastry.Msg{Kind: pastry.Leave}})
		return
	}
	o.step(ctx, now, &pastry.Event{Kind: pastry.Down, From: h})
}

// receive takes a frame of a neighbour. What no node would send is ignored.
func (o *overlay) receive(ctx actor.Context, now time.Time, m *overlayIn) {
	if o.book.inUse() > maxHandles-2*wire.MaxRefs-2 {
		o.sweep()
	}
	e := o.end(m.from)
	if e.handle == pastry.None {
		return
	}
	o.book.far = e.far
	msg, err := pastry.Message(m.frame, o.book)
	if err != nil {
		o.r.log.Debug("frame of the overlay ignored", "peer", m.from.Peer().Short(), "reason", err)
		return
	}
	if msg.Active {
		o.heard = now
	}
	o.step(ctx, now, &pastry.Event{Kind: pastry.Recv, From: e.handle, Msg: &msg})
}

// doubt follows the verdict of the ring about a neighbour. If there is a link the
// detector has the last word; one that is silent to the ring alone is met again.
func (o *overlay) doubt(now time.Time, h pastry.Handle) {
	o.stale = true
	n := o.book.book.ID(h)
	if l := o.linkTo(h); l != nil && o.r.toPeer(n, doubtful{}) {
		o.doubted[n] = now
	}
}

// upkeep does every second what no message asks for.
func (o *overlay) upkeep(ctx actor.Context, now time.Time) {
	o.stale = true                                                       // table entries come and go without a word
	o.book.know(o.r.ep.ID(), o.r.ep.Incarnation(), o.r.ep.Addrs(), true) // interfaces come and go
	neighbours := o.neighbours()
	o.introduceLinked(ctx, now, neighbours)
	for h := range neighbours {
		_, peer := o.r.Routes().Peer(o.book.book.ID(h))
		if o.node.Active() && !(peer && o.node.Mesh()) { // in a mesh a peer that lost its link is dialled anyway
			o.reach(now, h)
		}
	}
	o.askLate(ctx, now)
	o.report(now)
	if o.book.crowded() {
		o.sweep()
	}
}

// introduceLinked makes the core meet linked nodes that it does not have: all of
// them in a mesh, strangers now and then in a structured ring, where another ring
// may be behind them.
func (o *overlay) introduceLinked(ctx actor.Context, now time.Time, neighbours map[pastry.Handle]bool) {
	every := lookAfter / 2
	if o.node.Active() && !o.node.Mesh() {
		every = strangers
	}
	for l, e := range o.links {
		if !l.Up() {
			delete(o.links, l)
			continue
		}
		p, known := o.r.Routes().Peer(l.Peer())
		if !known || p.State != Alive || neighbours[e.handle] || now.Sub(e.met) < every || now.Sub(o.doubted[l.Peer()]) < doubtFor {
			continue
		}
		o.meet(ctx, now, l)
	}
	for n, at := range o.doubted {
		if now.Sub(at) > time.Minute {
			delete(o.doubted, n)
		}
	}
}

// sweep frees the handles that nobody needs any more.
func (o *overlay) sweep() {
	used := append(o.node.Uses(nil), o.self)
	for _, e := range o.links {
		used = append(used, e.handle)
	}
	for h := range o.errands {
		used = append(used, h)
	}
	o.book.sweep(used)
}

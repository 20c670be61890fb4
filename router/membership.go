package router

import (
	"errors"
	"math/rand/v2"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/detector"
	"iris/transport"
	"iris/transport/wire"
)

const (
	reconcileEvery = time.Second     // compare with the endpoint's links
	exchangeEvery  = 5 * time.Second // tell one peer whom we know
	introduced     = 500 * time.Millisecond
	reportEvery    = time.Minute // of dropped candidates
	batch          = 10 * time.Millisecond
)

// peer is a member of the overlay as the router actor sees it.
type peer struct {
	Peer
	link       link // nil while there is none
	addrs      []string
	sameHost   bool // it runs on this machine
	introduced bool // its Peers frame has come, so we know whom it knows
	missing    bool // the last comparison found the link down, and no LinkDown
}

// membership is the actor iris/router. All fields belong to it.
//
// Invariants: (1) every peer has a kid, and every kid a peer; (2) a node in
// leaving is not in peers; (3) the published Routes hold exactly peers.
type membership struct {
	r         *Router
	rng       *rand.Rand
	book      *book
	peers     map[id.ID]*peer
	kids      map[id.ID]*actor.PID
	ending    map[id.ID]link       // kids being stopped; a link that came up meanwhile, or nil
	leaving   map[id.ID]goodbye    // announced departure, link not down yet
	health    detector.Health      // of this node
	unheard   map[string]time.Time // seeds, when they were last said not to answer
	silent    bool                 // all peers were suspect at the last tick
	lastWall  time.Time            // to notice jumps of the wall clock
	lastTick  time.Time
	reconcile time.Time // next
	exchange  time.Time // next
	reported  time.Time // when dropped candidates were last reported
	dirty     bool      // peers differ from the published routes
	changed   time.Time // since when
	form      ringIs    // mesh or structured, and the neighbours
	ripe      time.Time // since when a ring could begin
	beginAt   time.Time // not before is the overlay told to begin
	stray     time.Time // not before is hearsay followed in a structured ring
	events    []any     // published after the routes
	lost      []id.ID   // nodes whose pending replies and watches end then
	missed    []id.ID   // nodes that could not be found or linked, for the next Changed
	idle      []id.ID   // peers whose link was idle and has ended, for the next Changed
	over      bool      // this incarnation of the actor ends
}

type goodbye struct {
	link  link
	until time.Time
}

func newMembership(r *Router) *membership {
	m := &membership{
		r: r, rng: rand.New(rand.NewPCG(r.seed[0], r.seed[1])),
		peers: make(map[id.ID]*peer), kids: make(map[id.ID]*actor.PID),
		ending: make(map[id.ID]link), leaving: make(map[id.ID]goodbye),
	}
	m.book = newBook(r.ep.ID(), m.rng, func(n id.ID) bool { p := m.peers[n]; return p != nil && p.link != nil })
	return m
}

func (m *membership) Receive(ctx actor.Context) {
	now := time.Now()
	switch ctx.Message().(type) {
	case *actor.Restarting:
		m.over = true // the ends of the peer actors that follow are not their failures
	case *actor.Stopping:
		m.over = true
		m.r.endProbes()
	}
	if m.over {
		return
	}
	switch e := ctx.Message().(type) {
	case *actor.Started:
		m.start(ctx, now)
	case *transport.LinkUp:
		m.linkUp(ctx, now, e.Link)
	case *transport.LinkDown:
		m.linkDown(ctx, now, explain(e))
	case *transport.DialFailed:
		m.unreached(now, e)
	case *transport.Dialed:
		m.book.reached(e.Addr, e.Peer)
	case *linkUp:
		m.linkUp(ctx, now, e.link)
	case *linkDown:
		m.linkDown(ctx, now, e)
	case *dialFailed:
		m.book.failed(e.addr, e.peer)
		m.r.toCourier(e)
	case *candidate:
		m.hear(now, hint{peer: e.peer, addrs: []string{e.addr}, from: heard, fresh: true})
	case *peersIn:
		m.introduce(now, e)
	case *leaveIn:
		if p := m.peers[e.from]; p != nil && p.Incarnation == e.incarnation {
			m.depart(ctx, now, p)
		}
	case *opinion:
		m.opinion(ctx, now, e)
	case *ringIs:
		m.reform(now, e)
	case *redial:
		m.redial(now, e.peer)
	case *missed:
		m.missed = append(m.missed, e.nodes...)
		m.touch(now)
	case *refused:
		if pid := m.kids[e.peer]; pid != nil {
			ctx.Send(pid, &confirmed{e.incarnation})
		}
	case *silent:
		if p := m.peers[e.peer]; p != nil && p.link == e.link {
			p.refusable = true // the peer's actor reads it from the next snapshot
			if !m.dirty {
				m.snapshot(m.r.Routes().Version())
			}
		}
	case quieted:
		m.r.quiet.Store(true)
	case *subscribe:
		m.subscribe(ctx, e.pid)
	case *actor.Terminated:
		m.terminated(ctx, now, e.Who)
	case *leave:
		m.leave(ctx)
	case tick:
		ctx.After(tickEvery, tick{})
		actor.Beat(ctx)
		m.tick(ctx, now)
	}
	m.dial(now)
	if m.dirty && now.Sub(m.changed) < batch && m.r.sys.MailboxLen(ctx.Self()) > 0 {
		return // changes come in crowds: one snapshot for those that are here
	}
	m.publish(ctx)
	m.converge(now)
	m.flush()
}

// touch notes that peers changed.
func (m *membership) touch(now time.Time) {
	if !m.dirty {
		m.dirty, m.changed = true, now
	}
}

// start begins, also after a crash: peers are learnt from the links that are up,
// and what the last snapshot says beyond that is down.
func (m *membership) start(ctx actor.Context, now time.Time) {
	m.r.kids.Clear()
	m.r.pulse.beat(now, false, 0)
	m.health.Tick(now)
	m.lastWall, m.lastTick = now.Round(0), now
	m.reconcile, m.exchange = now.Add(reconcileEvery), now.Add(m.book.jitter(exchangeEvery))
	m.book.own = m.r.ep.Addrs()
	for _, s := range m.r.seeds {
		m.book.add(now, hint{addrs: []string{s}, from: seed})
	}
	m.form = m.r.Routes().form()
	if m.r.ran { // else there is nothing to repeat, and nobody to do so yet
		m.r.toOverlay(reportAgain{})
	}
	m.r.ran = true
	for _, l := range m.r.ep.Links() {
		m.linkUp(ctx, now, l)
	}
	for _, p := range m.r.Routes().Peers() {
		if m.peers[p.ID] == nil {
			m.touch(now)
			m.lost = append(m.lost, p.ID)
			m.book.add(now, hint{peer: p.ID, addrs: []string{p.Addr}, from: lost})
		}
	}
	for _, pid := range m.r.subscribers() {
		ctx.Watch(pid)
	}
	ctx.After(tickEvery, tick{})
}

// linkUp takes a link: the only way to become a peer.
func (m *membership) linkUp(ctx actor.Context, now time.Time, l link) {
	n, hello := l.Peer(), l.Hello()
	if n == m.r.ep.ID() || !l.Up() || m.r.leaving.Load() {
		return
	}
	if d, ok := m.book.left[n]; ok && hello.Incarnation <= d.incarnation {
		l.Close(wire.CodeLeave, "has left") // a dial that crossed the announcement
		return
	}
	if _, busy := m.ending[n]; busy {
		m.ending[n] = l // the old actor of that name must end first
		return
	}
	if p := m.peers[n]; p != nil && p.Incarnation != hello.Incarnation {
		m.lost = append(m.lost, n)
		m.down(ctx, now, p, "restarted")
		m.ending[n] = l
		return
	}
	p := m.peers[n]
	if p == nil {
		if len(m.peers) >= maxPeers {
			l.Close(wire.CodeBusy, "mesh is full")
			return
		}
		p = &peer{Peer: Peer{ID: n, Incarnation: hello.Incarnation, Since: now}}
		m.peers[n] = p
		m.attach(p, l)
		if !m.spawn(ctx, p) {
			delete(m.peers, n)
			return
		}
		m.touch(now)
		m.event(&actor.PeerUp{Peer: n.String(), Addr: p.Addr, Incarnation: p.Incarnation})
		if m.r.Routes().Structured() { // links come and go there
			m.r.log.Debug("link to a node", "peer", n.Short(), "addr", p.Addr)
		} else {
			m.r.log.Info("peer up", "peer", n.Short(), "addr", p.Addr)
		}
	} else if p.link != l {
		m.attach(p, l)
		ctx.Send(m.kids[n], &relinked{l})
	} else {
		return
	}
	m.book.up(n, p.addrs)
	m.r.toCourier(&connected{n})
	m.tellPeers(l, n)
	m.r.toOverlay(&met{l})
}

func (m *membership) attach(p *peer, l link) {
	hello := l.Hello()
	p.RTT = l.Stats().RTT
	p.link, p.Addr, p.Zone, p.Name = l, l.RemoteAddr().String(), hello.Zone, hello.Name
	if p.refusable = trusted(l); !p.refusable && len(m.peers) <= meshSmall {
		m.r.baseline(p.ID, l)
	}
	p.sameHost = onThisHost(p.Addr)
	p.addrs = usable(append([]string{p.Addr}, reachable(hello.Addrs, p.sameHost)...))
	m.r.places.note(p.ID, p.addrs)
}

// spawn gives p its actor. It fails when this actor is being stopped, and else
// only by a defect; then the next comparison with the links tries again.
func (m *membership) spawn(ctx actor.Context, p *peer) bool {
	r, n, incarnation := m.r, p.ID, p.Incarnation
	props := actor.Of(func() actor.Actor { return newPeerActor(r, n, incarnation) }).Mailbox(peerQueue).
		Strategy(actor.Strategy{MaxRestarts: -1, BackoffMax: time.Second})
	pid, err := ctx.SpawnNamed(props, "peer/"+n.String())
	switch {
	case errors.Is(err, actor.ErrDraining) || errors.Is(err, actor.ErrClosed):
		m.over = true
		return false
	case err != nil:
		m.r.log.Error("peer actor was not started", "peer", n.Short(), "error", err)
		return false
	}
	m.kids[n] = pid
	r.kids.Store(n, pid)
	return true
}

// linkDown takes the end of a link. What it tells about the peer is for the
// detector. Who waits for what was lost with the link has been told by the transport;
// one that was closed in order has lost nothing, but in a mesh nothing brings the
// answers either.
func (m *membership) linkDown(ctx actor.Context, now time.Time, e *linkDown) {
	n := e.link.Peer()
	current := m.r.ep.Link(n)
	if current == e.link {
		current = nil
	}
	idle := e.idle && m.r.Routes().Structured()
	if current == nil {
		m.r.toCourier(&parted{n, idle})
	}
	if current == nil && e.idle && !idle {
		m.lost = append(m.lost, n)
	}
	if g, ok := m.leaving[n]; ok && g.link == e.link {
		delete(m.leaving, n)
	}
	if m.ending[n] == e.link {
		m.ending[n] = nil
	}
	p := m.peers[n]
	switch {
	case p == nil || p.link != e.link || m.r.leaving.Load():
	case current != nil:
		m.linkUp(ctx, now, current)
	case e.how == detector.Left:
		p.link = nil
		m.depart(ctx, now, p)
	case idle:
		m.part(ctx, now, p)
	default:
		p.link = nil
		ctx.Send(m.kids[n], &unlinked{e.link, e.how})
	}
}

// opinion takes what a peer actor thinks of its peer.
func (m *membership) opinion(ctx actor.Context, now time.Time, e *opinion) {
	p := m.peers[e.peer]
	if p == nil || p.Incarnation != e.incarnation || m.r.leaving.Load() {
		return
	}
	switch e.change {
	case detector.Suspected:
		if p.State != Suspect {
			p.State = Suspect
			m.touch(now)
			m.event(&actor.PeerSuspected{Peer: p.ID.String(), Reason: e.reason})
			m.r.log.Debug("peer suspected", "peer", p.ID.Short(), "reason", e.reason)
		}
	case detector.Recovered:
		if p.State == Suspect {
			p.State = Alive
			m.touch(now)
			m.event(&actor.PeerRecovered{Peer: p.ID.String()})
		}
	case detector.Died:
		link, addrs := p.link, p.addrs
		if link != nil && link != e.link && link.Up() {
			return // a new link has come up since; the peer actor hears of it next
		}
		m.lost = append(m.lost, p.ID)
		m.down(ctx, now, p, e.reason)
		if link != nil {
			link.Close(wire.CodeDead, e.reason)
		}
		m.book.add(now, hint{peer: p.ID, incarnation: p.Incarnation, addrs: addrs, from: gone})
		m.announce(p.ID, p.Incarnation)
	case detector.None:
	}
}

// terminated takes the end of a peer actor, or of a subscriber.
func (m *membership) terminated(ctx actor.Context, now time.Time, who *actor.PID) {
	m.r.removeSubscriber(who)
	for n, l := range m.ending {
		if who.GetId() != ctx.Self().GetId()+"/peer/"+n.String() {
			continue
		}
		delete(m.ending, n)
		if l != nil {
			m.linkUp(ctx, now, l)
		}
		return
	}
	for n, pid := range m.kids {
		if !actor.Same(pid, who) {
			continue
		}
		// Not our doing: stopped from outside, perhaps as a part of our own end.
		m.r.kids.Delete(n)
		delete(m.kids, n)
		if p := m.peers[n]; p != nil && !m.spawn(ctx, p) {
			delete(m.peers, n)
			m.touch(now)
		}
		return
	}
}

func (m *membership) redial(now time.Time, n id.ID) {
	if p := m.peers[n]; p != nil && p.link == nil && m.book.find(n, nil) == nil {
		m.book.add(now, hint{peer: n, incarnation: p.Incarnation, addrs: p.addrs, from: lost})
	}
}

package router

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/detector"
	"iris/transport/wire"
)

const (
	fullPad    = 1400                   // makes a heartbeat fill a packet of any size that path discovery allows
	helpLimit  = 700 * time.Millisecond // for an indirect probe
	maxHelp    = 16                     // indirect probes under way for others
	meshNear   = 8                      // neighbours on each side of the ring that are watched closely
	meshSmall  = 32                     // nodes up to which everybody is
	farLimit   = 10 * time.Second       // the slowest heartbeat
	pauseGuard = detector.PauseAfter
)

// zeros pads heartbeats; never written to.
var zeros [fullPad]byte

// peerActor is iris/router/peer/<id>: a thin shell over the detector of one peer.
// After a crash it starts afresh from the link that is up.
type peerActor struct {
	r           *Router
	id          id.ID
	incarnation uint64
	link        link // nil while there is none
	det         *detector.Peer
	rng         *rand.Rand
	pauses      uint64    // of the pulse, as of the last step
	pausedAt    time.Time // when the detector was last told
	wakeAt      time.Time // armed timer
	wakeN       uint64    // its number; older ones are ignored
	cancel      func()
	helping     []help
	expiring    bool // an expire is on its way
}

// help is an indirect probe for somebody else.
type help struct {
	asker id.ID
	seq   uint64
	until time.Time
}

func newPeerActor(r *Router, n id.ID, incarnation uint64) *peerActor {
	return &peerActor{r: r, id: n, incarnation: incarnation, rng: rand.New(rand.NewPCG(r.seed[0], n.Lo))}
}

func (a *peerActor) Receive(ctx actor.Context) {
	now := time.Now()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx, now)
	case *relinked:
		if a.det.State() == detector.Dead { // the link came up while we buried it
			a.det = detector.NewPeer(now)
		}
		a.link = m.link
		a.step(ctx, now, detector.LinkUp{})
		a.tick(ctx, now)
	case *unlinked:
		if a.link == m.link {
			a.link = nil
			a.step(ctx, now, detector.LinkLost{How: m.how})
		}
	case *confirmed:
		if m.incarnation == a.incarnation {
			a.step(ctx, now, detector.Refused{})
		}
	case *wake:
		if m.n == a.wakeN {
			a.wakeAt = time.Time{}
			a.tick(ctx, now)
		}
	case *beatIn:
		a.send(&wire.HeartbeatAck{Seq: m.seq, Health: a.health()})
		a.step(ctx, now, detector.Heard{})
	case *accusedIn:
		a.send(&wire.HeartbeatAck{Health: a.health()})
		a.step(ctx, now, detector.Heard{})
	case *answerIn:
		a.step(ctx, now, detector.Answered{Seq: m.seq})
		a.reply(true, now)
	case *accusationIn:
		if m.incarnation == a.incarnation || m.incarnation == 0 {
			a.step(ctx, now, detector.Accused{By: m.by})
		}
	case *resultIn:
		a.step(ctx, now, detector.Indirect{By: m.by, Reached: m.reached})
	case doubtful:
		a.step(ctx, now, detector.Accused{})
	case *probeIn:
		a.help(ctx, now, m)
	case expire:
		a.expiring = false
		a.reply(false, now)
		a.expireLater(ctx, now)
	}
}

// start learns the link from the endpoint, also after a crash; the router is told
// that the slate is clean.
func (a *peerActor) start(ctx actor.Context, now time.Time) {
	a.pauses = a.r.pulse.pauses.Load()
	a.det = detector.NewPeer(now)
	a.link = a.r.ep.Link(a.id)
	ctx.Send(a.r.pid, &opinion{peer: a.id, incarnation: a.incarnation, change: detector.Recovered, reason: "started"})
	if a.link == nil {
		a.step(ctx, now, detector.LinkLost{How: detector.Silent})
		return
	}
	a.link.SetSuspect(false)
	a.tick(ctx, now)
}

func (a *peerActor) tick(ctx actor.Context, now time.Time) {
	routes := a.r.Routes()
	t := detector.Tick{Factor: a.r.pulse.factor(), Every: routes.period(a.id), Others: max(len(routes.links)-1, 0)}
	if a.link != nil {
		s := a.link.Stats()
		t.Link = detector.Sample{Received: s.PacketsReceived, Sent: s.PacketsSent, RTT: s.RTT}
	}
	a.step(ctx, now, t)
}

// step runs the detector and does what it says. It reports whether that was to
// send a heartbeat.
func (a *peerActor) step(ctx actor.Context, now time.Time, e detector.Event) (beat bool) {
	var out detector.Out
	if p := a.r.pulse.pauses.Load(); (p != a.pauses || a.r.pulse.overdue(now)) && now.Sub(a.pausedAt) > pauseGuard {
		a.pauses, a.pausedAt = p, now
		a.det.Step(now, detector.Paused{}, &out)
	}
	a.det.Step(now, e, &out)
	if out.Change != detector.None {
		if a.link != nil {
			a.link.SetSuspect(out.Change != detector.Recovered)
		}
		ctx.Send(a.r.pid, &opinion{peer: a.id, incarnation: a.incarnation, change: out.Change, reason: out.Reason, link: a.link})
	}
	if out.Beat {
		f := &wire.Heartbeat{Seq: out.Seq, Health: a.health()}
		if out.Full {
			f.Pad = zeros[:]
		}
		a.send(f)
	}
	if out.Tell {
		a.send(&wire.Suspects{Target: a.id, Incarnation: a.incarnation})
	}
	if out.Ask > 0 {
		a.ask(out.Ask)
	}
	if out.Refusal {
		a.probePort()
	}
	if out.Redial {
		ctx.Send(a.r.pid, &redial{a.id})
	}
	if out.Relink && a.link != nil {
		a.link.Close(wire.CodeStuck, "no answer over this link, though others reach the peer")
	}
	a.arm(ctx, now, out.Wake)
	return out.Beat
}

// arm sets the one timer, unless it fires early enough already.
func (a *peerActor) arm(ctx actor.Context, now time.Time, at time.Time) {
	if at.IsZero() || !a.wakeAt.IsZero() && !at.Before(a.wakeAt) {
		return
	}
	if a.cancel != nil {
		a.cancel()
	}
	a.wakeN++
	a.wakeAt = at
	a.cancel = ctx.After(at.Sub(now), &wake{a.wakeN})
}

func (a *peerActor) health() uint8 { return uint8(a.r.pulse.factor() - 1) }

// send gives f to the link. If the lane is full or the link gone, the missing
// answer will tell.
func (a *peerActor) send(f wire.Frame) {
	if a.link != nil {
		_ = a.link.TrySend(control, f)
	}
}

// ask begs k other peers, chosen at random among those believed alive, to try.
// In the structured form most have no link to the peer; its neighbours on the
// ring do.
func (a *peerActor) ask(k int) {
	routes := a.r.Routes()
	peers := slices.DeleteFunc(routes.Peers(), func(p Peer) bool { return p.ID == a.id || p.State != Alive })
	if routes.structured && len(peers) > 2*k {
		slices.SortFunc(peers, func(p, q Peer) int { return id.Distance(a.id, p.ID).Compare(id.Distance(a.id, q.ID)) })
		peers = peers[:2*k]
	}
	a.rng.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, p := range peers {
		if k == 0 {
			return
		}
		if l := a.r.ep.Link(p.ID); l != nil && l.TrySend(control, &wire.Probe{Seq: a.wakeN, Target: a.id}) == nil {
			k--
		}
	}
}

// help tries the peer on behalf of another one.
func (a *peerActor) help(ctx actor.Context, now time.Time, m *probeIn) {
	beat := a.step(ctx, now, detector.Accused{By: m.asker})
	if a.link == nil || len(a.helping) >= maxHelp {
		incarnation := a.incarnation
		if a.det.State() == detector.Alive || a.link != nil {
			incarnation = 0 // that says nothing about the peer
		}
		if l := a.r.ep.Link(m.asker); l != nil {
			_ = l.TrySend(control, &wire.ProbeResult{Seq: m.seq, Target: a.id, Incarnation: incarnation})
		}
		return
	}
	a.helping = append(a.helping, help{m.asker, m.seq, now.Add(helpLimit)})
	if !beat && len(a.helping) == 1 {
		a.send(&wire.Heartbeat{Health: a.health()}) // number 0: not one of the detector's
	}
	a.expireLater(ctx, now)
}

// reply answers those who asked for help: all when the peer has answered, else
// those whose time is up.
func (a *peerActor) reply(reached bool, now time.Time) {
	keep := a.helping[:0]
	for _, h := range a.helping {
		if reached || !now.Before(h.until) {
			a.answer(h, reached)
		} else {
			keep = append(keep, h)
		}
	}
	a.helping = keep
}

func (a *peerActor) answer(h help, reached bool) {
	if l := a.r.ep.Link(h.asker); l != nil {
		_ = l.TrySend(control, &wire.ProbeResult{Seq: h.seq, Target: a.id, Reached: reached, Incarnation: a.incarnation})
	}
}

func (a *peerActor) expireLater(ctx actor.Context, now time.Time) {
	if len(a.helping) > 0 && !a.expiring {
		a.expiring = true
		ctx.After(a.helping[0].until.Sub(now), expire{})
	}
}

// probePort asks the peer's host in a goroutine that Router.Leave waits for.
func (a *peerActor) probePort() {
	r, n, incarnation := a.r, a.id, a.incarnation
	p, ok := r.Routes().Peer(n)
	if !ok || !p.refusable {
		return
	}
	r.spawn(func() {
		if r.prober.Refused(r.ctx, p.Addr) {
			r.tell(&refused{n, incarnation})
		}
	})
}

// period returns how often to heartbeat n. A node watches its neighbours on the
// ring closely, the other leaves less so, and the rest at a rate that bounds the
// sum; who buries a peer tells others, and they look at once. In a small network
// everybody is close.
func (r *Routes) period(n id.ID) time.Duration {
	size := len(r.ring)
	if size <= meshSmall && !r.structured {
		return time.Second
	}
	at, found := slices.BinarySearchFunc(r.ring, n, id.ID.Compare)
	if !found {
		return farLimit
	}
	d := (at - r.at(r.self) + size) % size
	if min(d, size-d) <= meshNear {
		return time.Second
	}
	return min(time.Duration(size)*time.Second/(2*meshNear), farLimit)
}

package pastry

import (
	"slices"
	"time"
)

// probe is a Ping or LeafProbe that awaits its answer.
type probe struct {
	h     Handle
	seq   uint32
	sent  Time
	due   Time
	kind  Kind
	tries uint8
	want  want
}

// want says what a probe is for.
type want uint8

const (
	distance want = iota // how far? Silence means nothing
	told                 // somebody says that it is dead
	verdict              // it seems dead to ourselves, or should become a leaf
)

// distanceTries is how often a distance is asked for.
const distanceTries = 2

// ask probes h unless that is under way.
func (n *Node) ask(h Handle, kind Kind, w want) {
	for i := range n.probes {
		p := &n.probes[i]
		if p.h != h {
			continue
		}
		p.want = max(p.want, w)
		if kind == LeafProbe && p.kind == Ping {
			p.kind, p.tries = LeafProbe, 0
			n.leafProbes++
			n.launch(p)
		}
		return
	}
	n.probes = append(n.probes, probe{h: h, kind: kind, want: w})
	if kind == LeafProbe {
		n.leafProbes++
	}
	n.launch(&n.probes[len(n.probes)-1])
}

// launch sends a probe, for longer and longer.
func (n *Node) launch(p *probe) {
	wait := max(2*n.rto(n.peer(p.h)), n.cfg.ProbeMin) << p.tries
	n.seq++
	p.seq, p.sent, p.due, p.tries = n.seq, n.now, n.now+min(wait, 3*time.Second), p.tries+1
	n.wakeBy(p.due)
	if p.kind == Ping {
		n.send(p.h, &Msg{Kind: Ping, Seq: p.seq})
		return
	}
	n.send(p.h, &Msg{Kind: LeafProbe, Seq: p.seq, Leaves: n.leaves, Refs: n.lately()})
}

// answered ends the probe of from and takes its round trip.
func (n *Node) answered(from Handle, m *Msg) {
	n.revive(from)
	for i := range n.probes {
		p := &n.probes[i]
		if p.h != from {
			continue
		}
		if m.Kind == Pong && p.kind == LeafProbe {
			if m.Seq == p.seq && !m.Active { // it has no place to be a leaf in
				n.untry(from)
				n.endProbe(i)
			}
			return // otherwise it answered what was asked before
		}
		var rtt time.Duration
		if p.seq == m.Seq {
			rtt = max(n.now-p.sent, 1)
		}
		n.endProbe(i)
		if q := n.peer(from); q != nil && rtt > 0 {
			q.measure(rtt)
		}
		if m.Active || n.phase == probing { // in the latter case it may be so as well
			n.consider(from, rtt)
		}
		return
	}
}

func (n *Node) endProbe(i int) {
	if n.probes[i].kind == LeafProbe {
		n.leafProbes--
	}
	last := len(n.probes) - 1
	n.probes[i] = n.probes[last]
	n.probes = n.probes[:last]
	if last == 0 {
		n.probes = nil
	}
}

// probesDue repeats or gives up what was not answered in time.
func (n *Node) probesDue() {
	var silent []probe
	for i := 0; i < len(n.probes); i++ {
		p := &n.probes[i]
		if p.due > n.now {
			continue
		}
		tries := n.cfg.Tries
		if p.want == distance {
			tries = min(tries, distanceTries)
		}
		if int(p.tries) < tries {
			n.launch(p)
			continue
		}
		silent = append(silent, *p)
		n.endProbe(i)
		i--
	}
	// Nearest successors first: whoever stands before the dead announces them.
	slices.SortFunc(silent, func(a, b probe) int {
		return clockwise(n.id, n.book.ID(a.h)).Compare(clockwise(n.id, n.book.ID(b.h)))
	})
	for _, p := range silent {
		if p.kind == LeafProbe || p.want != distance {
			n.unanswered(&p)
		}
	}
	if silent != nil {
		n.settle()
	}
}

// unanswered draws the conclusion from silence.
func (n *Node) unanswered(p *probe) {
	n.shadow(p.h)
	if n.peer(p.h) == nil {
		n.bury(p.h, false)
		return
	}
	n.dead(p.h, p.want == told)
}

// shadow gives up h as a future leaf. While it was believed in, leaves farther
// away were not asked for: the farthest know them.
func (n *Node) shadow(h Handle) {
	if slices.Contains(n.tentative, h) && !n.isLeaf(h) {
		n.shadowed = true
		n.needRepair(0)
	}
	n.untry(h)
}

// untry gives up h as a future leaf.
func (n *Node) untry(h Handle) {
	if i := slices.Index(n.tentative, h); i >= 0 {
		n.tentative = without(n.tentative, i)
	}
}

// suspected reports whether h is under suspicion.
func (n *Node) suspected(h Handle) bool {
	return slices.ContainsFunc(n.probes, func(p probe) bool { return p.h == h && p.want != distance })
}

// verify finds out whether a neighbour is alive.
func (n *Node) verify(h Handle, w want) {
	if n.peer(h) != nil {
		n.ask(h, Ping, w)
	}
}

// suspectAll probes those whom somebody else found dead: hearsay is no proof.
func (n *Node) suspectAll(hs []Handle) {
	for _, h := range hs[:min(len(hs), MaxLeaves)] {
		if h != n.self && n.isLeaf(h) {
			n.verify(h, told)
		}
	}
}

// candidates probes those who would be leaves: hearsay makes no leaf either.
func (n *Node) candidates(hs []Handle) {
	set, old := n.tentative, n.leaves
	if set == nil {
		set = n.leaves
	}
	found := false
	for _, h := range hs[:min(len(hs), MaxLeaves)] {
		if h == n.self || h == None || slices.Contains(set, h) || !n.fits(set, h) || n.isGone(h) {
			continue
		}
		set, _ = n.with(set, h)
		found = true
	}
	if !found {
		return
	}
	n.tentative = set
	for _, h := range set {
		if !slices.Contains(old, h) {
			n.ask(h, LeafProbe, verdict)
		}
	}
}

// leafProbed answers a LeafProbe; without a place, as if it were a Ping.
func (n *Node) leafProbed(from Handle, m *Msg) {
	if !n.placed() {
		n.send(from, &Msg{Kind: Pong, Seq: m.Seq})
		if m.Active {
			n.invited(from)
		}
		return
	}
	n.meet(from, m)
	n.send(from, &Msg{Kind: LeafReply, Seq: m.Seq, Leaves: n.leaves, Refs: n.lately()})
}

// meet takes in what a LeafProbe or LeafReply says.
func (n *Node) meet(from Handle, m *Msg) {
	if !n.placed() {
		return
	}
	n.revive(from)
	n.addLeaf(from)
	n.resize(m.Active && !m.Mesh)
	n.follow(from, m)
	n.candidates(m.Leaves)
	n.suspectAll(m.Refs)
}

// settle goes on once nothing is asked any more.
func (n *Node) settle() {
	if n.leafProbes == 0 {
		n.tentative = nil
		if n.phase == probing {
			n.activate()
		}
	}
	if len(n.probes) > 0 {
		return
	}
	switch {
	case n.phase == searching:
		n.searched()
	case n.phase == active && !n.introduced:
		n.introduce()
	}
}

package pastry

import (
	"slices"
	"time"
)

// A node finds the overlay through seeds: nodes that the driver named or has a
// link to. All of them may still be looking for it themselves. A seed that has
// no place yet says so, the next one is asked, and all again soon after.

const (
	maxSeeds  = 64                     // further ones are not kept: the first lead to the rest
	seedAgain = 100 * time.Millisecond // until all seeds are asked again, at least
)

// learn adds to the seeds.
func (n *Node) learn(hs []Handle) {
	for _, h := range hs {
		if h == None || n.book.ID(h) == n.id {
			continue
		}
		i := slices.IndexFunc(n.seeds, func(s Handle) bool { return n.book.ID(s) == n.book.ID(h) })
		switch {
		case i < 0 && len(n.seeds) < maxSeeds:
			n.seeds = append(n.seeds, h)
		case i >= 0 && n.book.Epoch(n.seeds[i]) < n.book.Epoch(h):
			n.seeds[i] = h
		}
	}
}

// start looks for the overlay, or is its first node.
func (n *Node) start(seeds []Handle) {
	n.learn(seeds)
	alone := !slices.ContainsFunc(seeds, func(h Handle) bool { return n.book.ID(h) != n.id })
	switch {
	case alone && (n.phase == idle || n.phase == searching):
		n.begin()
	case n.phase == idle:
		n.join()
	}
}

// begin makes an overlay of one.
func (n *Node) begin() {
	n.introduced = false
	n.meshIf(true)
	n.activate()
}

// pick returns the seed whose turn it is, None if there are none.
func (n *Node) pick() Handle {
	if len(n.seeds) == 0 {
		return None
	}
	h := n.seeds[int(n.turn)%len(n.seeds)]
	n.turn++
	return h
}

// placeless hears that the node asked has no place in the ring to tell of.
func (n *Node) placeless(from Handle) {
	if n.phase != searching || from != n.near || !n.rowDue {
		return
	}
	n.forget(from)
	if n.asked++; int(n.asked) < len(n.seeds) {
		n.join()
		return
	}
	n.pauseJoin()
}

// pauseJoin asks nobody for a moment.
func (n *Node) pauseJoin() {
	n.asked, n.near = 0, None
	n.at(timerJoin, n.now+seedAgain+time.Duration(n.bits()%uint64(seedAgain)))
}

// forget drops what the search believed to be near: it does not help.
func (n *Node) forget(h Handle) {
	if h != None {
		n.dropEntry(h)
		n.dropPeer(h)
	}
}

// invited hears of an active node while it looks for one.
func (n *Node) invited(by Handle) {
	n.learn([]Handle{by})
	i := slices.Index(n.seeds, by)
	if i < 0 && len(n.seeds) > 0 {
		i = 0
		n.seeds[i] = by
	}
	n.turn = uint8(max(i, 0)) // the next to be asked
	if n.phase == searching && n.near == None {
		n.join()
	}
}

// met takes note of a link: one that has no place yet remembers a seed. Otherwise
// the other becomes a leaf or entry if it answers, as always. A stranger may
// belong to another ring: now and then one is asked who lives next to this node.
func (n *Node) met(from Handle, rtt time.Duration) {
	if from == None || n.book.ID(from) == n.id {
		return
	}
	n.revive(from)
	n.renew(from)
	if p := n.peer(from); p != nil {
		p.heard = beats(n.now)
		if p.srtt == 0 && rtt > 0 {
			p.measure(rtt)
		}
		return
	}
	if n.phase != active {
		n.learn([]Handle{from})
		if n.phase == searching && n.near == None {
			n.search(from)
		}
		return
	}
	if n.fits(n.leaves, from) {
		n.ask(from, LeafProbe, verdict)
		return
	}
	n.curious(from, n.nearer(from, rtt))
	if n.now >= n.strange {
		n.strange = n.now + n.cfg.HealMin
		n.findSelf(from)
	}
}

// renew sends a first probe of h again, which so far waited for the link: its
// round trip is then that of the link.
func (n *Node) renew(h Handle) {
	for i := range n.probes {
		if p := &n.probes[i]; p.h == h && p.tries == 1 {
			p.tries = 0
			n.launch(p)
		}
	}
}

// nearer reports whether h, that far away, would push out an entry.
func (n *Node) nearer(h Handle, rtt time.Duration) bool {
	r, c, ok := n.slot(h)
	p := n.peer(n.entry(r, c))
	return ok && rtt > 0 && p != nil && (p.srtt == 0 || units(rtt) < p.srtt)
}

// greet offers the seeds, some of which may be waiting for an active node and
// some in another ring, to be leaves.
func (n *Node) greet() {
	for _, h := range n.seeds {
		if !n.isLeaf(h) && n.fits(n.leaves, h) && !n.isGone(h) {
			n.ask(h, LeafProbe, distance)
		}
	}
}

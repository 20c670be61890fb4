package pastry

import (
	"slices"
	"time"
)

// gone is a node that was found dead or left.
type gone struct {
	h    Handle
	lost bool // was a neighbour and did not say goodbye: worth looking for
	when Time
}

const (
	maxGone      = 32
	goneFor      = 15 * time.Second       // hearsay does not bring a node back for so long
	latelyFor    = 30 * time.Second       // a death is passed on with leaf sets for so long
	maxLately    = 8                      // and so many at once
	announceWait = 300 * time.Millisecond // deaths are gathered for so long
	repairWait   = 2 * time.Second        // others may fill the gap meanwhile
	repairTries  = 3
	burstFor     = 15 * time.Second
	burstDeaths  = 3 // in that time make a disaster
	nextVerified = 4 // further successors probed after one died
)

// bury remembers that h is gone, and sends what it held another way.
func (n *Node) bury(h Handle, lost bool) {
	n.revive(h)
	n.reroute(h)
	if len(n.gone) >= maxGone {
		n.gone = append(n.gone[:0], n.gone[1:]...)
	}
	n.gone = append(n.gone, gone{h, lost, n.now})
}

// revive takes h, which was heard, off the list.
func (n *Node) revive(h Handle) {
	for i := range n.gone {
		if n.gone[i].h == h {
			n.gone = slices.Delete(n.gone, i, i+1)
			return
		}
	}
}

func (n *Node) isGone(h Handle) bool {
	for i := range n.gone {
		if n.gone[i].h == h {
			return n.now-n.gone[i].when < goneFor
		}
	}
	return false
}

// lately returns the newest dead, which travel with leaf sets.
func (n *Node) lately() []Handle {
	var hs []Handle
	for i := len(n.gone) - 1; i >= 0 && n.now-n.gone[i].when < latelyFor && len(hs) < maxLately; i-- {
		hs = append(hs, n.gone[i].h)
	}
	return hs
}

// remove takes h out of leaf set and table; at is its index among the leaves.
func (n *Node) remove(h Handle) (at int) {
	at = slices.Index(n.leaves, h)
	if at >= 0 {
		n.leaves = without(n.leaves, at)
	}
	n.dropEntry(h)
	n.dropPeer(h)
	n.out.Up = append(n.out.Up, Upcall{Kind: Gone, Peer: h})
	if at >= 0 {
		n.leafChanged()
		n.needRepair(repairWait)
	}
	return at
}

// dead removes a neighbour that does not answer. Its predecessor on the ring
// tells all leaves, gathered; everybody else tells the predecessor.
func (n *Node) dead(h Handle, hearsay bool) {
	at := n.remove(h)
	n.bury(h, true)
	n.failed()
	if at < 0 {
		return
	}
	n.disaster()
	before := at - 1
	for before >= 0 && n.suspected(n.leaves[before]) {
		before--
	}
	if before >= 0 {
		if !hearsay {
			n.send(n.leaves[before], &Msg{Kind: Announce, Refs: []Handle{h}})
		}
		return
	}
	if len(n.news) < MaxLeaves {
		n.news = append(n.news, h)
	}
	if n.due[timerAnnounce] == 0 {
		n.at(timerAnnounce, n.now+announceWait)
	}
	// Whole runs of successors may be dead: look at more and more at once.
	n.streak = min(n.streak+1, 8)
	ahead := n.leaves[:min(len(n.leaves), n.limit/2, nextVerified<<(n.streak-1))]
	for _, s := range ahead {
		if p := n.peer(s); p != nil && since(n.now, p.heard) > n.cfg.ProbeMin {
			n.verify(s, verdict)
		}
	}
}

// down takes the word of the driver: the process of h is gone.
func (n *Node) down(h Handle) {
	if i := slices.IndexFunc(n.probes, func(p probe) bool { return p.h == h }); i >= 0 {
		n.endProbe(i)
	}
	n.shadow(h)
	if n.peer(h) != nil {
		n.dead(h, false)
	} else if !n.isGone(h) {
		n.bury(h, false)
	}
	if h == n.near {
		n.joinAgain()
	}
	n.settle()
}

// disaster probes all leaves when some died in a short time: more may have.
func (n *Node) disaster() {
	if n.now-n.burstAt > burstFor {
		n.burstAt, n.burst = n.now, 0
	}
	if n.burst++; n.burst != burstDeaths {
		return
	}
	for _, h := range n.leaves {
		if since(n.now, n.peer(h).heard) > repairWait {
			n.verify(h, verdict)
		}
	}
}

// announce tells the leaves about those dead that stood beside this node.
func (n *Node) announce() {
	if len(n.news) == 0 {
		return
	}
	for _, h := range n.leaves {
		n.send(h, &Msg{Kind: Announce, Refs: n.news})
	}
	n.news = nil
}

// needRepair has the leaf set filled up, once, after wait.
func (n *Node) needRepair(wait time.Duration) {
	n.repairs = 0
	if n.due[timerRepair] == 0 {
		n.at(timerRepair, n.now+wait+n.jitter(wait/2))
	}
}

// repair asks the farthest leaf of each short side for its leaf set. A side
// without any leaf is looked for through the table.
func (n *Node) repair() {
	if n.phase != active {
		return
	}
	if n.progress {
		n.progress, n.repairs = false, 0
	}
	after, before := n.sides()
	half := n.limit / 2
	if n.shadowed {
		n.shadowed = false
		for _, side := range [][]Handle{after[max(len(after)-1, 0):], before[:min(len(before), 1)]} {
			for _, h := range side {
				n.ask(h, LeafProbe, verdict)
			}
		}
	}
	if len(after) >= half && len(before) >= half {
		n.streak = 0
		return
	}
	if n.repairs++; n.repairs > repairTries || len(n.leaves) == 0 {
		n.streak = 0
		n.seek()
		return
	}
	if k := len(after); k > 0 && k < half {
		n.ask(after[k-1], LeafProbe, verdict)
	}
	if k := len(before); k > 0 && k < half {
		n.ask(before[0], LeafProbe, verdict)
	}
	if len(after) == 0 || len(before) == 0 {
		n.seek()
	}
	n.at(timerRepair, n.now+n.jitter(repairWait))
}

// seek asks the table who lives next to this node, if it knows more than the
// leaf set does.
func (n *Node) seek() {
	if len(n.peers) > len(n.leaves) {
		for range 8 {
			if p := &n.peers[n.random(len(n.peers))]; !n.isLeaf(p.h) {
				n.findSelf(p.h)
				return
			}
		}
	}
}

// findSelf routes a Join for the own id through h.
func (n *Node) findSelf(h Handle) {
	n.joinID = n.bits()
	n.send(h, &Msg{Kind: Join, Origin: n.self, Key: n.id, ID: n.joinID})
}

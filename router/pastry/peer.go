package pastry

import (
	"cmp"
	"slices"
	"time"
)

// peer is what a node remembers of a leaf or table entry, in 12 bytes.
type peer struct {
	h     Handle
	srtt  uint16 // smoothed round trip in rttUnit; 0 = not measured
	dev   uint16 // its mean deviation
	heard uint32 // when something came from it, in beats
}

const (
	rttUnit  = 32 * time.Microsecond
	beatBits = 24 // a beat is 2^24 ns, 17 ms: 32 bits count two years
)

func beats(t Time) uint32 { return uint32(t >> beatBits) }

// since returns how long ago beat b was.
func since(now Time, b uint32) time.Duration { return Time(beats(now)-b) << beatBits }

func units(d time.Duration) uint16 { return uint16(min(max(d/rttUnit, 1), 1<<16-1)) }

func (p *peer) rtt() time.Duration { return time.Duration(p.srtt) * rttUnit }

// measure takes a round trip into the estimate (Jacobson 1988, as in RFC 6298).
func (p *peer) measure(d time.Duration) {
	u := units(d)
	if p.srtt == 0 {
		p.srtt, p.dev = u, u/2
		return
	}
	diff := int32(u) - int32(p.srtt)
	p.srtt = uint16(max(int32(p.srtt)+diff/8, 1))
	p.dev = uint16(int32(p.dev) + (max(diff, -diff)-int32(p.dev))/4)
}

// srtt returns the smoothed round trip to h in rttUnit, 0 if it is not known.
func (n *Node) srtt(h Handle) uint16 {
	if p := n.peer(h); p != nil {
		return p.srtt
	}
	return 0
}

// rto is how long to wait for p before trying somebody else.
func (n *Node) rto(p *peer) time.Duration {
	if p == nil || p.srtt == 0 {
		return n.cfg.RTOFirst
	}
	return p.rtt() + max(4*time.Duration(p.dev)*rttUnit, n.cfg.RTOMin)
}

// peer returns the record of h, nil if h is neither leaf nor table entry. It is
// valid until the next insertion or removal.
func (n *Node) peer(h Handle) *peer {
	lo, hi := 0, len(n.peers)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.peers[mid].h < h {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(n.peers) && n.peers[lo].h == h {
		return &n.peers[lo]
	}
	return nil
}

// addPeer makes a record for h, which was just heard.
func (n *Node) addPeer(h Handle, rtt time.Duration) *peer {
	i, found := slices.BinarySearchFunc(n.peers, h, func(p peer, h Handle) int { return cmp.Compare(p.h, h) })
	if !found {
		if len(n.peers) == cap(n.peers) {
			grown := make([]peer, len(n.peers), len(n.peers)+8)
			copy(grown, n.peers)
			n.peers = grown
		}
		n.peers = slices.Insert(n.peers, i, peer{h: h, heard: beats(n.now)})
	}
	p := &n.peers[i]
	if rtt > 0 {
		p.measure(rtt)
	}
	return p
}

// dropPeer forgets the record of h unless h is still a leaf or an entry.
func (n *Node) dropPeer(h Handle) {
	if n.isLeaf(h) || n.inTable(h) {
		return
	}
	i, found := slices.BinarySearchFunc(n.peers, h, func(p peer, h Handle) int { return cmp.Compare(p.h, h) })
	if found {
		n.peers = slices.Delete(n.peers, i, i+1)
	}
}

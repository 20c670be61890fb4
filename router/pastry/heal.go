package pastry

import "time"

// healPeriod keeps the search for lost nodes at a few per second in the whole
// network: one hit is enough, the rings then merge along the leaf sets.
func (n *Node) healPeriod() time.Duration {
	t := time.Duration(n.estimate() / 2 * float64(time.Second))
	return min(max(t, n.cfg.HealMin), n.cfg.HealMax)
}

// heal routes a Join for the own id through a node that was lost, or a seed. If
// that comes out at a neighbour all is well; otherwise two rings have found each
// other.
func (n *Node) heal() {
	n.at(timerHeal, n.now+n.jitter(n.healPeriod()))
	if n.phase != active {
		return
	}
	var lost []Handle
	for _, g := range n.gone {
		if g.lost && n.now-g.when < n.cfg.Gone {
			lost = append(lost, g.h)
		}
	}
	if len(lost) == 0 || n.random(8) == 0 {
		for _, s := range n.seeds {
			if n.book.ID(s) != n.id && n.peer(s) == nil {
				lost = append(lost, s)
			}
		}
	}
	if len(lost) > 0 {
		n.findSelf(lost[n.random(len(lost))])
	}
}

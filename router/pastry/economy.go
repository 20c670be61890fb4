package pastry

import (
	"math"
	"time"
)

// beat ends silence towards the predecessor, which watches this node. Whatever
// else was sent to it counts.
func (n *Node) beat() {
	if left := n.predecessor(); left != None && n.now-n.lastLeft >= n.cfg.Heartbeat {
		n.send(left, &Msg{Kind: Heartbeat})
	}
	n.at(timerBeat, max(n.lastLeft, n.now-n.cfg.Heartbeat+n.cfg.Heartbeat/8)+n.cfg.Heartbeat)
}

// watch probes the successor if it is silent; every other leaf has its own
// watcher (MSPastry, Castro et al. 2004).
func (n *Node) watch() {
	s := n.successor()
	if s == None {
		return
	}
	limit := n.cfg.Heartbeat + n.cfg.Heartbeat/4
	silent := min(since(n.now, n.peer(s).heard), n.now-n.watchFrom)
	if silent >= limit {
		n.ask(s, LeafProbe, verdict) // it may live, and know of nobody between us
		silent = 0
	}
	n.at(timerWatch, n.now+max(limit-silent, n.cfg.Heartbeat/8))
}

// failed counts a death for the estimate of the failure rate.
func (n *Node) failed() {
	n.expose()
	if n.fails++; n.fails > 16 { // the last 16 deaths, roughly
		n.fails /= 2
		n.exposure /= 2
	}
}

// expose adds the time that the peers have been known.
func (n *Node) expose() {
	n.exposure += float32((n.now - n.exposed).Seconds()) * float32(len(n.peers))
	n.exposed = n.now
}

// The failure rate assumed before any was seen: one in so many peer seconds.
const priorExposure = 200_000

// tablePeriod returns how often each table entry must prove that it is alive, so
// that a part TableLoss of all lookups meets a dead entry. An entry is dead for
// half a period on average, and a lookup takes log16 N entries.
func (n *Node) tablePeriod() time.Duration {
	rate := float64(n.fails+1) / float64(n.exposure+priorExposure)
	hops := max(math.Log2(n.estimate())/4, 1)
	t := 2 * n.cfg.TableLoss / (hops * rate)
	return time.Duration(min(max(t, n.cfg.TableMin.Seconds()), n.cfg.TableMax.Seconds()) * float64(time.Second))
}

// probeTable probes the next entry that was silent for a period.
func (n *Node) probeTable() {
	n.expose()
	period := n.tablePeriod()
	entries := len(n.peers)
	for range entries {
		n.cursor++
		p := &n.peers[int(n.cursor)%entries]
		if since(n.now, p.heard) >= period && n.inTable(p.h) {
			n.verify(p.h, verdict)
			break
		}
	}
	n.at(timerTable, n.now+max(n.jitter(period/time.Duration(entries+1)), time.Second))
	n.mesh()
}

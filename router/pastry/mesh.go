package pastry

import (
	"slices"
	"time"
)

// A mesh is the same overlay with another limit: everybody fits the leaf set. It
// ends at MeshMax nodes. Below MeshMin it begins again with those whose leaf sets
// let them think that there are so few; once they know everybody, the others see
// that it is true, and follow.

const (
	meshHoldMin = 5 * time.Minute // not a mesh again before; doubles each time
	meshHoldMax = 2 * time.Hour
	followEvery = time.Minute // the mesh beside a structured node is looked at
)

// meshIf makes everybody a leaf if the network does so.
func (n *Node) meshIf(others bool) {
	if others && n.cfg.MeshMax > n.cfg.Leaf {
		n.limit = n.cfg.MeshMax
	}
}

// resize turns a mesh that has grown too large into a leaf set. A few that left
// it take the others along.
func (n *Node) resize(structured bool) {
	if !n.Mesh() || len(n.leaves) < n.cfg.MeshMax && (!structured || len(n.leaves) < n.cfg.MeshMin) {
		return
	}
	n.limit = n.cfg.Leaf
	n.meshAgain = n.now + n.meshHold
	n.meshHold = min(2*n.meshHold, meshHoldMax)
	n.trim()
}

// mesh makes everybody a leaf again once the network is small enough for long.
func (n *Node) mesh() {
	switch {
	case n.Mesh() || n.cfg.MeshMax <= n.cfg.Leaf || n.now < n.meshAgain:
	case n.estimate() < float64(n.cfg.MeshMin):
		n.enlarge()
	case n.mesher != None && n.now >= n.meshAsk:
		n.meshAsk = n.now + followEvery
		n.ask(n.mesher, LeafProbe, distance)
		n.mesher = None // unless it answers
	}
}

func (n *Node) enlarge() {
	n.limit, n.mesher = n.cfg.MeshMax, None
	n.needRepair(0)
}

// follow joins the mesh of from if that is small enough and has everybody whom
// this node knows: its leaf set tells the true size, which the own one only
// estimates. Those that it does not have may be dead; after they are found so, the
// mesh is looked at again.
func (n *Node) follow(from Handle, m *Msg) {
	if n.Mesh() || !m.Mesh || !m.Active || n.cfg.MeshMax <= n.cfg.Leaf || len(m.Leaves) >= n.cfg.MeshMin {
		return
	}
	n.mesher = from
	all := true
	for i := range n.peers {
		p := &n.peers[i]
		if p.h == from || slices.Contains(m.Leaves, p.h) {
			continue
		}
		all = false
		if since(n.now, p.heard) >= followEvery {
			n.verify(p.h, verdict)
		}
	}
	if all && n.now >= n.meshAgain {
		n.enlarge()
	}
}

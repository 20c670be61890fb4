package pastry

import (
	"slices"
	"time"
)

// fewRefs is the size of a row that is worth less than the leaf set.
const fewRefs = 8

// What a RowRequest may ask for instead of a row.
const (
	rowNearby = 255 // the neighbours with the least round trips
	rowLeaves = 254 // the leaf set
)

const (
	settlePasses = 2
	crowd        = 8 // so many nodes expected behind a slot make it unlikely that there are none
	maxPatches   = 8 // rows asked for because of empty slots after joining
)

// settleRows is the pace at which a new node compares its first rows.
const settleRows = 5 * time.Second

// exchangeRow compares a row with that of the nearest entry of it, or now and
// then of any: what is near to a near node is near to this one.
func (n *Node) exchangeRow() {
	wait := n.cfg.Exchange
	switch rows := settlePasses * n.cfg.rows(n.estimate()); {
	case n.exchange < rows:
		wait = settleRows
	case n.settled:
	case n.phase == active && n.patch():
		n.at(timerExchange, n.now+n.jitter(settleRows))
		return
	default:
		n.settled = true
		n.pioneer() // some of those asked before may have been joining themselves
	}
	n.at(timerExchange, n.now+n.jitter(wait))
	if n.phase != active || len(n.table) == 0 {
		return
	}
	r := int(n.exchange) % len(n.table)
	if wait == settleRows {
		r = min(int(n.exchange)%int(n.cfg.rows(n.estimate())), len(n.table)-1)
	}
	n.exchange++
	to := n.nearest(r)
	if hs := n.appendRow(nil, r); len(hs) > 0 && wait != settleRows && n.random(4) == 0 {
		to = hs[n.random(len(hs))]
	}
	if to != None {
		n.send(to, &Msg{Kind: RowRequest, Row: uint8(r)})
	}
}

// patch asks any entry of a row for the rest of it if slots are empty that many
// nodes fit into: those asked before may have missed the same.
func (n *Node) patch() bool {
	behind := n.estimate() / 16
	for r := 0; r < len(n.table) && behind >= crowd && n.patches < maxPatches; r, behind = r+1, behind/16 {
		if hs := n.appendRow(nil, r); len(hs) > 0 && len(hs) < 15 {
			n.patches++
			n.send(hs[n.random(len(hs))], &Msg{Kind: RowRequest, Row: uint8(r)})
			return true
		}
	}
	return false
}

// nearest returns the neighbour with the least round trip of those whose row r
// is of use to this node.
func (n *Node) nearest(r int) Handle {
	best, least := None, uint16(0)
	for i := range n.peers {
		p := &n.peers[i]
		if p.srtt != 0 && (least == 0 || p.srtt < least) && shared(n.id, n.book.ID(p.h)) >= r {
			best, least = p.h, p.srtt
		}
	}
	return best
}

// nearby returns the neighbours with the least round trips.
func (n *Node) nearby(k int) []Handle {
	hs := make([]Handle, 0, k+1)
	for i := range n.peers {
		p := &n.peers[i]
		if p.srtt == 0 {
			continue
		}
		at := len(hs)
		for at > 0 && n.peer(hs[at-1]).srtt > p.srtt {
			at--
		}
		if at < k {
			hs = slices.Insert(hs, at, p.h)
			hs = hs[:min(len(hs), k)]
		}
	}
	return hs
}

// sendRow answers a RowRequest, with nothing while the node is not active.
func (n *Node) sendRow(to Handle, r int) {
	m := Msg{Kind: RowReply, Row: uint8(r)}
	if n.phase != active {
		n.send(to, &m)
		return
	}
	switch r {
	case rowNearby:
		m.Refs = n.nearby(16)
	case rowLeaves:
	default:
		m.Refs = n.appendRow(make([]Handle, 0, 15), r)
	}
	m.RTTs = make([]uint16, len(m.Refs))
	for i, h := range m.Refs {
		m.RTTs[i] = n.peer(h).srtt
	}
	if len(m.Refs) < fewRefs {
		m.Leaves = n.leaves
	}
	n.send(to, &m)
}

// rowCame measures the distance to those of the row that may improve the table:
// by the triangle inequality their round trip differs from the one that the
// sender measured by at most the round trip to the sender.
func (n *Node) rowCame(from Handle, m *Msg) {
	if !m.Active {
		n.placeless(from)
		return
	}
	if m.Row == rowLeaves {
		n.walk(from, m.Leaves)
		return
	}
	search := n.phase == searching && from == n.near
	if search {
		n.rowDue = false
		n.curious(from, true)
	}
	var here uint16
	if p := n.peer(from); p != nil {
		here = p.srtt
	}
	for i, h := range m.Refs[:min(len(m.Refs), 16)] {
		if h == None || h == n.self || n.peer(h) != nil || n.isGone(h) {
			continue
		}
		r, c, ok := n.slot(h)
		if !ok || !search && r != int(m.Row) {
			continue
		}
		if old := n.entry(r, c); old != None && here != 0 && i < len(m.RTTs) && m.RTTs[i] != 0 {
			least := max(int(m.RTTs[i])-int(here), int(here)-int(m.RTTs[i]))
			if p := n.peer(old); p.srtt != 0 && least >= int(p.srtt) {
				continue
			}
		}
		n.ask(h, Ping, distance)
	}
	if search {
		for _, h := range m.Leaves[:min(len(m.Leaves), fewRefs)] {
			n.curious(h, true)
		}
	}
	n.settle()
}

package router

import (
	"slices"
	"time"

	"iris/internal/id"
)

// State says what is believed of a peer.
type State uint8

const (
	Alive   State = iota // answers, as far as we know
	Suspect              // silent or late: avoid it, but it is still a member
)

// String returns "alive" or "suspect".
func (s State) String() string {
	if s == Suspect {
		return "suspect"
	}
	return "alive"
}

// Peer is what is known of one peer at the time of the snapshot.
type Peer struct {
	ID          id.ID
	Addr        string // host:port of the link, or of the last one
	Incarnation uint64
	Zone        string
	Name        string
	State       State
	RTT         time.Duration // smoothed; 0 while unknown
	Since       time.Time     // when it became a peer

	refusable bool // that its port refuses us would mean that the process is gone
}

// Routes is an immutable snapshot of the ring. The zero key space rule is that
// of id.Closer. A suspect stays in the ring until it is dead, so roots do not
// flap; Peer tells its state.
//
// Invariants: (1) ring is sorted and holds self exactly once; (2) peers holds
// exactly the ids of ring without self.
type Routes struct {
	self    id.ID
	version uint64
	ring    []id.ID
	peers   map[id.ID]Peer
}

// NewRoutes builds a snapshot; peers with the id of self or twice are dropped.
// The layers above use it in tests; the router makes its own.
func NewRoutes(self id.ID, version uint64, peers []Peer) *Routes {
	r := &Routes{self: self, version: version, ring: make([]id.ID, 0, len(peers)+1), peers: make(map[id.ID]Peer, len(peers))}
	r.ring = append(r.ring, self)
	for _, p := range peers {
		if _, twice := r.peers[p.ID]; twice || p.ID == self {
			continue
		}
		r.peers[p.ID] = p
		r.ring = append(r.ring, p.ID)
	}
	slices.SortFunc(r.ring, id.ID.Compare)
	return r
}

// Self returns the id of this node.
func (r *Routes) Self() id.ID { return r.self }

// Version increases with every change of the router.
func (r *Routes) Version() uint64 { return r.version }

// Len returns the number of nodes, self included.
func (r *Routes) Len() int { return len(r.ring) }

// at returns the index of the first id that is not smaller than key, modulo the
// size of the ring.
func (r *Routes) at(key id.ID) int {
	i, _ := slices.BinarySearchFunc(r.ring, key, id.ID.Compare)
	return i % len(r.ring)
}

// Root returns the node closest to key: the rendezvous of everything named so.
func (r *Routes) Root(key id.ID) id.ID {
	n := len(r.ring)
	right := r.at(key)
	a, b := r.ring[right], r.ring[(right+n-1)%n]
	if id.Closer(key, b, a) {
		return b
	}
	return a
}

// NextHop returns the peer to hand a message for key to, or self true if this
// node is the root. In the mesh form the next hop is the root.
func (r *Routes) NextHop(key id.ID) (n id.ID, self bool) {
	n = r.Root(key)
	return n, n == r.self
}

// Nearest returns the k nodes closest to key, nearest first, self included. The
// slice is the caller's.
func (r *Routes) Nearest(key id.ID, k int) []id.ID {
	n := len(r.ring)
	k = min(k, n)
	if k <= 0 {
		return nil
	}
	out := make([]id.ID, 0, k)
	right := r.at(key)
	left := (right + n - 1) % n
	for len(out) < k {
		a, b := r.ring[right], r.ring[left]
		if right == left || id.Closer(key, a, b) {
			out = append(out, a)
			right = (right + 1) % n
		} else {
			out = append(out, b)
			left = (left + n - 1) % n
		}
	}
	return out
}

// Peer returns what is known of n; false for self and strangers.
func (r *Routes) Peer(n id.ID) (Peer, bool) {
	p, ok := r.peers[n]
	return p, ok
}

// Peers returns all peers in the order of their ids. The slice is the caller's.
func (r *Routes) Peers() []Peer {
	out := make([]Peer, 0, len(r.peers))
	for _, n := range r.ring {
		if p, ok := r.peers[n]; ok {
			out = append(out, p)
		}
	}
	return out
}

// valid reports whether the invariants hold.
func (r *Routes) valid() bool {
	if !slices.IsSortedFunc(r.ring, id.ID.Compare) || !slices.Contains(r.ring, r.self) {
		return false
	}
	if len(r.ring) != len(r.peers)+1 || len(slices.Compact(slices.Clone(r.ring))) != len(r.ring) {
		return false
	}
	for _, n := range r.ring {
		if _, ok := r.peers[n]; ok == (n == r.self) {
			return false
		}
	}
	return true
}

// Changed is what a subscriber receives after each change, in order; changes that
// come at once come as one. Apply Down before Up: a peer replaced by a new
// incarnation of itself is in both. It is shared between subscribers: read only.
type Changed struct {
	Routes    *Routes // the ring after the change
	Up        []id.ID // peers that joined; on subscription all of them
	Down      []id.ID // peers that left, died or were replaced by a new incarnation
	Suspected []id.ID
	Recovered []id.ID
}

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

// Routes is an immutable snapshot of the ring as this node sees it. The zero key
// space rule is that of id.Closer. A suspect stays in the ring until it is dead,
// so roots do not flap; Peer tells its state.
//
// In the mesh form everybody is linked to everybody and the ring is known as a
// whole. In the structured form a node knows its leaf set and some entries of its
// routing table, which are mostly, not always, linked; see Ring.
//
// Invariants: (1) ring and links are sorted and hold nobody twice, ring holds
// self; (2) links holds exactly the ids of peers; (3) in the mesh form ring is
// links and self; (4) table is sorted and shares nobody with ring.
type Routes struct {
	self    id.ID
	version uint64
	active  bool
	ring    []id.ID // mesh: everybody; structured: leaves and self
	links   []id.ID
	peers   map[id.ID]Peer

	structured bool
	whole      bool    // ring is everybody
	from, to   id.ID   // the part of the circle where roots are known, clockwise
	table      []id.ID // nodes to route through, without leaves
	size       int
}

// NewRoutes builds a snapshot of the mesh form; peers with the id of self or
// twice are dropped. The layers above use it in tests; the router makes its own.
func NewRoutes(self id.ID, version uint64, peers []Peer) *Routes {
	r := linked(self, version, peers)
	r.active, r.whole = true, true
	r.ring = append(slices.Clone(r.links), self)
	slices.SortFunc(r.ring, id.ID.Compare)
	r.size = len(r.ring)
	return r
}

// linked returns a snapshot of the peers alone.
func linked(self id.ID, version uint64, peers []Peer) *Routes {
	r := &Routes{self: self, version: version, links: make([]id.ID, 0, len(peers)), peers: make(map[id.ID]Peer, len(peers))}
	for _, p := range peers {
		if _, twice := r.peers[p.ID]; twice || p.ID == self {
			continue
		}
		r.peers[p.ID] = p
		r.links = append(r.links, p.ID)
	}
	slices.SortFunc(r.links, id.ID.Compare)
	return r
}

// Self returns the id of this node.
func (r *Routes) Self() id.ID { return r.self }

// Version increases with every change of the router.
func (r *Routes) Version() uint64 { return r.version }

// Structured reports whether this is the structured form: most nodes are no
// peers, and roots are known only near this node.
func (r *Routes) Structured() bool { return r.structured }

// Active reports whether this node has its place in the ring. Until then, and
// while it checks who is left after a pause of the process, it names no roots.
func (r *Routes) Active() bool { return r.active }

// Len returns the number of nodes, self included; in the structured form about.
func (r *Routes) Len() int { return r.size }

// at returns the index of the first id that is not smaller than key, modulo the
// size of the ring.
func (r *Routes) at(key id.ID) int {
	i, _ := slices.BinarySearchFunc(r.ring, key, id.ID.Compare)
	return i % len(r.ring)
}

// closest returns the node of the ring that is closest to key.
func (r *Routes) closest(key id.ID) id.ID {
	n := len(r.ring)
	right := r.at(key)
	a, b := r.ring[right], r.ring[(right+n-1)%n]
	if id.Closer(key, b, a) {
		return b
	}
	return a
}

// Root returns the node closest to key: the rendezvous of everything named so. It
// is the zero id while the node is not active, and in the structured form for
// keys that lie nearer to others than to the leaf set: Router.Locate finds those.
func (r *Routes) Root(key id.ID) id.ID {
	root, _ := r.root(key)
	return root
}

// root returns the root of key if this node knows it: a leaf, or this node itself
// where nobody known is closer although the leaf set ends before key. That happens
// while one half of the ring seen from here is empty; what the overlay routes to
// key ends here then, so this node has to know that it is the root.
func (r *Routes) root(key id.ID) (n id.ID, known bool) {
	switch {
	case !r.active:
		return id.ID{}, false
	case r.covers(key):
		return r.closest(key), true
	case r.towards(key) == r.self:
		return r.self, true
	}
	return id.ID{}, false
}

// NextHop returns the node to hand a message for key to, or self true if this
// node is the root as far as it knows; the zero id and false while it is not
// active. In the mesh form the next hop is the root. In the structured form it may
// be a node without a link for the moment.
func (r *Routes) NextHop(key id.ID) (n id.ID, self bool) {
	switch {
	case !r.active:
		return id.ID{}, false
	case r.covers(key):
		n = r.closest(key)
	default:
		n = r.towards(key)
	}
	return n, n == r.self
}

// Nearest returns the k nodes closest to key, nearest first, self included; nil
// where Root knows nothing, and fewer than k if the leaf set has not more. The
// slice is the caller's.
func (r *Routes) Nearest(key id.ID, k int) []id.ID {
	n := len(r.ring)
	k = min(k, n)
	if _, known := r.root(key); k <= 0 || !known {
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
	out := make([]Peer, len(r.links))
	for i, n := range r.links {
		out[i] = r.peers[n]
	}
	return out
}

// valid reports whether the invariants hold.
func (r *Routes) valid() bool {
	for _, list := range [][]id.ID{r.ring, r.links, r.table} {
		for i := 1; i < len(list); i++ {
			if list[i-1].Compare(list[i]) >= 0 {
				return false
			}
		}
	}
	if !slices.Contains(r.ring, r.self) || slices.Contains(r.links, r.self) || len(r.links) != len(r.peers) {
		return false
	}
	if slices.ContainsFunc(r.links, func(n id.ID) bool { _, ok := r.peers[n]; return !ok }) {
		return false
	}
	if slices.ContainsFunc(r.table, func(n id.ID) bool { return slices.Contains(r.ring, n) }) {
		return false
	}
	return r.structured || len(r.ring) == len(r.links)+1
}

// Changed is what a subscriber receives after each change, in order; changes that
// come at once come as one. Apply Down before Up: a peer replaced by a new
// incarnation of itself is in both. All lists may be empty: then only leaf set,
// next hops or form have changed. It is shared between subscribers: read only.
type Changed struct {
	Routes    *Routes // the ring after the change
	Up        []id.ID // peers that joined; on subscription all of them
	Down      []id.ID // peers that left, died or were replaced by a new incarnation, never those whose link was idle
	Suspected []id.ID
	Recovered []id.ID
	Unreached []id.ID // nodes wanted by Keep or Post that could not be found or linked
	Idle      []id.ID // nodes that are no peers any more because nobody used the link; no death. A node that is in Up too has a new one
}

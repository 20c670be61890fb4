package pastry

import "iris/internal/id"

// shunned are the nodes that one message avoids.
type shunned struct {
	hs    [8]Handle
	n     uint8
	never id.ID // the node that a Join is about; zero: none
}

func (s *shunned) has(h Handle, x id.ID) bool {
	if s == nil {
		return false
	}
	for _, a := range s.hs[:s.n] {
		if a == h {
			return true
		}
	}
	return s.never == x && !x.IsZero()
}

func (s *shunned) add(h Handle) {
	if int(s.n) == len(s.hs) {
		copy(s.hs[:], s.hs[1:])
		s.n--
	}
	s.hs[s.n] = h
	s.n++
}

// next returns who should have a message for key: this node itself if it is the
// root. hold says that the root is a node that did not answer: it is asked again
// until it does, or is dead; nobody else may deliver in the meantime.
func (n *Node) next(key id.ID, s *shunned) (h Handle, hold bool) {
	if n.covers(key) {
		best, any := n.nearestLeaf(key, s)
		if best != n.self {
			return best, false
		}
		if h := n.closest(key, n.self, 0, s); h != n.self {
			return h, false
		}
		return any, any != n.self
	}
	r := shared(n.id, key)
	if h := n.entry(r, key.Digit(r)); h != None && !s.has(h, n.book.ID(h)) {
		return h, false
	}
	if h := n.rare(key, r, s); h != n.self { // closer, and no digit lost
		return h, false
	}
	if h := n.closer(key, 0, s); h != n.self {
		return h, false
	}
	only := shunned{never: s.never}
	h = n.closer(key, 0, &only)
	return h, h != n.self
}

// nearestLeaf returns the root of key among node and leaves, without and with
// the shunned ones.
func (n *Node) nearestLeaf(key id.ID, s *shunned) (best, any Handle) {
	best, any = n.self, n.self
	b, a := n.id, n.id
	for _, h := range n.leaves {
		x := n.book.ID(h)
		if x == s.never && !x.IsZero() {
			continue
		}
		if id.Closer(key, x, a) {
			any, a = h, x
		}
		if id.Closer(key, x, b) && !s.has(h, x) {
			best, b = h, x
		}
	}
	return best, any
}

// muchCloser says which nodes are as good as the closest one known: they are so
// many times closer to the key than this one, and than its leaf set is wide, so
// that theirs holds the root. With it the numbers of hops come out as Pastry's,
// whose rule is to take any node that is closer.
const muchCloser = 5

// rare stands in for an entry that the table does not have: the nearest of all
// known nodes that share prefix digits with key and are much closer to it, or the
// closest of them. It returns this node if none is closer.
func (n *Node) rare(key id.ID, prefix int, s *shunned) Handle {
	h := n.closer(key, prefix, s)
	if h == n.self {
		return h
	}
	near, least := h, n.srtt(h)
	first, last := n.span()
	limit := min(share(apart(key, n.id)), share(clockwise(first, last))) / muchCloser
	for i := range n.peers {
		p := &n.peers[i]
		if p.srtt == 0 || least != 0 && p.srtt >= least {
			continue
		}
		if x := n.book.ID(p.h); shared(key, x) >= prefix && share(apart(key, x)) <= limit && !s.has(p.h, x) {
			near, least = p.h, p.srtt
		}
	}
	return near
}

// closer returns the closest of all known nodes that share prefix digits with key
// and are closer than this one, which it returns if there is none.
func (n *Node) closer(key id.ID, prefix int, s *shunned) Handle {
	best, b := n.self, n.id
	for _, h := range n.leaves {
		x := n.book.ID(h)
		if id.Closer(key, x, b) && shared(key, x) >= prefix && !s.has(h, x) {
			best, b = h, x
		}
	}
	return n.closest(key, best, prefix, s)
}

package router

import (
	"net/netip"
	"slices"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport/wire"
)

// maxHandles bounds the address book: a frame brings at most 1025 nodes, and a
// ring node uses some hundreds.
const maxHandles = 8192

// handles is the address book of the overlay actor: which incarnation of which
// node a handle of the pastry core stands for, and where that can be dialled.
//
// Invariant: byNode names exactly the handles that are neither None nor free.
type handles struct {
	book   *pastry.Book
	byNode map[id.ID][]pastry.Handle // incarnations, nearly always one
	places []place                   // by handle
	free   []pastry.Handle
	lastly int  // handles in use after the last sweep
	far    bool // the frame that is being read comes from another host
}

type place struct {
	addrs []string // at most wire.MaxRefAddrs
	own   bool     // learnt from a link, or of this node: hearsay does not replace it
}

func newHandles() *handles {
	return &handles{book: pastry.NewBook(), byNode: make(map[id.ID][]pastry.Handle), places: make([]place, 1)}
}

// Handle returns the handle of n, None if there is no room for another. It makes
// handles the pastry.Refs of the frame that is being read.
func (b *handles) Handle(n wire.NodeRef) pastry.Handle {
	addrs := n.Addrs
	if b.far && slices.ContainsFunc(addrs, loopback) {
		addrs = reachable(addrs, false)
	}
	return b.know(n.ID, n.Incarnation, addrs, false)
}

// Ref returns what others should know of h.
func (b *handles) Ref(h pastry.Handle) wire.NodeRef {
	return wire.NodeRef{ID: b.book.ID(h), Incarnation: b.book.Epoch(h), Addrs: b.places[h].addrs}
}

// know returns the handle of an incarnation of n, and notes its addresses. own
// says that they are known at first hand.
func (b *handles) know(n id.ID, incarnation uint64, addrs []string, own bool) pastry.Handle {
	h := b.find(n, incarnation)
	if h == pastry.None {
		if h = b.make(n, incarnation); h == pastry.None {
			return h
		}
	}
	p := &b.places[h]
	if len(addrs) > 0 && (own || !p.own) && !slices.Equal(p.addrs, addrs) {
		if addrs = few(addrs); len(addrs) > 0 {
			p.addrs, p.own = addrs, own
		}
	}
	return h
}

func (b *handles) find(n id.ID, incarnation uint64) pastry.Handle {
	for _, h := range b.byNode[n] {
		if b.book.Epoch(h) == incarnation {
			return h
		}
	}
	return pastry.None
}

func (b *handles) make(n id.ID, incarnation uint64) (h pastry.Handle) {
	switch k := len(b.free); {
	case n.IsZero():
		return pastry.None
	case k > 0:
		h, b.free = b.free[k-1], b.free[:k-1]
		b.book.Set(h, n, incarnation)
	case b.book.Len() < maxHandles:
		h = b.book.Add(n, incarnation)
		b.places = append(b.places, place{})
	default:
		return pastry.None
	}
	b.byNode[n] = append(b.byNode[n], h)
	return h
}

// inUse returns how many handles stand for somebody.
func (b *handles) inUse() int { return b.book.Len() - 1 - len(b.free) }

// crowded reports whether a sweep is worth while.
func (b *handles) crowded() bool { return b.inUse() > 2*b.lastly+512 }

// sweep frees all handles but those in use.
func (b *handles) sweep(used []pastry.Handle) {
	keep := make([]bool, b.book.Len())
	for _, h := range used {
		keep[h] = true
	}
	for n, hs := range b.byNode {
		hs = slices.DeleteFunc(hs, func(h pastry.Handle) bool {
			if keep[h] {
				return false
			}
			b.places[h] = place{}
			b.free = append(b.free, h)
			return true
		})
		if b.byNode[n] = hs; len(hs) == 0 {
			delete(b.byNode, n)
		}
	}
	b.lastly = b.inUse()
}

// few returns at most two usable addresses, if possible one on this host and one
// for the others.
func few(addrs []string) []string {
	addrs = usable(addrs)
	if len(addrs) <= wire.MaxRefAddrs {
		return addrs
	}
	here := loopback(addrs[0])
	if i := slices.IndexFunc(addrs, func(a string) bool { return loopback(a) != here }); i > 0 {
		return []string{addrs[0], addrs[i]}
	}
	return addrs[:wire.MaxRefAddrs]
}

// loopback reports whether addr means the host that says it.
func loopback(addr string) bool {
	p, err := netip.ParseAddrPort(addr)
	return err == nil && p.Addr().Unmap().IsLoopback()
}

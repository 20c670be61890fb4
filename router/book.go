package router

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
)

const (
	maxCandidates = 1024
	maxAddrs      = 4 // addresses tried per candidate
	maxGone       = 64
	maxLeft       = 256

	hold      = 300 * time.Millisecond // the larger id waits for the smaller to dial
	holdWord  = 100 * time.Millisecond // and less if the smaller may not have heard of us
	stagger   = 200 * time.Millisecond // between the addresses of one candidate
	backoff   = 50 * time.Millisecond  // doubling, jittered
	backoffUp = 30 * time.Second       // its limit
	lostUp    = 2 * time.Second        // its limit while the peer is still a member
	seedUp    = 250 * time.Millisecond // its limit for a seed at first: it may be starting too, or be flooded
	seedEarly = 5 * time.Second
	seedRest  = 10 * time.Minute // for a seed whose link was idle
	goneEarly = 4 * time.Second  // between tries of a dead peer in the first minute
	goneLate  = 15 * time.Second // and later
	early     = time.Minute
	goneFor   = 90 * time.Minute // then the dead are forgotten (FreePastry's PartitionHandler)
	freshMin  = time.Second      // a fresh hint dials at once, but not more often
	tried     = 2 * time.Second  // a dial without outcome for so long counts as tried
	stale     = time.Minute      // hearsay that nobody repeats is forgotten
	leftFor   = 60 * time.Second // who announced departure is not looked for
)

// origin says why a candidate is in the book; a smaller one is more important.
type origin uint8

const (
	seed  origin = iota // configured: never forgotten
	lost                // was a peer and the link is gone: redial now
	gone                // was declared dead: a healed partition brings it back
	heard               // discovery, or another peer's word
)

// entry is one node that may be there. It is keyed by its id once that is known.
type entry struct {
	peer     id.ID // zero: unknown
	addrs    []string
	from     origin
	next     time.Time           // dial the next address then
	at       int                 // index of that address
	attempts int                 // rounds through all addresses
	began    time.Time           // the first dial
	inflight map[string]struct{} // dials without outcome
	settled  bool                // one round has come to an end
	since    time.Time           // when it was lost, for the limits
	heardAt  time.Time
	dialed   time.Time
}

// dial is an effect of the book.
type dial struct {
	addr string
	want id.ID
}

// book is the one bounded table of nodes that are not peers but might become
// some. Linked peers are not in it, seeds apart. Used by the router actor only;
// pure but for the generator it is given.
type book struct {
	self    id.ID
	rng     *rand.Rand
	entries []*entry
	linked  func(id.ID) bool
	left    map[id.ID]departure
	own     []string // addresses of this node, not to be dialled
	full    uint64   // candidates refused for want of room
}

type departure struct {
	incarnation uint64
	at          time.Time
}

func newBook(self id.ID, rng *rand.Rand, linked func(id.ID) bool) *book {
	return &book{self: self, rng: rng, linked: linked, left: make(map[id.ID]departure)}
}

// hint is a candidate as somebody named it.
type hint struct {
	peer        id.ID
	incarnation uint64 // 0 unknown
	addrs       []string
	from        origin
	fresh       bool // the node itself said so just now
}

// add takes a hint. Hints about peers, ourselves and those who left are ignored.
func (b *book) add(now time.Time, h hint) {
	addrs := usable(h.addrs)
	if len(addrs) == 0 || h.peer == b.self {
		return
	}
	if !h.peer.IsZero() && b.linked(h.peer) && h.from != lost && h.from != gone {
		return
	}
	if d, ok := b.left[h.peer]; ok && (h.incarnation == 0 || h.incarnation <= d.incarnation) {
		return
	}
	e := b.find(h.peer, addrs)
	if e == nil {
		if !b.room(h.from) {
			b.full++
			return
		}
		e = &entry{from: h.from, since: now, inflight: make(map[string]struct{})}
		e.next = now.Add(b.holdFor(h))
		b.entries = append(b.entries, e)
	} else if h.fresh && now.Sub(e.dialed) > freshMin && e.next.After(now) && e.attempts > 0 {
		e.at, e.next = 0, now.Add(b.holdFor(h))
	}
	if h.from == lost || h.from == gone {
		if e.from != seed {
			e.from = h.from
		}
		e.since, e.attempts, e.at = now, 0, 0
		e.next = now.Add(b.holdFor(h))
		if h.from == gone {
			e.settled = true
			e.next = now.Add(b.jitter(time.Second)) // it may just have been away for a moment
		}
	}
	e.heardAt = now
	if !h.peer.IsZero() {
		e.peer = h.peer
	}
	for _, a := range addrs {
		if !slices.Contains(e.addrs, a) && len(e.addrs) < maxAddrs {
			e.addrs = append(e.addrs, a)
		}
	}
	if h.from == gone {
		b.trimGone()
	}
}

// holdFor makes most pairs dial once: the smaller id at once, the larger later.
func (b *book) holdFor(h hint) time.Duration {
	switch {
	case h.peer.IsZero() || b.self.Compare(h.peer) < 0:
		return 0
	case h.from == heard && !h.fresh:
		return b.jitter(holdWord)
	}
	return b.jitter(hold)
}

// jitter returns d, give or take a quarter.
func (b *book) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(b.rng.Int64N(int64(d)/2+1))
}

func (b *book) find(peer id.ID, addrs []string) *entry {
	if !peer.IsZero() {
		for _, e := range b.entries {
			if e.peer == peer {
				return e
			}
		}
	}
	for _, e := range b.entries {
		// An entry of another node at the same address is another candidate.
		if (e.peer.IsZero() || peer.IsZero()) && slices.ContainsFunc(addrs, func(a string) bool { return slices.Contains(e.addrs, a) }) {
			return e
		}
	}
	return nil
}

// room makes room for one more, at the cost of the hearsay that failed most.
func (b *book) room(from origin) bool {
	if len(b.entries) < maxCandidates {
		return true
	}
	worst := -1
	for i, e := range b.entries {
		if e.from == heard && e.attempts > 0 && (worst < 0 || e.attempts > b.entries[worst].attempts) {
			worst = i
		}
	}
	if worst < 0 && from != heard {
		worst = slices.IndexFunc(b.entries, func(e *entry) bool { return e.from == heard })
	}
	if worst < 0 {
		return false
	}
	b.remove(worst)
	return true
}

func (b *book) remove(i int) { b.entries = slices.Delete(b.entries, i, i+1) }

// trimGone forgets the dead who were lost first.
func (b *book) trimGone() {
	n, oldest := 0, -1
	for i, e := range b.entries {
		if e.from == gone {
			n++
			if oldest < 0 || e.since.Before(b.entries[oldest].since) {
				oldest = i
			}
		}
	}
	if n > maxGone {
		b.remove(oldest)
	}
}

// up says that peer has a link; addrs are those it is known by, the far end of
// the link first. An entry that was only an address learns whose it is.
func (b *book) up(peer id.ID, addrs []string) {
	delete(b.left, peer)
	for _, e := range b.entries {
		var here bool
		if e.from == seed && len(e.inflight) > 0 { // somebody else may live there by now
			here = slices.ContainsFunc(addrs, func(a string) bool { return samePlace(e.addrs[0], a) })
		} else if e.peer.IsZero() {
			here = slices.ContainsFunc(addrs, func(a string) bool { return slices.Contains(e.addrs, a) })
		}
		if here {
			e.peer = peer
			break
		}
	}
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool {
		if e.peer != peer {
			return false
		}
		e.settled, e.attempts, e.at = true, 0, 0
		clear(e.inflight)
		return e.from != seed
	})
}

// failed says that a dial did not lead to a link. It reports whether the
// address is that of a seed.
func (b *book) failed(addr string, peer id.ID) (ofSeed bool) {
	if peer == b.self { // a list of seeds may well name this node
		b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool { _, ours := e.inflight[addr]; return ours })
		return false
	}
	for _, e := range b.entries {
		if _, ours := e.inflight[addr]; ours {
			ofSeed = ofSeed || e.from == seed
			delete(e.inflight, addr)
			e.settled = e.settled || len(e.inflight) == 0 && e.at == 0
		}
	}
	return ofSeed
}

// leave remembers that a node announced its departure and forgets it otherwise.
func (b *book) leave(now time.Time, peer id.ID, incarnation uint64) {
	if len(b.left) >= maxLeft {
		oldest := peer
		for n, d := range b.left {
			if oldest == peer || d.at.Before(b.left[oldest].at) {
				oldest = n
			}
		}
		delete(b.left, oldest)
	}
	b.left[peer] = departure{incarnation, now}
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool {
		if e.peer == peer && e.from == seed {
			e.peer = id.ID{} // somebody else may come to live there
			return false
		}
		return e.peer == peer
	})
}

// rest says that the link to a peer has ended because nobody used it. A seed there
// is called again, but not soon.
func (b *book) rest(now time.Time, peer id.ID) {
	for _, e := range b.entries {
		if e.peer == peer && e.from == seed {
			e.next = now.Add(b.jitter(seedRest))
		}
	}
}

// reached says that peer answers at an address that was dialled. There is a link,
// or one is about to come up: only then the entry is settled.
func (b *book) reached(addr string, peer id.ID) {
	for _, e := range b.entries {
		if _, ours := e.inflight[addr]; ours {
			delete(e.inflight, addr)
			e.peer, e.settled = peer, e.settled || b.linked(peer)
		}
	}
	if b.linked(peer) {
		b.up(peer, nil)
	}
}

// due returns what to dial now and forgets what nobody speaks of any more.
func (b *book) due(now time.Time) (dials []dial) {
	for n, d := range b.left {
		if now.Sub(d.at) > leftFor {
			delete(b.left, n)
		}
	}
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool {
		return e.from == heard && e.attempts >= 5 && now.Sub(e.heardAt) > stale || e.from == gone && now.Sub(e.since) > goneFor
	})
	for _, e := range b.entries {
		if !e.settled && !e.began.IsZero() && now.Sub(e.began) > tried {
			e.settled = true
		}
		if e.next.After(now) || !e.peer.IsZero() && b.linked(e.peer) {
			continue
		}
		if e.began.IsZero() {
			e.began = now
		}
		addr := e.addrs[e.at]
		want := e.peer
		if e.from == seed {
			want = id.ID{} // whoever lives there
		}
		if !slices.Contains(b.own, addr) {
			e.inflight[addr] = struct{}{}
			e.dialed = now
			dials = append(dials, dial{addr, want})
		}
		e.at++
		if e.at < len(e.addrs) {
			e.next = now.Add(stagger)
			continue
		}
		e.at = 0
		e.attempts++
		e.settled = e.settled || len(e.inflight) == 0
		e.next = now.Add(b.pause(now, e))
	}
	return dials
}

// pause returns how long to wait after a round.
func (b *book) pause(now time.Time, e *entry) time.Duration {
	limit := backoffUp
	switch e.from {
	case lost: // still a member, so it may come back at any time
		limit = lostUp
	case gone:
		if now.Sub(e.since) < early {
			return b.jitter(goneEarly)
		}
		return b.jitter(goneLate)
	case seed:
		switch age := now.Sub(e.since); {
		case age < seedEarly:
			limit = seedUp
		case !e.peer.IsZero() && age < early:
			limit = lostUp
		}
	case heard:
	}
	return b.jitter(min(backoff<<min(e.attempts, 12), limit))
}

// pending reports whether some candidate has not been tried yet.
func (b *book) pending() bool {
	return slices.ContainsFunc(b.entries, func(e *entry) bool {
		return !e.settled && (e.peer.IsZero() || !b.linked(e.peer))
	})
}

// forgetHearsay drops what was only heard of.
func (b *book) forgetHearsay() {
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool { return e.from == heard })
}

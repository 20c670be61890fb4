package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/topics/reliable"
	"iris/topics/scribe"
)

// epoch is the wall clock of the machines when a world begins.
var epoch = time.Unix(1_000_000, 0)

// How long it takes until the loss of a link counts as the death of the node
// behind it: package detector says 2.5 to 3 s after half a second to two.
const (
	noticeMin = 3 * time.Second
	noticeMax = 5 * time.Second
)

// forest is all that stands on the overlay of a world: its topics, and the links
// that carry their messages. Links keep the order and bring nothing twice; what
// Net loses vanishes, as frames do for which a lane has no room.
type forest struct {
	w       *World
	topics  []*Topic
	lists   []*List
	rng     *rand.Rand // apart from the world's: an overlay grows the same without topics
	mail    heap
	parcels []parcel
	free    []int32
	latest  map[id.ID]pastry.Handle          // newest incarnation
	older   map[pastry.Handle]pastry.Handle  // the incarnation before
	last    map[[2]pastry.Handle]pastry.Time // only if the network jitters
	noticed map[[2]pastry.Handle]bool        // who is about to notice the loss of whom
	cuts    map[[2]pastry.Handle]pastry.Time // links cut until then
	sent    [mailKinds]uint64
	blind   pastry.Time // until then nobody notices anything
}

// parcel is a message between two machines, or the news of a lost link.
type parcel struct {
	msg     any
	topic   int32
	stripe  int8 // of scribe's; else one of the following
	certain bool // the link is lost, and maybe replaced
}

const (
	toData = -1 // of reliable
	isLoss = -2 // the news of a lost link
)

// forest returns the forest of the world, which is planted by the first topic.
func (w *World) plant() *forest {
	if w.forest == nil {
		w.forest = &forest{
			w: w, rng: rand.New(rand.NewPCG(w.seed, 0x2718281828)), latest: map[id.ID]pastry.Handle{},
			older: map[pastry.Handle]pastry.Handle{}, last: map[[2]pastry.Handle]pastry.Time{}, noticed: map[[2]pastry.Handle]bool{}, cuts: map[[2]pastry.Handle]pastry.Time{},
		}
		for h := 1; h < len(w.members); h++ {
			w.forest.began(pastry.Handle(h))
		}
	}
	return w.forest
}

// began takes notice of a new incarnation.
func (f *forest) began(h pastry.Handle) {
	n := f.w.book.ID(h)
	if old := f.latest[n]; old != pastry.None {
		f.older[h] = old
	}
	f.latest[n] = h
}

// connected reports whether there can be a link between two nodes: it needs both
// directions.
func (f *forest) connected(a, b pastry.Handle) bool {
	cut := f.w.Net.Cut
	return (cut == nil || !cut(a, b) && !cut(b, a)) && f.cuts[pair(a, b)] <= f.w.now
}

func pair(a, b pastry.Handle) [2]pastry.Handle { return [2]pastry.Handle{min(a, b), max(a, b)} }

// way is the round trip between two nodes, 0 without a way, as precise as the wire
// format has it.
func (f *forest) way(from, to pastry.Handle) time.Duration {
	if to == pastry.None || !f.connected(from, to) {
		return 0
	}
	return (2 * f.w.Net.delay(f.w, from, to)).Truncate(time.Microsecond)
}

// post sends a message of a topic over a link.
func (f *forest) post(from pastry.Handle, n id.ID, p parcel) {
	to := f.latest[n]
	kind := mailKind(p.msg)
	f.w.mix(uint64(to)<<40 | uint64(kind)<<32 | uint64(uint8(p.stripe)))
	if to == pastry.None || to == from {
		return
	}
	f.sent[kind]++
	if !f.connected(from, to) {
		f.lose(from, to)
		f.lose(to, from)
		return
	}
	if f.w.codec != nil {
		p.msg = f.encode(p)
	}
	net := &f.w.Net
	if net.Loss > 0 && f.rng.Float64() < net.Loss {
		return
	}
	at := f.w.now + net.delay(f.w, from, to)
	if net.Jitter > 0 {
		at += time.Duration(f.rng.Float64() * net.Jitter * float64(at-f.w.now))
		way := [2]pastry.Handle{from, to}
		at = max(at, f.last[way])
		f.last[way] = at
	}
	f.put(at, from, to, p)
}

// put lets a parcel arrive.
func (f *forest) put(at pastry.Time, from, to pastry.Handle, p parcel) {
	var i int32
	if k := len(f.free); k > 0 {
		i, f.free = f.free[k-1], f.free[:k-1]
	} else {
		i = int32(len(f.parcels))
		f.parcels = append(f.parcels, parcel{})
	}
	f.parcels[i] = p
	f.mail.push(event{at: at, seq: f.w.order(), node: to, from: from, msg: i})
}

// dispatch handles an arrival or a wake-up of a machine.
func (f *forest) dispatch(e *event) {
	m := &f.w.members[e.node]
	if m.node != nil && m.paused > f.w.now {
		at := e.at
		e.at, e.seq = m.paused, f.w.order()
		if e.msg < 0 {
			f.rearm(e, at)
		}
		f.mail.push(*e)
		return
	}
	if e.msg < 0 {
		f.wake(e)
		return
	}
	p := f.parcels[e.msg]
	f.parcels[e.msg] = parcel{}
	f.free = append(f.free, e.msg)
	switch {
	case p.stripe == isLoss:
		f.lost(e.node, e.from, p.certain)
	case m.node == nil || e.from != e.node && !f.connected(e.from, e.node):
		f.lose(e.from, e.node)
		f.lose(e.node, e.from)
	default:
		f.arrive(e, p)
	}
}

// arrive hands a message to the machine that it is for.
func (f *forest) arrive(e *event, p parcel) {
	for old := f.older[e.from]; old != pastry.None; old = f.older[old] { // its death comes first
		if way := [2]pastry.Handle{e.node, old}; f.noticed[way] {
			delete(f.noticed, way)
			f.down(e.node, old)
		}
	}
	if a, ok := p.msg.(*scribe.Ack); ok && a.Code == scribe.Redirect {
		p.msg = f.shuffled(a)
	}
	if p.stripe == toList {
		f.lists[p.topic].take(e.node, e.from, p.msg)
		return
	}
	t, from := f.topics[p.topic], f.w.book.ID(e.from)
	at := t.part(e.node)
	at.meet(e.from)
	if p.stripe == toData {
		t.data(at, reliable.Recv{From: from, Msg: p.msg.(reliable.Message)})
	} else {
		t.tree(at, int(p.stripe), scribe.Recv{From: from, Msg: p.msg.(scribe.Message)})
	}
	t.retire(at)
}

// shuffled returns a Redirect with those it names in another order, as a node does:
// of places that cost the same not everybody is to take the first.
func (f *forest) shuffled(a *scribe.Ack) *scribe.Ack {
	b := *a
	b.Others = slices.Clone(a.Others)
	f.rng.Shuffle(len(b.Others), func(i, j int) { b.Others[i], b.Others[j] = b.Others[j], b.Others[i] })
	return &b
}

// lose lets a node notice, after a while, that its link to another is gone.
func (f *forest) lose(at, of pastry.Handle) {
	way := [2]pastry.Handle{at, of}
	if f.noticed[way] || f.w.members[at].node == nil {
		return
	}
	f.noticed[way] = true
	wait := noticeMin + time.Duration(f.rng.Int64N(int64(noticeMax-noticeMin)))
	f.put(f.w.now+wait, of, at, parcel{stripe: isLoss})
}

// lost is the moment in which a node gives up its link to another: it takes the
// other for dead, or has a new link soon.
func (f *forest) lost(at, of pastry.Handle, certain bool) {
	way := [2]pastry.Handle{at, of}
	if !certain && !f.noticed[way] || f.w.members[at].node == nil {
		return
	}
	if f.blind > f.w.now {
		f.put(f.blind+time.Duration(f.rng.Int64N(int64(time.Second))), of, at, parcel{stripe: isLoss, certain: certain})
		return
	}
	delete(f.noticed, way)
	m := &f.w.members[of]
	dead := m.node == nil
	switch {
	case certain && dead:
		f.down(at, of)
	case certain:
		f.doubt(at, of)
	case dead || m.paused > f.w.now || !f.connected(at, of):
		for x := of; x != pastry.None; x = f.older[x] { // the overlay loses the same link, and may have an older name for it
			f.w.step(at, &pastry.Event{Kind: pastry.Down, From: x})
		}
		f.down(at, of)
	}
}

// doubt tells the machines of a node that something it sent may not have arrived.
func (f *forest) doubt(at, of pastry.Handle) {
	for _, t := range f.topics {
		if p := t.at(at); p != nil {
			t.data(p, reliable.Lost{To: f.w.book.ID(of)})
		}
	}
}

// gone takes the overlay's word that a node is dead.
func (f *forest) gone(at, of pastry.Handle) {
	if f.blind > f.w.now {
		f.lose(at, of)
	} else if f.latest[f.w.book.ID(of)] == of {
		f.down(at, of)
	}
}

// down tells the machines of a node that another is gone.
func (f *forest) down(at, of pastry.Handle) {
	if f.w.members[at].node == nil {
		return
	}
	n := f.w.book.ID(of)
	for _, t := range f.topics {
		p := t.at(at)
		if p == nil {
			continue
		}
		for i := range p.trees {
			t.tree(p, i, scribe.Down{Node: n})
		}
		t.data(p, reliable.Down{Node: n})
		t.retire(p)
	}
	for _, l := range f.lists {
		l.down(at, n)
	}
}

// neighbours appends the nodes that h shares an edge of a tree with.
func (f *forest) neighbours(h pastry.Handle) (to []pastry.Handle) {
	for _, t := range f.topics {
		p := t.at(h)
		if p == nil {
			continue
		}
		for i := range p.trees {
			tree := p.trees[i].Tree()
			for _, n := range append(append(tree.Children, tree.Copies...), tree.Parent) {
				if x := f.latest[n]; x != pastry.None && x != h && !slices.Contains(to, x) {
					to = append(to, x)
				}
			}
		}
	}
	return to
}

// crashed ends all machines of a node; those on the other ends of its links notice.
func (f *forest) crashed(h pastry.Handle, said bool) {
	for _, x := range f.neighbours(h) {
		if said {
			f.put(f.w.now+f.w.Net.delay(f.w, h, x), h, x, parcel{stripe: isLoss, certain: true})
		} else {
			f.lose(x, h)
		}
	}
	for _, t := range f.topics {
		t.drop(h)
	}
	for _, l := range f.lists {
		if l.at(h) != nil {
			l.parts[h] = nil
		}
	}
}

// paused lets those around a node that stands still notice it if that lasts.
func (f *forest) paused(h pastry.Handle) {
	for _, x := range f.neighbours(h) {
		f.lose(x, h)
	}
}

// strain lets both ends of all edges that the network cuts now notice it.
func (f *forest) strain() {
	for _, h := range f.w.alive {
		for _, x := range f.neighbours(h) {
			if !f.connected(h, x) {
				f.lose(h, x)
				f.lose(x, h)
			}
		}
	}
}

// CutLink cuts the link between two nodes for a while, too short to take the other
// for dead: what is on it is lost, and both notice when they have a new one.
func (w *World) CutLink(a, b pastry.Handle, d time.Duration) {
	f := w.plant()
	f.cuts[pair(a, b)] = w.now + d
	for _, x := range [][2]pastry.Handle{{a, b}, {b, a}} {
		f.put(w.now+d, x[1], x[0], parcel{stripe: isLoss, certain: true})
	}
}

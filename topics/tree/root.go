package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// root is the role of the node closest to the group's key.
type root struct {
	reign   bool         // we are root, as our ring and our pullers say
	version wire.Version // Root is this node; Counter grows with every push
	entries map[id.ID]*held
	list    []wire.Entry // of entries, by node; replaced, never changed
	bytes   int          // of the list on the wire
	dirty   bool         // the list differs from what Counter was last pushed with
	next    time.Time    // earliest next push: changes close together share one
	known   uint64       // counters up to here are known by every asker
	askers  map[id.ID]*leased
	acks    []pendingAck // oldest first
	gone    map[id.ID]departed

	census census

	confirmed bool // nobody near the key knows more than we do
	fresh     []id.ID
	pull      *pull
	lookups   []lookup // held back until the pull ends

	superseded time.Time // someone nearer the key pulled: until then it is the root
	sweep      time.Time // next look at what expired
	replicate  time.Time // next refresh of the copies
	copies     []id.ID   // who holds copies now
}

type held struct {
	wire.Entry
	until  time.Time
	copied bool // from a copy; the member has not said so itself
}

// leased is an asker with a lease.
type leased struct {
	until time.Time
	acked uint64 // largest counter acknowledged, or known to be contained in the list it got
}

// departed remembers a leave so that an old copy does not undo it.
type departed struct {
	epoch uint64
	until time.Time
}

// pendingAck is an answer that waits until the askers know. Frame gets sent.
type pendingAck struct {
	to      id.ID
	seq     uint64
	counter uint64    // every live asker must have acknowledged it
	until   time.Time // or this must have passed
	sure    bool      // and the reign must be confirmed
	pulled  bool      // answer a pull instead of acknowledging
}

type lookup struct {
	from id.ID
	seq  uint64
	have wire.Version
}

func (r *root) idle() bool {
	return len(r.entries) == 0 && len(r.askers) == 0 && len(r.acks) == 0 && r.pull == nil && len(r.gone) == 0 && r.census.mode == scribe.List
}

// begin makes this node root. What it held as a copy is where it starts from.
func (m *Machine) begin() {
	r := &m.root
	if r.reign {
		return
	}
	*r = root{
		reign: true, fresh: r.fresh,
		version: wire.Version{Root: m.cfg.Self, Epoch: m.nextEpoch()},
		entries: map[id.ID]*held{}, askers: map[id.ID]*leased{}, gone: map[id.ID]departed{},
	}
	for _, e := range m.copy.entries {
		if e.Node == m.cfg.Self { // the member here tells itself
			continue
		}
		r.entries[e.Node] = &held{e, m.now.Add(m.cfg.Lease), true}
	}
	m.crossed(m.copy.mode)
	m.headless()
	m.copy = replica{}
	m.rebuild()
}

// abdicate ends the reign: what was held becomes a copy, held back questions go
// to the next root, the leases are taken back.
func (m *Machine) abdicate() {
	r := &m.root
	if !r.reign {
		return
	}
	r.reign = false
	m.copy = replica{from: m.cfg.Self, version: r.version, entries: r.list, mode: uint8(m.shown()), until: m.now.Add(2 * m.cfg.Lease)}
	if m.copy.empty() {
		m.copy = replica{}
	}
	r.census = census{}
	for _, l := range r.lookups {
		m.send(l.from, &wire.GroupView{Seq: l.seq, Group: m.cfg.Group, Version: wire.Version{Root: m.ring.Root}, Code: CodeNotRoot})
	}
	for _, a := range r.acks {
		m.ack(a.to, a.seq, CodeNotRoot)
	}
	r.lookups, r.acks, r.pull, r.dirty = nil, nil, nil, false
	r.entries, r.list, r.bytes, r.gone, r.fresh, r.copies = nil, nil, 0, nil, nil, nil
	m.push(CodeMoved)
	for _, a := range r.askers { // nobody waits longer for what is taken back
		a.until = earlier(a.until, m.now.Add(m.cfg.PushWait))
	}
	r.sweep = m.now.Add(m.cfg.PushWait)
}

// rootRing follows the ring.
func (m *Machine) rootRing(before id.ID, e Ring) {
	r := &m.root
	r.superseded = time.Time{}
	if len(e.Up) > 0 || e.Root != before {
		r.confirmed = false
		r.fresh = append(r.fresh, e.Up...)
		if over := len(r.fresh) - maxFresh; over > 0 {
			r.fresh = r.fresh[over:]
		}
	}
	if e.Root != m.cfg.Self {
		m.abdicate()
	}
	changed := false
	for _, n := range e.Down {
		delete(r.askers, n)
		if _, ok := r.entries[n]; ok {
			delete(r.entries, n)
			changed = true
		}
		m.copy.drop(n)
		m.pullAnswered(n)
	}
	if changed {
		m.changed()
	}
	if m.precious() && !slices.Equal(r.copies, m.copyHolders()) {
		m.replicate()
	}
}

// Copied returns the member nodes that this root knows from copies only. In the
// structured form nobody tells it that one of them is dead: it has no link to it.
func (m *Machine) Copied() []id.ID {
	var nodes []id.ID
	for n, e := range m.root.entries {
		if e.copied {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, id.ID.Compare)
	return nodes
}

// reigns reports whether to act as root, and begins to if need be.
func (m *Machine) reigns() bool {
	if m.ring.Root != m.cfg.Self || m.now.Before(m.root.superseded) {
		return false
	}
	m.begin()
	return true
}

func (m *Machine) ack(to id.ID, seq uint64, c Code) {
	v := m.root.version
	if c == CodeNotRoot {
		v = wire.Version{Root: m.ring.Root}
	}
	m.send(to, &wire.GroupAck{Seq: seq, Code: c, Version: v, Mode: uint8(m.root.census.mode)})
}

func (m *Machine) rootJoin(from id.ID, f *wire.GroupJoin) {
	if !m.reigns() {
		m.ack(from, f.Seq, CodeNotRoot)
		return
	}
	r := &m.root
	if f.Entry.Node != from || f.Entry.Members == 0 {
		m.ack(from, f.Seq, CodeRefused)
		return
	}
	old := r.entries[from]
	until := m.now.Add(m.cfg.Lease)
	switch {
	case old != nil && old.Entry == f.Entry:
		old.until, old.copied = until, false
		if !r.dirty && m.told(r.version.Counter) { // else it may have come by a pull a moment ago
			m.ack(from, f.Seq, CodeOK)
			return
		}
	case old != nil && old.Epoch > f.Entry.Epoch:
		m.ack(from, f.Seq, CodeOK) // overtaken by a later one, which is what counts
		return
	default:
		size, n := r.bytes+listBytes(&f.Entry), len(r.entries)+1
		if old != nil {
			size, n = size-listBytes(&old.Entry), n-1
		}
		if size > maxListBytes || n > wire.MaxEntries {
			m.ack(from, f.Seq, CodeFull)
			return
		}
		delete(r.gone, from)
		r.entries[from] = &held{f.Entry, until, false}
		m.changed()
	}
	m.ackLater(from, f.Seq)
}

func (m *Machine) rootLeave(from id.ID, f *wire.GroupLeave) {
	if !m.reigns() {
		m.ack(from, f.Seq, CodeNotRoot)
		return
	}
	r := &m.root
	if f.Node != from {
		m.ack(from, f.Seq, CodeRefused)
		return
	}
	if len(r.gone) < maxGone {
		r.gone[from] = departed{f.Epoch, m.now.Add(2 * m.cfg.Lease)}
	}
	if old := r.entries[from]; old != nil && old.Epoch <= f.Epoch {
		delete(r.entries, from)
		m.changed()
	}
	m.ackLater(from, f.Seq)
}

// ackLater acknowledges to a member once every asker that may choose by an
// older list knows the present one.
func (m *Machine) ackLater(to id.ID, seq uint64) {
	r := &m.root
	if len(r.acks) >= m.cfg.MaxWaiters {
		m.ack(to, seq, CodeFull)
		return
	}
	if slices.ContainsFunc(r.acks, func(a pendingAck) bool { return a.to == to && a.seq == seq }) {
		return // sent again while it waits
	}
	a := pendingAck{to: to, seq: seq, counter: r.version.Counter, until: m.now.Add(m.cfg.PushWait), sure: true}
	if r.dirty {
		a.counter++
	}
	r.acks = append(r.acks, a)
	m.confirm()
}

func (m *Machine) rootLookup(from id.ID, f *wire.GroupLookup) {
	if !m.reigns() {
		m.send(from, &wire.GroupView{Seq: f.Seq, Group: m.cfg.Group, Version: wire.Version{Root: m.ring.Root}, Code: CodeNotRoot})
		return
	}
	r := &m.root
	l := lookup{from, f.Seq, f.Have}
	if len(r.list) == 0 && !r.confirmed { // not from ignorance
		m.confirm()
		if r.pull != nil {
			if len(r.lookups) < m.cfg.MaxWaiters {
				r.lookups = append(r.lookups, l)
			}
			return
		}
	}
	m.grant(l)
}

func (m *Machine) pollRoot() {
	r := &m.root
	m.pollPull()
	if !r.sweep.After(m.now) {
		m.expire()
	}
	if r.dirty && !m.now.Before(r.next) {
		m.flush()
	}
	if m.precious() && !r.replicate.After(m.now) {
		m.replicate()
	}
	m.settle()
}

// expire forgets what nobody refreshed.
func (m *Machine) expire() {
	r := &m.root
	changed := false
	for n, e := range r.entries {
		if !m.now.Before(e.until) {
			delete(r.entries, n)
			changed = true
		}
	}
	for n, a := range r.askers {
		if !m.now.Before(a.until) {
			delete(r.askers, n)
		}
	}
	for n, g := range r.gone {
		if !m.now.Before(g.until) {
			delete(r.gone, n)
		}
	}
	r.sweep = m.now.Add(m.cfg.Lease / 6)
	if changed {
		m.changed()
	}
}

func (m *Machine) wakeRoot(at func(time.Time)) {
	r := &m.root
	if !r.idle() {
		at(r.sweep)
	}
	if m.precious() {
		at(r.replicate)
	}
	if r.dirty {
		at(r.next)
	}
	for _, a := range r.acks {
		at(a.until)
	}
	if r.pull != nil {
		at(r.pull.until)
	}
}

const (
	maxFresh = 8    // newcomers asked besides the nearest nodes
	maxGone  = 4096 // departures remembered
)

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// keys returns the keys of a map in order, so that equal runs send equally.
func keys[V any](m map[id.ID]V) []id.ID {
	k := make([]id.ID, 0, len(m))
	for n := range m {
		k = append(k, n)
	}
	slices.SortFunc(k, id.ID.Compare)
	return k
}

package wire

import "iris/internal/id"

// Kinds of a Group.
const (
	GroupCluster  uint8 = 1
	GroupTopic    uint8 = 2
	GroupReliable uint8 = 3 // the reliable trees of a topic
)

// Values of GroupView.Mode, GroupAck.Mode and TreeAck.Mode.
const (
	ModeList  uint8 = 0 // a list of members at the root
	ModeTrees uint8 = 1
)

// Group names a cluster, a topic, or the reliable trees of a topic.
type Group struct {
	Kind uint8 // GroupCluster, GroupTopic or GroupReliable
	Name string
}

// Version orders the member lists of one group: lists of one root by Epoch,
// then by Counter. The zero Version stands for "none".
type Version struct {
	Root    id.ID  // who issued it
	Epoch   uint64 // grows each time a node becomes root of the group
	Counter uint64 // grows with each change under one root
}

// Entry is one member node of a group.
type Entry struct {
	Node     id.ID
	Epoch    uint64 // grows with each registration of the node in the group
	Members  uint32 // handlers the node runs for the group
	Weight   uint32 // relative capacity, 0 = the same as Members
	Zone     string // of the node, may be empty
	Draining bool   // is leaving: choose it for nothing new
	Reliable bool   // takes reliable events of the topic through its reliable trees
}

// Load is what a member node says about itself when it answers.
type Load struct {
	InFlight      uint32 // requests of the cluster accepted and not yet answered
	LatencyMicros uint32 // smoothed time from arrival to answer
	Draining      bool
	Members       uint32 // handlers
}

const (
	sizeVersion = sizeArray + sizeID + 2*sizeUint
	sizeLoad    = sizeArray + 3*sizeUint + sizeBool

	// leastEntry is the length of the shortest encoded Entry, that of an older
	// peer: array, nil, three zeros, empty zone, false.
	leastEntry = 7
)

func (g *Group) size() int { return sizeArray + sizeUint + sizeStr(g.Name) }

func sizeEntries(entries []Entry) int {
	n := sizeArray
	for i := range entries {
		n += entries[i].size()
	}
	return n
}

func (e *Entry) size() int {
	return sizeArray + sizeID + 3*sizeUint + sizeStr(e.Zone) + 2*sizeBool
}

func (w *Writer) group(g *Group) {
	if g.Kind == 0 {
		w.fail("group without a kind")
	}
	w.array(2)
	w.uint(uint64(g.Kind))
	w.name(g.Name)
}

func (r *Reader) group() (g Group) {
	outer := r.open()
	if g.Kind = r.uint8(); g.Kind == 0 {
		r.fail(reasonRange)
	}
	g.Name = r.name()
	r.close(outer)
	return g
}

func (w *Writer) version(v *Version) {
	w.array(3)
	w.id(v.Root)
	w.uint(v.Epoch)
	w.uint(v.Counter)
}

func (r *Reader) version() Version {
	outer := r.open()
	v := Version{Root: r.id(), Epoch: r.uint64(), Counter: r.uint64()}
	r.close(outer)
	return v
}

func (w *Writer) entry(e *Entry) {
	w.array(7)
	w.id(e.Node)
	w.uint(e.Epoch)
	w.uint(uint64(e.Members))
	w.uint(uint64(e.Weight))
	w.optName(e.Zone)
	w.bool(e.Draining)
	w.bool(e.Reliable)
}

func (r *Reader) entry() Entry {
	outer := r.open()
	e := Entry{
		Node: r.id(), Epoch: r.uint64(), Members: r.uint32(), Weight: r.uint32(),
		Zone: r.optName(), Draining: r.bool(),
		Reliable: r.more() && r.bool(),
	}
	r.close(outer)
	return e
}

func (w *Writer) entries(entries []Entry) {
	w.list(len(entries), MaxEntries)
	for i := range entries {
		w.entry(&entries[i])
	}
}

func (r *Reader) entries() []Entry {
	n, outer := r.list(MaxEntries, leastEntry)
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = r.entry()
	}
	r.close(outer)
	return entries
}

func (w *Writer) load(l *Load) {
	w.array(4)
	w.uint(uint64(l.InFlight))
	w.uint(uint64(l.LatencyMicros))
	w.bool(l.Draining)
	w.uint(uint64(l.Members))
}

func (r *Reader) load() Load {
	outer := r.open()
	l := Load{InFlight: r.uint32(), LatencyMicros: r.uint32(), Draining: r.bool(), Members: r.uint32()}
	r.close(outer)
	return l
}

package wire

import "iris/internal/id"

// The frames by which the nodes of a group build a tree per stripe. They share
// the fanout lane with the data of the tree, so that a join, what resumes the
// data, and the data itself arrive in this order.

// TreeJoin asks the receiver to become, or to stay, the sender's parent.
// Answer: TreeAck with the same Seq.
type TreeJoin struct {
	Group   Group
	Stripe  uint8
	Seq     uint64
	Found   uint8   // how the sender found the receiver, numbered by topics/scribe
	Members uint32  // member nodes in the sender's subtree
	Sample  []id.ID // some of them, at most MaxSample
}

// TreeAck answers a TreeJoin; with Seq 0 a parent tells of a change unasked.
type TreeAck struct {
	Group   Group
	Stripe  uint8
	Seq     uint64
	Code    uint8       // numbered by topics/scribe
	Rooted  bool        // Path ends at the root
	Path    []id.ID     // from the sender to the root, at most MaxPath
	Backups []id.ID     // other parents for the receiver, best first, at most MaxBackups
	Others  []TreeOther // children of a sender that is full, at most MaxOthers
	Next    id.ID       // the sender's next hop to the key
	Sample  []id.ID     // some member nodes, at most MaxSample
	Mode    uint8       // how the group is kept from now on: 0 list, 1 trees
}

// TreeOther is a child named to a joiner that found no room.
type TreeOther struct {
	Node      id.ID
	RTTMicros uint32 // between it and its parent; 0 = not known
	Members   uint32 // member nodes in its subtree
}

// TreeLeave ends what TreeJoin began. No answer.
type TreeLeave struct {
	Group  Group
	Stripe uint8
}

// TreeReplica copies the root's state to a node that would be root next. No
// answer.
type TreeReplica struct {
	Group    Group
	Stripe   uint8
	Children []id.ID // at most MaxChildren; none: forget it
}

// TreeInvite is the word of a new root to the children of a dead one: join me.
// No answer but their TreeJoin.
type TreeInvite struct {
	Group  Group
	Stripe uint8
	Old    id.ID // the dead root
}

func (*TreeJoin) Kind() Kind    { return KindTreeJoin }
func (*TreeAck) Kind() Kind     { return KindTreeAck }
func (*TreeLeave) Kind() Kind   { return KindTreeLeave }
func (*TreeReplica) Kind() Kind { return KindTreeReplica }
func (*TreeInvite) Kind() Kind  { return KindTreeInvite }

// sizeTree is what the frames of a tree have in common.
func sizeTree(g *Group) int { return sizeHead + g.size() + sizeUint }

func sizeIDs(list []id.ID) int { return sizeArray + len(list)*sizeID }

func (f *TreeJoin) Size() int { return sizeTree(&f.Group) + 3*sizeUint + sizeIDs(f.Sample) }

func (f *TreeAck) Size() int {
	return sizeTree(&f.Group) + 3*sizeUint + sizeBool + sizeIDs(f.Path) + sizeIDs(f.Backups) +
		sizeArray + len(f.Others)*sizeOther + sizeID + sizeIDs(f.Sample)
}
func (f *TreeLeave) Size() int   { return sizeTree(&f.Group) }
func (f *TreeReplica) Size() int { return sizeTree(&f.Group) + sizeIDs(f.Children) }
func (f *TreeInvite) Size() int  { return sizeTree(&f.Group) + sizeID }

func (f *TreeJoin) append(w *Writer) {
	w.tree(KindTreeJoin, 4, &f.Group, f.Stripe)
	w.uint(f.Seq)
	w.uint(uint64(f.Found))
	w.uint(uint64(f.Members))
	w.ids(f.Sample, MaxSample)
}

func (f *TreeJoin) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Seq = r.uint64()
	f.Found = r.uint8()
	f.Members = r.uint32()
	f.Sample = r.ids(MaxSample)
}

func (f *TreeAck) append(w *Writer) {
	w.tree(KindTreeAck, 9, &f.Group, f.Stripe)
	w.uint(f.Seq)
	w.uint(uint64(f.Code))
	w.bool(f.Rooted)
	w.ids(f.Path, MaxPath)
	w.ids(f.Backups, MaxBackups)
	w.others(f.Others)
	w.id(f.Next)
	w.ids(f.Sample, MaxSample)
	w.uint(uint64(f.Mode))
}

func (f *TreeAck) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Seq = r.uint64()
	f.Code = r.uint8()
	f.Rooted = r.bool()
	f.Path = r.ids(MaxPath)
	f.Backups = r.ids(MaxBackups)
	f.Others = r.others()
	f.Next = r.id()
	f.Sample = r.ids(MaxSample)
	f.Mode = r.uint8()
}

func (f *TreeLeave) append(w *Writer) { w.tree(KindTreeLeave, 0, &f.Group, f.Stripe) }
func (f *TreeLeave) parse(r *Reader)  { f.Group, f.Stripe = r.tree() }

func (f *TreeReplica) append(w *Writer) {
	w.tree(KindTreeReplica, 1, &f.Group, f.Stripe)
	w.ids(f.Children, MaxChildren)
}

func (f *TreeReplica) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Children = r.ids(MaxChildren)
}

func (f *TreeInvite) append(w *Writer) {
	w.tree(KindTreeInvite, 1, &f.Group, f.Stripe)
	w.id(f.Old)
}

func (f *TreeInvite) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Old = r.id()
}

const (
	sizeOther  = sizeArray + sizeID + 2*sizeUint
	leastOther = 4 // bytes of the shortest: array, nil, two zeros
)

// tree begins a frame of a tree: the group by its plain name, and the stripe,
// before the given number of further fields.
func (w *Writer) tree(k Kind, fields int, g *Group, stripe uint8) {
	w.head(k, 2+fields)
	w.plainGroup(g)
	w.uint(uint64(stripe))
}

func (r *Reader) tree() (g Group, stripe uint8) {
	g = r.plainGroup()
	return g, r.uint8()
}

func (w *Writer) others(list []TreeOther) {
	w.list(len(list), MaxOthers)
	for i := range list {
		w.array(3)
		w.id(list[i].Node)
		w.uint(uint64(list[i].RTTMicros))
		w.uint(uint64(list[i].Members))
	}
}

func (r *Reader) others() []TreeOther {
	n, outer := r.list(MaxOthers, leastOther)
	list := make([]TreeOther, n)
	for i := range list {
		inner := r.open()
		list[i] = TreeOther{Node: r.id(), RTTMicros: r.uint32(), Members: r.uint32()}
		r.close(inner)
	}
	r.close(outer)
	return list
}

func (w *Writer) ids(list []id.ID, most int) {
	w.list(len(list), most)
	for _, n := range list {
		w.id(n)
	}
}

func (r *Reader) ids(most int) []id.ID {
	n, outer := r.list(most, 1)
	list := make([]id.ID, n)
	for i := range list {
		list[i] = r.id()
	}
	r.close(outer)
	return list
}

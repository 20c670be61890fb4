package wire

import "iris/internal/id"

// GroupJoin registers the sender's members of a group with the group's root,
// and refreshes the registration. Answer: GroupAck with the same Seq.
type GroupJoin struct {
	Seq   uint64
	Group Group
	Entry Entry
}

// GroupLeave removes a registration made at or before Epoch. Answer: GroupAck.
type GroupLeave struct {
	Seq   uint64
	Group Group
	Node  id.ID
	Epoch uint64
}

// GroupLookup asks the root for the member list and a lease on it. Answer:
// GroupView; GroupSame without entries if the list is still the one in Have.
type GroupLookup struct {
	Seq   uint64
	Group Group
	Have  Version
}

// GroupView carries a member list: the answer to a GroupLookup (Seq as asked),
// or pushed to the holder of a lease when the list changed (Seq 0, PushSeq
// set), which answers GroupAck with Seq = PushSeq.
type GroupView struct {
	Seq     uint64
	PushSeq uint64
	Group   Group
	Version Version
	LeaseMs uint32 // how long the receiver will be told of changes
	Code    uint16 // GroupOK, GroupNotRoot, ...
	Entries []Entry
	Mode    uint8 // ModeList or ModeTrees; an older peer leaves it out
}

// GroupAck answers GroupJoin, GroupLeave and a pushed GroupView, of which it
// echoes PushSeq as Seq, and Version.
type GroupAck struct {
	Seq     uint64
	Code    uint16
	Version Version
	Mode    uint8 // ModeList or ModeTrees; an older peer leaves it out
}

// GroupReplica gives the root's list to a node that would take over as root
// (Seq 0, no answer), or answers a GroupPull (Seq as asked).
type GroupReplica struct {
	Seq     uint64
	Group   Group
	Version Version
	Entries []Entry
	Mode    uint8 // ModeList or ModeTrees; an older peer leaves it out
}

// GroupPull asks a possible former root or replica for what it knows of a
// group. Answer: GroupReplica with the same Seq.
type GroupPull struct {
	Seq   uint64
	Group Group
}

func (*GroupJoin) Kind() Kind    { return KindGroupJoin }
func (*GroupLeave) Kind() Kind   { return KindGroupLeave }
func (*GroupLookup) Kind() Kind  { return KindGroupLookup }
func (*GroupView) Kind() Kind    { return KindGroupView }
func (*GroupAck) Kind() Kind     { return KindGroupAck }
func (*GroupReplica) Kind() Kind { return KindGroupReplica }
func (*GroupPull) Kind() Kind    { return KindGroupPull }

func (f *GroupJoin) Size() int  { return sizeHead + sizeUint + f.Group.size() + f.Entry.size() }
func (f *GroupLeave) Size() int { return sizeHead + 2*sizeUint + f.Group.size() + sizeID }
func (f *GroupLookup) Size() int {
	return sizeHead + sizeUint + f.Group.size() + sizeVersion
}

func (f *GroupView) Size() int {
	return sizeHead + 5*sizeUint + f.Group.size() + sizeVersion + sizeEntries(f.Entries)
}
func (*GroupAck) Size() int { return sizeHead + 3*sizeUint + sizeVersion }
func (f *GroupReplica) Size() int {
	return sizeHead + 2*sizeUint + f.Group.size() + sizeVersion + sizeEntries(f.Entries)
}
func (f *GroupPull) Size() int { return sizeHead + sizeUint + f.Group.size() }

func (f *GroupJoin) append(w *Writer) {
	w.head(KindGroupJoin, 3)
	w.uint(f.Seq)
	w.group(&f.Group)
	w.entry(&f.Entry)
}

func (f *GroupJoin) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Group = r.group()
	f.Entry = r.entry()
}

func (f *GroupLeave) append(w *Writer) {
	w.head(KindGroupLeave, 4)
	w.uint(f.Seq)
	w.group(&f.Group)
	w.id(f.Node)
	w.uint(f.Epoch)
}

func (f *GroupLeave) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Group = r.group()
	f.Node = r.id()
	f.Epoch = r.uint64()
}

func (f *GroupLookup) append(w *Writer) {
	w.head(KindGroupLookup, 3)
	w.uint(f.Seq)
	w.group(&f.Group)
	w.version(&f.Have)
}

func (f *GroupLookup) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Group = r.group()
	f.Have = r.version()
}

func (f *GroupView) append(w *Writer) {
	w.head(KindGroupView, 8)
	w.uint(f.Seq)
	w.uint(f.PushSeq)
	w.group(&f.Group)
	w.version(&f.Version)
	w.uint(uint64(f.LeaseMs))
	w.uint(uint64(f.Code))
	w.entries(f.Entries)
	w.uint(uint64(f.Mode))
}

func (f *GroupView) parse(r *Reader) {
	f.Seq = r.uint64()
	f.PushSeq = r.uint64()
	f.Group = r.group()
	f.Version = r.version()
	f.LeaseMs = r.uint32()
	f.Code = r.uint16()
	f.Entries = r.entries()
	f.Mode = r.optUint8()
}

func (f *GroupAck) append(w *Writer) {
	w.head(KindGroupAck, 4)
	w.uint(f.Seq)
	w.uint(uint64(f.Code))
	w.version(&f.Version)
	w.uint(uint64(f.Mode))
}

func (f *GroupAck) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Code = r.uint16()
	f.Version = r.version()
	f.Mode = r.optUint8()
}

func (f *GroupReplica) append(w *Writer) {
	w.head(KindGroupReplica, 5)
	w.uint(f.Seq)
	w.group(&f.Group)
	w.version(&f.Version)
	w.entries(f.Entries)
	w.uint(uint64(f.Mode))
}

func (f *GroupReplica) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Group = r.group()
	f.Version = r.version()
	f.Entries = r.entries()
	f.Mode = r.optUint8()
}

func (f *GroupPull) append(w *Writer) {
	w.head(KindGroupPull, 2)
	w.uint(f.Seq)
	w.group(&f.Group)
}

func (f *GroupPull) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Group = r.group()
}

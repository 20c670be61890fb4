package wire

import "iris/internal/id"

// The frames that carry the events of a topic over its trees, and make good
// what was lost. A stream is what one Publisher publishes during one Epoch.

// TopicData is one event of a topic on its way over a tree. No answer.
type TopicData struct {
	Group     Group
	Stripe    uint8
	Publisher id.ID
	Epoch     uint64 // grows with each start of the publisher
	Seq       uint64 // in the stream, from 1
	Hops      uint8  // taken outside the tree
	Twin      bool   // a reliable event for those who do not take it as one
	Body      Body
	Trace     string
}

// TopicSync begins an edge of a tree, or resumes it: what the sender has of the
// stripe's streams. Answer: a TopicSync if Answer is set, then what the sender
// has not got.
type TopicSync struct {
	Group  Group
	Stripe uint8
	Answer bool        // the receiver shall send its own
	Fresh  bool        // the sender has nothing yet: it begins where the receiver is
	More   bool        // the next TopicSync continues this one
	Marks  []TopicMark // at most MaxMarks
}

// TopicMark tells how far a node is in a stream.
type TopicMark struct {
	Publisher id.ID
	Epoch     uint64
	Low       uint64 // all up to here were had or given up
	High      uint64 // the highest had
}

// TopicDigest tells a node that is no neighbour what there is. No answer; the
// receiver asks with TopicPull for what it lacks.
type TopicDigest struct {
	Group  Group
	Stripe uint8 // 0: a digest is about every stripe
	Copy   bool  // from a root to who may be the next root
	Hops   uint8 // taken outside the tree
	Marks  []TopicMark
}

// TopicPull asks for events of a stream. Answer: a TopicData for each that the
// receiver still has.
type TopicPull struct {
	Group     Group
	Stripe    uint8 // 0: the stream says it
	Publisher id.ID
	Epoch     uint64
	Ranges    []TopicRange // at most MaxRanges
}

// TopicRange is the events From to To, both included.
type TopicRange struct{ From, To uint64 }

// TopicEnter tells a publisher outside the tree that the sender is where its
// events may enter. No answer.
type TopicEnter struct {
	Group  Group
	Stripe uint8
}

func (*TopicData) Kind() Kind   { return KindTopicData }
func (*TopicSync) Kind() Kind   { return KindTopicSync }
func (*TopicDigest) Kind() Kind { return KindTopicDigest }
func (*TopicPull) Kind() Kind   { return KindTopicPull }
func (*TopicEnter) Kind() Kind  { return KindTopicEnter }

func (f *TopicData) Size() int {
	return sizeTree(&f.Group) + sizeID + 3*sizeUint + sizeBool + f.Body.size() + sizeStr(f.Trace)
}

func (f *TopicSync) Size() int {
	return sizeTree(&f.Group) + 3*sizeBool + sizeArray + len(f.Marks)*sizeMark
}

func (f *TopicDigest) Size() int {
	return sizeTree(&f.Group) + sizeBool + sizeUint + sizeArray + len(f.Marks)*sizeMark
}

func (f *TopicPull) Size() int {
	return sizeTree(&f.Group) + sizeID + sizeUint + sizeArray + len(f.Ranges)*sizeRange
}
func (f *TopicEnter) Size() int { return sizeTree(&f.Group) }

func (f *TopicData) append(w *Writer) {
	w.tree(KindTopicData, 8, &f.Group, f.Stripe)
	w.id(f.Publisher)
	w.uint(f.Epoch)
	w.uint(f.Seq)
	w.uint(uint64(f.Hops))
	w.bool(f.Twin)
	w.plainBody(&f.Body)
	w.label(f.Trace)
}

func (f *TopicData) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Publisher = r.id()
	f.Epoch = r.uint64()
	f.Seq = r.uint64()
	f.Hops = r.uint8()
	f.Twin = r.bool()
	f.Body = r.plainBody()
	f.Trace = r.label()
}

func (f *TopicSync) append(w *Writer) {
	w.tree(KindTopicSync, 4, &f.Group, f.Stripe)
	w.bool(f.Answer)
	w.bool(f.Fresh)
	w.bool(f.More)
	w.marks(f.Marks)
}

func (f *TopicSync) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Answer = r.bool()
	f.Fresh = r.bool()
	f.More = r.bool()
	f.Marks = r.marks()
}

func (f *TopicDigest) append(w *Writer) {
	w.tree(KindTopicDigest, 3, &f.Group, f.Stripe)
	w.bool(f.Copy)
	w.uint(uint64(f.Hops))
	w.marks(f.Marks)
}

func (f *TopicDigest) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Copy = r.bool()
	f.Hops = r.uint8()
	f.Marks = r.marks()
}

func (f *TopicPull) append(w *Writer) {
	w.tree(KindTopicPull, 3, &f.Group, f.Stripe)
	w.id(f.Publisher)
	w.uint(f.Epoch)
	w.ranges(f.Ranges)
}

func (f *TopicPull) parse(r *Reader) {
	f.Group, f.Stripe = r.tree()
	f.Publisher = r.id()
	f.Epoch = r.uint64()
	f.Ranges = r.ranges()
}

func (f *TopicEnter) append(w *Writer) { w.tree(KindTopicEnter, 0, &f.Group, f.Stripe) }
func (f *TopicEnter) parse(r *Reader)  { f.Group, f.Stripe = r.tree() }

const (
	sizeMark   = sizeArray + sizeID + 3*sizeUint
	leastMark  = 5 // bytes of the shortest: array, nil, three zeros
	sizeRange  = sizeArray + 2*sizeUint
	leastRange = 3 // bytes of the shortest: array, two zeros
)

func (w *Writer) marks(list []TopicMark) {
	w.list(len(list), MaxMarks)
	for i := range list {
		m := &list[i]
		w.array(4)
		w.id(m.Publisher)
		w.uint(m.Epoch)
		w.uint(m.Low)
		w.uint(m.High)
	}
}

func (r *Reader) marks() []TopicMark {
	n, outer := r.list(MaxMarks, leastMark)
	list := make([]TopicMark, n)
	for i := range list {
		inner := r.open()
		list[i] = TopicMark{Publisher: r.id(), Epoch: r.uint64(), Low: r.uint64(), High: r.uint64()}
		r.close(inner)
	}
	r.close(outer)
	return list
}

func (w *Writer) ranges(list []TopicRange) {
	w.list(len(list), MaxRanges)
	for _, x := range list {
		w.array(2)
		w.uint(x.From)
		w.uint(x.To)
	}
}

func (r *Reader) ranges() []TopicRange {
	n, outer := r.list(MaxRanges, leastRange)
	list := make([]TopicRange, n)
	for i := range list {
		inner := r.open()
		list[i] = TopicRange{From: r.uint64(), To: r.uint64()}
		r.close(inner)
	}
	r.close(outer)
	return list
}

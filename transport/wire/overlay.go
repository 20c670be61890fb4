package wire

import "iris/internal/id"

// Overlay is a message between two neighbours of the ring, about the ring
// itself. Which fields count, and what answers it, depends on What.
type Overlay struct {
	What   uint8  // kind of message, numbered by the package router/pastry
	Active bool   // the sender delivers
	Mesh   bool   // the sender knows every node
	Hops   uint8  // taken so far
	Row    uint8  // of a routing table
	Seq    uint32 // hop by hop: named by the answer
	ID     uint64 // end to end, chosen by Origin
	Origin NodeRef
	Leaves []NodeRef // at most MaxRefs
	Refs   []NodeRef // at most MaxRefs
	RTTs   []uint16  // parallel to Refs or empty, in units of 32 µs; 0 = not known
}

// Values of Route.What.
const (
	RouteLocate  uint8 = 1 // who is the root of Key? Answered by RouteLocated
	RouteLocated uint8 = 2 // Node is; Key is the id of who asked
)

// Route travels over the nodes of the ring towards the root of Key. Each of
// them takes it over with an Overlay that names Seq.
type Route struct {
	Active bool   // the sender delivers
	Mesh   bool   // the sender knows every node
	Hops   uint8  // taken so far
	Seq    uint32 // hop by hop: named by the acknowledgement
	ID     uint64 // end to end: of the question, echoed by the answer
	Origin NodeRef
	Key    id.ID
	What   uint8   // RouteLocate or RouteLocated
	Node   NodeRef // the root, in a RouteLocated; else absent
}

func (*Overlay) Kind() Kind { return KindOverlay }
func (*Route) Kind() Kind   { return KindRoute }

func (f *Overlay) Size() int {
	return sizeHead + 5*sizeUint + 2*sizeBool + f.Origin.size() +
		sizeRefs(f.Leaves) + sizeRefs(f.Refs) + sizeArray + 3*len(f.RTTs)
}

func (f *Route) Size() int {
	return sizeHead + 4*sizeUint + 2*sizeBool + f.Origin.size() + sizeID + f.Node.size()
}

func (f *Overlay) append(w *Writer) {
	w.head(KindOverlay, 11)
	w.uint(uint64(f.What))
	w.bool(f.Active)
	w.bool(f.Mesh)
	w.uint(uint64(f.Hops))
	w.uint(uint64(f.Row))
	w.uint(uint64(f.Seq))
	w.uint(f.ID)
	w.optRef(&f.Origin)
	w.refs(f.Leaves)
	w.refs(f.Refs)
	if n := len(f.RTTs); n != 0 && n != len(f.Refs) {
		w.fail(reasonParallel)
	}
	w.list(len(f.RTTs), MaxRefs)
	for _, t := range f.RTTs {
		w.uint(uint64(t))
	}
}

func (f *Overlay) parse(r *Reader) {
	f.What = r.uint8()
	f.Active = r.bool()
	f.Mesh = r.bool()
	f.Hops = r.uint8()
	f.Row = r.uint8()
	f.Seq = r.uint32()
	f.ID = r.uint64()
	f.Origin = r.optRef()
	f.Leaves = r.refs()
	f.Refs = r.refs()
	n, outer := r.list(MaxRefs, 1)
	if n != 0 && n != len(f.Refs) {
		r.fail(reasonParallel)
	}
	f.RTTs = make([]uint16, n)
	for i := range f.RTTs {
		f.RTTs[i] = r.uint16()
	}
	r.close(outer)
}

func (f *Route) append(w *Writer) {
	w.head(KindRoute, 9)
	w.bool(f.Active)
	w.bool(f.Mesh)
	w.uint(uint64(f.Hops))
	w.uint(uint64(f.Seq))
	w.uint(f.ID)
	w.optRef(&f.Origin)
	w.id(f.Key)
	w.uint(uint64(f.What))
	w.optRef(&f.Node)
}

func (f *Route) parse(r *Reader) {
	f.Active = r.bool()
	f.Mesh = r.bool()
	f.Hops = r.uint8()
	f.Seq = r.uint32()
	f.ID = r.uint64()
	f.Origin = r.optRef()
	f.Key = r.id()
	f.What = r.uint8()
	f.Node = r.optRef()
}

// leastRef is the length of the shortest encoded reference: array, id, 0,
// empty array.
const leastRef = 3 + sizeID

func (n *NodeRef) size() int { return sizeArray + sizeID + sizeUint + sizeStrings(n.Addrs) }

func sizeRefs(list []NodeRef) int {
	n := sizeArray
	for i := range list {
		n += list[i].size()
	}
	return n
}

// ref appends a node with few addresses, so that many fit a control frame.
func (w *Writer) ref(n *NodeRef) {
	if n.ID.IsZero() {
		w.fail(reasonNobody)
	}
	w.array(3)
	w.id(n.ID)
	w.uint(n.Incarnation)
	w.labels(n.Addrs, MaxRefAddrs)
}

func (r *Reader) ref() NodeRef {
	outer := r.open()
	n := NodeRef{ID: r.id(), Incarnation: r.uint64(), Addrs: r.labels(MaxRefAddrs)}
	if n.ID.IsZero() {
		r.fail(reasonNobody)
	}
	r.close(outer)
	return n
}

// optRef appends a node, or nil for one without an id.
func (w *Writer) optRef(n *NodeRef) {
	if n.ID.IsZero() {
		w.null()
		return
	}
	w.ref(n)
}

func (r *Reader) optRef() NodeRef {
	if r.null() {
		return NodeRef{}
	}
	return r.ref()
}

func (w *Writer) refs(list []NodeRef) {
	w.list(len(list), MaxRefs)
	for i := range list {
		w.ref(&list[i])
	}
}

func (r *Reader) refs() []NodeRef {
	n, outer := r.list(MaxRefs, leastRef)
	list := make([]NodeRef, n)
	for i := range list {
		list[i] = r.ref()
	}
	r.close(outer)
	return list
}

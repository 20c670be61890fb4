package wire

import "iris/internal/id"

// NodeRef names a node and where it can be dialled.
type NodeRef struct {
	ID          id.ID
	Incarnation uint64
	Addrs       []string // at most MaxAddrs
}

// Peers tells the receiver of nodes the sender is linked to. A hint: the
// receiver dials those it does not know.
type Peers struct {
	Nodes []NodeRef // at most MaxPeers
}

// Leave announces that the sender leaves the network for good; it will not be
// looked for.
type Leave struct {
	Incarnation uint64 // of the sender
}

// Suspects says that the sender suspects Target, in that incarnation, of being
// dead. Target itself refutes it with a higher incarnation or a sign of life.
type Suspects struct {
	Target      id.ID
	Incarnation uint64
}

func (*Peers) Kind() Kind    { return KindPeers }
func (*Leave) Kind() Kind    { return KindLeave }
func (*Suspects) Kind() Kind { return KindSuspects }

func (f *Peers) Size() int {
	n := sizeHead + sizeArray
	for i := range f.Nodes {
		n += sizeArray + sizeID + sizeUint + sizeStrings(f.Nodes[i].Addrs)
	}
	return n
}
func (*Leave) Size() int    { return sizeHead + sizeUint }
func (*Suspects) Size() int { return sizeHead + sizeID + sizeUint }

func (f *Peers) append(w *Writer) {
	w.head(KindPeers, 1)
	w.list(len(f.Nodes), MaxPeers)
	for i := range f.Nodes {
		n := &f.Nodes[i]
		w.array(3)
		w.id(n.ID)
		w.uint(n.Incarnation)
		w.labels(n.Addrs, MaxAddrs)
	}
}

func (f *Peers) parse(r *Reader) {
	const least = 4 // bytes of the shortest node: array, nil, 0, empty array
	n, outer := r.list(MaxPeers, least)
	f.Nodes = make([]NodeRef, n)
	for i := range f.Nodes {
		inner := r.open()
		f.Nodes[i] = NodeRef{ID: r.id(), Incarnation: r.uint64(), Addrs: r.labels(MaxAddrs)}
		r.close(inner)
	}
	r.close(outer)
}

func (f *Leave) append(w *Writer) {
	w.head(KindLeave, 1)
	w.uint(f.Incarnation)
}

func (f *Leave) parse(r *Reader) { f.Incarnation = r.uint64() }

func (f *Suspects) append(w *Writer) {
	w.head(KindSuspects, 2)
	w.id(f.Target)
	w.uint(f.Incarnation)
}

func (f *Suspects) parse(r *Reader) {
	f.Target = r.id()
	f.Incarnation = r.uint64()
}

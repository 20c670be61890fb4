package wire

import "iris/internal/id"

// Probe asks the receiver to find out whether it can reach Target, which the
// sender cannot (SWIM's ping-req, Das et al. 2002).
type Probe struct {
	Seq    uint64
	Target id.ID
}

// ProbeResult answers a Probe.
type ProbeResult struct {
	Seq         uint64
	Target      id.ID
	Reached     bool
	Incarnation uint64 // of Target as the answering node knows it; 0: it has no link to it, and Reached says nothing
}

func (*Probe) Kind() Kind       { return KindProbe }
func (*ProbeResult) Kind() Kind { return KindProbeResult }

func (*Probe) Size() int       { return sizeHead + sizeUint + sizeID }
func (*ProbeResult) Size() int { return sizeHead + 2*sizeUint + sizeID + sizeBool }

func (f *Probe) append(w *Writer) {
	w.head(KindProbe, 2)
	w.uint(f.Seq)
	w.id(f.Target)
}

func (f *Probe) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Target = r.id()
}

func (f *ProbeResult) append(w *Writer) {
	w.head(KindProbeResult, 4)
	w.uint(f.Seq)
	w.id(f.Target)
	w.bool(f.Reached)
	w.uint(f.Incarnation)
}

func (f *ProbeResult) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Target = r.id()
	f.Reached = r.bool()
	f.Incarnation = r.uint64()
}

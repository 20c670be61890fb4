package wire

// LoadProbe asks a member node how loaded it is. Answer: LoadReport.
type LoadProbe struct {
	Seq     uint64
	Cluster string
}

// LoadReport answers a LoadProbe.
type LoadReport struct {
	Seq     uint64
	Cluster string
	Load    Load
}

func (*LoadProbe) Kind() Kind  { return KindLoadProbe }
func (*LoadReport) Kind() Kind { return KindLoadReport }

func (f *LoadProbe) Size() int  { return sizeHead + sizeUint + sizeStr(f.Cluster) }
func (f *LoadReport) Size() int { return sizeHead + sizeUint + sizeStr(f.Cluster) + sizeLoad }

func (f *LoadProbe) append(w *Writer) {
	w.head(KindLoadProbe, 2)
	w.uint(f.Seq)
	w.name(f.Cluster)
}

func (f *LoadProbe) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Cluster = r.name()
}

func (f *LoadReport) append(w *Writer) {
	w.head(KindLoadReport, 3)
	w.uint(f.Seq)
	w.name(f.Cluster)
	w.load(&f.Load)
}

func (f *LoadReport) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Cluster = r.name()
	f.Load = r.load()
}

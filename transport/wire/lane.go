package wire

// LaneOpen is the first frame of each unidirectional stream of a link and
// says which lane the stream is.
type LaneOpen struct {
	Lane uint8 // 1 direct, 2 fanout, 3 transit, 4 bulk; 0, control, is never announced
}

// Chunk carries a piece of one oversized frame on the bulk lane. Chunks of two
// frames never mix: the pieces of one follow one another.
type Chunk struct {
	Seq   uint64 // counts the oversized frames of the link; the Large that stands for it has the same
	Lane  uint8  // where its Large stands; 0, control, when the frame keeps no place
	Total uint64 // bytes of the whole encoded frame
	Last  bool
	Data  []byte // at most MaxChunk
}

// Large stands in a frame's own lane for an oversized frame that travels on the
// bulk lane, so that its place in the order is kept.
type Large struct {
	Seq uint64
}

func (*LaneOpen) Kind() Kind { return KindLaneOpen }
func (*Chunk) Kind() Kind    { return KindChunk }
func (*Large) Kind() Kind    { return KindLarge }

func (*LaneOpen) Size() int { return sizeHead + sizeUint }
func (f *Chunk) Size() int  { return sizeHead + 3*sizeUint + sizeBool + sizeBin(f.Data) }
func (*Large) Size() int    { return sizeHead + sizeUint }

func (f *LaneOpen) append(w *Writer) {
	w.head(KindLaneOpen, 1)
	w.uint(uint64(f.Lane))
}

func (f *LaneOpen) parse(r *Reader) { f.Lane = r.uint8() }

func (f *Chunk) append(w *Writer) {
	w.head(KindChunk, 5)
	w.uint(f.Seq)
	w.uint(uint64(f.Lane))
	w.uint(f.Total)
	w.bool(f.Last)
	w.binUpTo(f.Data, MaxChunk)
}

func (f *Chunk) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Lane = r.uint8()
	f.Total = r.uint64()
	f.Last = r.bool()
	f.Data = r.bin(MaxChunk)
}

func (f *Large) append(w *Writer) {
	w.head(KindLarge, 1)
	w.uint(f.Seq)
}

func (f *Large) parse(r *Reader) { f.Seq = r.uint64() }

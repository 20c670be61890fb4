package wire

// TunnelOpen is the first frame of a tunnel's stream, sent by the opener.
// Answer: TunnelAccept or TunnelRefuse.
type TunnelOpen struct {
	Cluster string
	Credit  uint64 // bytes the opener is ready to receive
	TTLMs   uint32 // time left for the answer, milliseconds; 0 = none
}

// TunnelAccept answers TunnelOpen; data may flow both ways.
type TunnelAccept struct {
	Credit uint64 // bytes the accepting side is ready to receive
}

// TunnelRefuse answers TunnelOpen; the stream ends.
type TunnelRefuse struct {
	Code   Code
	Reason string
}

// TunnelData carries a message or a piece of one. It consumes credit granted
// by the receiver: len(Data) and a fixed cost per frame, see docs/protocol.md.
type TunnelData struct {
	More bool   // further pieces of the same message follow
	Data []byte // at most MaxChunk
}

// TunnelCredit grants the receiver of the frame further bytes to send.
type TunnelCredit struct {
	Bytes uint64
}

// TunnelEnd says that the sender sends no more data; it still receives.
type TunnelEnd struct{}

// TunnelAbort is the last frame of its sender. With CodeLeave what was sent
// before it is still delivered; with any other code the tunnel is over at once
// and data under way is lost.
type TunnelAbort struct {
	Code   Code
	Reason string
}

func (*TunnelOpen) Kind() Kind   { return KindTunnelOpen }
func (*TunnelAccept) Kind() Kind { return KindTunnelAccept }
func (*TunnelRefuse) Kind() Kind { return KindTunnelRefuse }
func (*TunnelData) Kind() Kind   { return KindTunnelData }
func (*TunnelCredit) Kind() Kind { return KindTunnelCredit }
func (*TunnelEnd) Kind() Kind    { return KindTunnelEnd }
func (*TunnelAbort) Kind() Kind  { return KindTunnelAbort }

func (f *TunnelOpen) Size() int   { return sizeHead + sizeStr(f.Cluster) + 2*sizeUint }
func (*TunnelAccept) Size() int   { return sizeHead + sizeUint }
func (f *TunnelRefuse) Size() int { return sizeHead + sizeUint + sizeText(f.Reason) }
func (f *TunnelData) Size() int   { return sizeHead + sizeBool + sizeBin(f.Data) }
func (*TunnelCredit) Size() int   { return sizeHead + sizeUint }
func (*TunnelEnd) Size() int      { return sizeHead }
func (f *TunnelAbort) Size() int  { return sizeHead + sizeUint + sizeText(f.Reason) }

func (f *TunnelOpen) append(w *Writer) {
	w.head(KindTunnelOpen, 3)
	w.name(f.Cluster)
	w.uint(f.Credit)
	w.uint(uint64(f.TTLMs))
}

func (f *TunnelOpen) parse(r *Reader) {
	f.Cluster = r.name()
	f.Credit = r.uint64()
	f.TTLMs = r.uint32()
}

func (f *TunnelAccept) append(w *Writer) {
	w.head(KindTunnelAccept, 1)
	w.uint(f.Credit)
}

func (f *TunnelAccept) parse(r *Reader) { f.Credit = r.uint64() }

func (f *TunnelRefuse) append(w *Writer) { w.end(KindTunnelRefuse, f.Code, f.Reason) }
func (f *TunnelRefuse) parse(r *Reader)  { f.Code, f.Reason = r.end() }

func (f *TunnelData) append(w *Writer) {
	w.head(KindTunnelData, 2)
	w.bool(f.More)
	w.binUpTo(f.Data, MaxChunk)
}

func (f *TunnelData) parse(r *Reader) {
	f.More = r.bool()
	f.Data = r.bin(MaxChunk)
}

func (f *TunnelCredit) append(w *Writer) {
	w.head(KindTunnelCredit, 1)
	w.uint(f.Bytes)
}

func (f *TunnelCredit) parse(r *Reader) { f.Bytes = r.uint64() }

func (*TunnelEnd) append(w *Writer) { w.head(KindTunnelEnd, 0) }
func (*TunnelEnd) parse(*Reader)    {}

func (f *TunnelAbort) append(w *Writer) { w.end(KindTunnelAbort, f.Code, f.Reason) }
func (f *TunnelAbort) parse(r *Reader)  { f.Code, f.Reason = r.end() }

package wire

import "iris/internal/id"

// Body is a user's message: the registered name of its type and its encoding.
// The package never looks into Data.
type Body struct {
	Type string // "" = untyped bytes
	Data []byte
}

func (b *Body) size() int { return sizeStr(b.Type) + sizeBin(b.Data) }

// body appends the two fields of b to the enclosing frame.
func (w *Writer) body(b *Body) {
	w.optName(b.Type)
	w.bin(b.Data)
}

func (r *Reader) body() (b Body) {
	b.Type = r.optName()
	r.data = r.at
	b.Data = r.bin(r.max)
	r.rest = r.at
	return b
}

// Tell sends a message to an actor of the receiver. No answer.
type Tell struct {
	Target     string // actor id at the receiver
	Sender     string // actor id, "" = none
	SenderNode id.ID  // node of Sender; zero = the sending node
	SenderReq  uint32 // request id of a Sender that awaits a reply, 0 = none
	Body       Body
	Trace      string // may be empty, at most MaxName bytes
}

// Ask sends a request to one actor of the receiver. Answer: Reply.
type Ask struct {
	ID     uint32 // not 0; unique among the sender's open requests
	Target string // actor id at the receiver
	TTLMs  uint32 // time left, milliseconds; 0 = none
	Body   Body
	Trace  string
}

// Request sends a request to any member of a cluster at the receiver. Answer:
// Reply.
type Request struct {
	ID      uint32 // not 0; unique among the sender's open requests
	Cluster string
	TTLMs   uint32 // time left, milliseconds; 0 = none
	Key     []byte // idempotency key of MaxKey bytes; empty = none
	Body    Body
	Trace   string
}

// Reply answers an Ask or a Request.
type Reply struct {
	ID      uint32
	Status  uint16 // StatusOK, ...
	Text    string // of an error; clipped to MaxText bytes when written
	HasLoad bool
	Load    Load // meaningful if HasLoad
	Body    Body // meaningful if Status is StatusOK
}

func (*Tell) Kind() Kind    { return KindTell }
func (*Ask) Kind() Kind     { return KindAsk }
func (*Request) Kind() Kind { return KindRequest }
func (*Reply) Kind() Kind   { return KindReply }

func (f *Tell) Size() int {
	return sizeHead + sizeStr(f.Target) + sizeStr(f.Sender) + sizeID + sizeUint + f.Body.size() + sizeStr(f.Trace)
}

func (f *Ask) Size() int {
	return sizeHead + 2*sizeUint + sizeStr(f.Target) + f.Body.size() + sizeStr(f.Trace)
}

func (f *Request) Size() int {
	return sizeHead + 2*sizeUint + sizeStr(f.Cluster) + sizeBin(f.Key) + f.Body.size() + sizeStr(f.Trace)
}

func (f *Reply) Size() int {
	return sizeHead + 2*sizeUint + sizeText(f.Text) + sizeLoad + f.Body.size()
}

func (f *Tell) append(w *Writer) {
	w.head(KindTell, 7)
	w.actor(f.Target)
	w.optActor(f.Sender)
	w.id(f.SenderNode)
	w.uint(uint64(f.SenderReq))
	w.body(&f.Body)
	w.label(f.Trace)
}

func (f *Tell) parse(r *Reader) {
	f.Target = r.actor()
	f.Sender = r.optActor()
	f.SenderNode = r.id()
	f.SenderReq = r.uint32()
	f.Body = r.body()
	f.Trace = r.label()
}

func (f *Ask) append(w *Writer) {
	w.head(KindAsk, 6)
	w.uint(uint64(f.ID))
	w.actor(f.Target)
	w.uint(uint64(f.TTLMs))
	w.body(&f.Body)
	w.label(f.Trace)
}

func (f *Ask) parse(r *Reader) {
	f.ID = r.uint32()
	f.Target = r.actor()
	f.TTLMs = r.uint32()
	f.Body = r.body()
	f.Trace = r.label()
}

func (f *Request) append(w *Writer) {
	w.head(KindRequest, 7)
	if n := len(f.Key); n != 0 && n != MaxKey {
		w.fail("idempotency key is not 16 bytes")
	}
	w.uint(uint64(f.ID))
	w.name(f.Cluster)
	w.uint(uint64(f.TTLMs))
	w.binUpTo(f.Key, MaxKey)
	w.body(&f.Body)
	w.label(f.Trace)
}

func (f *Request) parse(r *Reader) {
	f.ID = r.uint32()
	f.Cluster = r.name()
	f.TTLMs = r.uint32()
	if f.Key = r.bin(MaxKey); len(f.Key) != 0 && len(f.Key) != MaxKey {
		r.fail(reasonRange)
	}
	f.Body = r.body()
	f.Trace = r.label()
}

func (f *Reply) append(w *Writer) {
	w.head(KindReply, 6)
	w.uint(uint64(f.ID))
	w.uint(uint64(f.Status))
	w.text(f.Text)
	if f.HasLoad {
		w.load(&f.Load)
	} else {
		w.null()
	}
	w.body(&f.Body)
}

func (f *Reply) parse(r *Reader) {
	f.ID = r.uint32()
	f.Status = r.uint16()
	f.Text = r.text()
	f.Load = Load{}
	if f.HasLoad = !r.null(); f.HasLoad {
		f.Load = r.load()
	}
	f.Body = r.body()
}

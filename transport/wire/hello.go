package wire

// ProtocolVersion is the version this package speaks. A node accepts a Hello
// of its own version and of the one before it.
const ProtocolVersion uint16 = 1

// Role says what a connection of a pair is for.
const (
	RoleLink    uint8 = 0 // lanes: control, direct, fanout, transit, bulk
	RoleTunnels uint8 = 1 // one bidirectional stream per tunnel
)

// Hello opens a connection; it is the first frame on the control stream in
// both directions. Nothing else is read before it.
type Hello struct {
	Version     uint16
	Incarnation uint64   // start of the process; grows with each start
	Role        uint8    // RoleLink or RoleTunnels
	Features    uint64   // bit set; bit 0: the sender holds no link of the pair
	Addrs       []string // host:port the sender can be dialled at, at most MaxAddrs
	Zone        string   // placement hint, may be empty
	Name        string   // human name of the node, may be empty
	Labels      []string // what the operator says of the node: name, value, name, value, ..., at most MaxLabels
	TunnelPort  uint16   // UDP port, at the address that the sender's packets come from, for tunnel connections alone; 0: there is none
}

// HelloAck accepts (CodeOK) or refuses the peer's Hello.
type HelloAck struct {
	Code   Code
	Reason string
}

// Goodbye announces that the sender will send nothing after what its lanes
// hold. The receiver drains its own lanes and answers GoodbyeAck.
type Goodbye struct {
	Code   Code
	Reason string
	Lanes  uint8 // data lanes that the sender ever opened; all of them end before the acknowledgement
}

// GoodbyeAck answers Goodbye; the link may be closed.
type GoodbyeAck struct {
	Lanes uint8 // data lanes that the sender ever opened, all of which have ended; 0 from an older peer
}

func (*Hello) Kind() Kind      { return KindHello }
func (*HelloAck) Kind() Kind   { return KindHelloAck }
func (*Goodbye) Kind() Kind    { return KindGoodbye }
func (*GoodbyeAck) Kind() Kind { return KindGoodbyeAck }

func (f *Hello) Size() int {
	return sizeHead + 5*sizeUint + sizeStrings(f.Addrs) + sizeStr(f.Zone) + sizeStr(f.Name) + sizeStrings(f.Labels)
}
func (f *HelloAck) Size() int { return sizeHead + sizeUint + sizeText(f.Reason) }
func (f *Goodbye) Size() int  { return sizeHead + 2*sizeUint + sizeText(f.Reason) }
func (*GoodbyeAck) Size() int { return sizeHead + sizeUint }

func (f *Hello) append(w *Writer) {
	w.head(KindHello, 9)
	w.uint(uint64(f.Version))
	w.uint(f.Incarnation)
	w.uint(uint64(f.Role))
	w.uint(f.Features)
	w.labels(f.Addrs, MaxAddrs)
	w.label(f.Zone)
	w.label(f.Name)
	w.labels(f.Labels, MaxLabels)
	w.uint(uint64(f.TunnelPort))
}

func (f *Hello) parse(r *Reader) {
	f.Version = r.uint16()
	f.Incarnation = r.uint64()
	f.Role = r.uint8()
	f.Features = r.uint64()
	f.Addrs = r.labels(MaxAddrs)
	f.Zone = r.label()
	f.Name = r.label()
	f.Labels = r.labels(MaxLabels)
	f.TunnelPort = r.optUint16()
}

func (f *HelloAck) append(w *Writer) { w.end(KindHelloAck, f.Code, f.Reason) }
func (f *HelloAck) parse(r *Reader)  { f.Code, f.Reason = r.end() }

func (f *Goodbye) append(w *Writer) {
	w.head(KindGoodbye, 3)
	w.uint(uint64(f.Code))
	w.text(f.Reason)
	w.uint(uint64(f.Lanes))
}

func (f *Goodbye) parse(r *Reader) {
	f.Code, f.Reason = r.end()
	f.Lanes = r.uint8()
}

func (f *GoodbyeAck) append(w *Writer) {
	w.head(KindGoodbyeAck, 1)
	w.uint(uint64(f.Lanes))
}

func (f *GoodbyeAck) parse(r *Reader) { f.Lanes = r.optUint8() }

// end writes a frame that consists of a code and a reason.
func (w *Writer) end(k Kind, code Code, reason string) {
	w.head(k, 2)
	w.uint(uint64(code))
	w.text(reason)
}

func (r *Reader) end() (Code, string) { return Code(r.uint16()), r.text() }

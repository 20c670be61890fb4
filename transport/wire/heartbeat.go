package wire

// Heartbeat asks the peer for a sign of life; it answers HeartbeatAck at once.
type Heartbeat struct {
	Seq    uint64 // chosen by the sender, echoed in the answer
	Health uint8  // sender's local health, 0 best (Lifeguard, Dadgar et al. 2018)
	Pad    []byte // makes the packet full size to test the path; content ignored
}

// HeartbeatAck answers a Heartbeat.
type HeartbeatAck struct {
	Seq    uint64 // of the Heartbeat
	Health uint8  // answering node's local health
}

func (*Heartbeat) Kind() Kind    { return KindHeartbeat }
func (*HeartbeatAck) Kind() Kind { return KindHeartbeatAck }

func (f *Heartbeat) Size() int {
	return max(MinHeartbeat, sizeHead+2*sizeUint+sizeBin(f.Pad))
}
func (*HeartbeatAck) Size() int { return MinHeartbeat }

func (f *Heartbeat) append(w *Writer) {
	w.head(KindHeartbeat, 3)
	w.uint(f.Seq)
	w.uint(uint64(f.Health))
	w.pad(f.Pad)
}

func (f *Heartbeat) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Health = r.uint8()
	f.Pad = r.bin(MaxFrame)
}

func (f *HeartbeatAck) append(w *Writer) {
	w.head(KindHeartbeatAck, 3)
	w.uint(f.Seq)
	w.uint(uint64(f.Health))
	w.pad(nil)
}

func (f *HeartbeatAck) parse(r *Reader) {
	f.Seq = r.uint64()
	f.Health = r.uint8()
	r.bin(MaxFrame)
}

// padding backs heartbeats without a pad of their own; never written to.
var padding [MinHeartbeat]byte

// pad appends p as bin, or as many zeros as bring the frame to MinHeartbeat
// bytes if p is too short for that.
func (w *Writer) pad(p []byte) {
	const prefix, header = 1, 2 // uvarint length below 128, bin8
	if least := MinHeartbeat - prefix - header - (len(w.buf) - w.start); len(p) < least {
		p = padding[:least]
	}
	w.bin(p)
}

package packet

import (
	"errors"
	"io"
)

// Limits of fields, in octets.
const (
	MaxName        = 255      // clusters, topics, versions and magic words
	MaxText        = 64 << 10 // faults and reasons
	DefaultMessage = 64 << 20 // see Limits
)

const (
	eager    = 64 << 10 // most memory taken for a length that was only claimed
	maxNames = 64       // that a Reader remembers
)

// Limits are limits of payloads, in octets. A field that is not positive is its
// default.
type Limits struct {
	Message int // of broadcasts, requests, replies and events; default DefaultMessage
	Chunk   int // of TunTransfer; default ChunkLimit
}

func (l Limits) orDefault() Limits {
	if l.Message <= 0 {
		l.Message = DefaultMessage
	}
	if l.Chunk <= 0 {
		l.Chunk = ChunkLimit
	}
	return l
}

// Reader reads the packets that one side of a connection sends.
type Reader struct {
	in      input
	side    Side
	limits  Limits
	greeted bool
	inside  bool              // a packet
	names   map[string]string // as they came before, so that they cost nothing again
	name    [MaxName]byte
	op      Op    // of the packet that is being read
	err     error // the first; ends the reader
}

// NewReader returns a reader of the packets that side sends by from. It reads
// ahead: nobody else may read from it.
func NewReader(from io.Reader, side Side, limits Limits) *Reader {
	return &Reader{in: input{from: from}, side: side, limits: limits.orDefault(), names: map[string]string{}}
}

// Next returns the next packet, of the types for the reader's side. It blocks
// as reading from the connection does. The packet belongs to the caller;
// payloads are never nil where there is one. After an error every call returns
// that error.
func (r *Reader) Next() (Packet, error) {
	if r.err != nil {
		return nil, r.err
	}
	op, err := r.in.byte()
	if err != nil {
		r.err = err
		return nil, err
	}
	r.op, r.inside = Op(op), true
	p := r.packet()
	if r.err != nil {
		return nil, r.err
	}
	r.greeted, r.inside = true, false
	return p, nil
}

// Inside reports whether a packet has begun to come and has not ended. It is for the
// connection that the Reader reads from, to ask in its Read.
func (r *Reader) Inside() bool { return r.inside }

// packet reads the fields behind the opcode.
func (r *Reader) packet() Packet {
	if greeting := r.op == OpInit || r.op == OpDeny && r.side == FromRelay; greeting == r.greeted {
		if greeting {
			r.violation("a second greeting")
		} else {
			r.violation("no greeting")
		}
		return nil
	}
	if r.side == FromClient {
		return r.fromClient()
	}
	return r.fromRelay()
}

func (r *Reader) fromClient() Packet {
	switch r.op {
	case OpInit:
		r.magic(ClientMagic)
		return Init{Version: r.string(), Cluster: r.string()}
	case OpClose:
		return Close{}
	case OpBroadcast:
		return Broadcast{Cluster: r.string(), Payload: r.message()}
	case OpRequest:
		return Request{ID: r.varint(), Cluster: r.string(), Payload: r.message(), TimeoutMs: r.varint()}
	case OpReply:
		p := Reply{ID: r.varint()}
		p.OK, p.Payload, p.Fault = r.outcome()
		return p
	case OpSubscribe:
		return Subscribe{Topic: r.string()}
	case OpUnsubscribe:
		return Unsubscribe{Topic: r.string()}
	case OpTunInit:
		return TunInit{Tunnel: r.varint(), Cluster: r.string(), TimeoutMs: r.varint()}
	case OpTunConfirm:
		return TunConfirm{Build: r.varint(), Tunnel: r.varint()}
	case OpTunClose:
		return TunClose{Tunnel: r.varint()}
	default:
		return r.both()
	}
}

func (r *Reader) fromRelay() Packet {
	switch r.op {
	case OpInit:
		r.magic(RelayMagic)
		return Welcome{Version: r.string()}
	case OpDeny:
		r.magic(RelayMagic)
		return Deny{Reason: r.text()}
	case OpClose:
		return Closed{Reason: r.text()}
	case OpBroadcast:
		return Delivery{Payload: r.message()}
	case OpRequest:
		return Serve{ID: r.varint(), Payload: r.message(), TimeoutMs: r.varint()}
	case OpReply:
		p := Result{ID: r.varint(), TimedOut: r.bool()}
		if !p.TimedOut {
			p.OK, p.Payload, p.Fault = r.outcome()
		}
		return p
	case OpTunInit:
		return TunOffer{Build: r.varint(), Limit: r.chunkLimit()}
	case OpTunConfirm:
		p := TunResult{Tunnel: r.varint(), TimedOut: r.bool()}
		if !p.TimedOut {
			p.Limit = r.chunkLimit()
		}
		return p
	case OpTunClose:
		return TunClosed{Tunnel: r.varint(), Reason: r.text()}
	default:
		return r.both()
	}
}

// both reads the packets that are the same in both directions.
func (r *Reader) both() Packet {
	switch r.op {
	case OpPublish:
		return Publish{Topic: r.string(), Payload: r.message()}
	case OpTunAllow:
		return TunAllow{Tunnel: r.varint(), Space: r.varint()}
	case OpTunTransfer:
		return TunTransfer{Tunnel: r.varint(), Size: r.varint(), Payload: r.binary(r.limits.Chunk)}
	default:
		r.violation("an opcode that this side does not have")
		return nil
	}
}

// violation ends the reader, unless it has ended before.
func (r *Reader) violation(what string) { r.exceeds(what, 0, 0) }

func (r *Reader) exceeds(what string, have, most uint64) {
	if r.err == nil {
		r.err = &Violation{Side: r.side, Op: r.op, What: what, Have: have, Max: most}
	}
}

// failed ends the reader with an error of the connection inside a packet.
func (r *Reader) failed(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.err = err
}

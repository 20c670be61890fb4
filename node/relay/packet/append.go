package packet

import (
	"encoding/binary"
	"unicode/utf8"
)

// Append appends the octets of p to dst. Names and payloads must be within the
// limits of the reader; faults and reasons are cut to MaxText octets.
func Append(dst []byte, p Packet) []byte {
	out := output{head: dst}
	out.packet(p)
	out.head = append(out.head, out.payload...)
	return append(out.head, out.tail[:out.tailLen]...)
}

// output is a packet in parts, so that a large payload need not be copied: all
// octets before the payload, the payload, and the timeout after it, if any.
type output struct {
	head    []byte
	payload []byte
	tail    [binary.MaxVarintLen64]byte
	tailLen int
}

func (o *output) packet(p Packet) {
	switch p := p.(type) {
	case Publish:
		o.op(OpPublish).string(p.Topic).binary(p.Payload)
	case TunAllow:
		o.op(OpTunAllow).varint(p.Tunnel).varint(p.Space)
	case TunTransfer:
		o.op(OpTunTransfer).varint(p.Tunnel).varint(p.Size).binary(p.Payload)
	case Init:
		o.op(OpInit).string(ClientMagic).string(p.Version).string(p.Cluster)
	case Close:
		o.op(OpClose)
	case Broadcast:
		o.op(OpBroadcast).string(p.Cluster).binary(p.Payload)
	case Request:
		o.op(OpRequest).varint(p.ID).string(p.Cluster).binary(p.Payload).after(p.TimeoutMs)
	case Reply:
		o.op(OpReply).varint(p.ID).outcome(p.OK, p.Payload, p.Fault)
	case Subscribe:
		o.op(OpSubscribe).string(p.Topic)
	case Unsubscribe:
		o.op(OpUnsubscribe).string(p.Topic)
	case TunInit:
		o.op(OpTunInit).varint(p.Tunnel).string(p.Cluster).varint(p.TimeoutMs)
	case TunConfirm:
		o.op(OpTunConfirm).varint(p.Build).varint(p.Tunnel)
	case TunClose:
		o.op(OpTunClose).varint(p.Tunnel)
	case Welcome:
		o.op(OpInit).string(RelayMagic).string(p.Version)
	case Deny:
		o.op(OpDeny).string(RelayMagic).text(p.Reason)
	case Closed:
		o.op(OpClose).text(p.Reason)
	case Delivery:
		o.op(OpBroadcast).binary(p.Payload)
	case Serve:
		o.op(OpRequest).varint(p.ID).binary(p.Payload).after(p.TimeoutMs)
	case Result:
		o.op(OpReply).varint(p.ID).bool(p.TimedOut)
		if !p.TimedOut {
			o.outcome(p.OK, p.Payload, p.Fault)
		}
	case TunOffer:
		o.op(OpTunInit).varint(p.Build).varint(p.Limit)
	case TunResult:
		o.op(OpTunConfirm).varint(p.Tunnel).bool(p.TimedOut)
		if !p.TimedOut {
			o.varint(p.Limit)
		}
	case TunClosed:
		o.op(OpTunClose).varint(p.Tunnel).text(p.Reason)
	}
}

func (o *output) op(op Op) *output {
	o.head = append(o.head, byte(op))
	return o
}

func (o *output) varint(v uint64) *output {
	o.head = binary.AppendUvarint(o.head, v)
	return o
}

func (o *output) bool(v bool) *output {
	b := byte(0)
	if v {
		b = 1
	}
	o.head = append(o.head, b)
	return o
}

func (o *output) string(s string) *output {
	o.head = append(binary.AppendUvarint(o.head, uint64(len(s))), s...)
	return o
}

// text is a string for people to read, which is cut rather than refused.
func (o *output) text(s string) *output { return o.string(CutText(s)) }

// binary must be the last field but for after.
func (o *output) binary(b []byte) *output {
	o.varint(uint64(len(b)))
	o.payload = b
	return o
}

// after is a varint behind the payload.
func (o *output) after(v uint64) {
	o.tailLen = binary.PutUvarint(o.tail[:], v)
}

func (o *output) outcome(ok bool, payload []byte, fault string) {
	if o.bool(ok); ok {
		o.binary(payload)
	} else {
		o.text(fault)
	}
}

// CutText returns the first MaxText octets of s, less the part of a character
// at the end.
func CutText(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n] // not UTF-8
}

package packet

import "iter"

// Chunks cuts a message of a tunnel, of at least one octet, into chunks of at
// most limit octets, at least 1. The payloads share the memory of the message.
func Chunks(tunnel uint64, message []byte, limit int) iter.Seq[TunTransfer] {
	return func(yield func(TunTransfer) bool) {
		size := uint64(len(message))
		for len(message) > 0 {
			n := min(len(message), limit)
			if !yield(TunTransfer{Tunnel: tunnel, Size: size, Payload: message[:n:n]}) {
				return
			}
			message, size = message[n:], 0
		}
	}
}

// Assembly puts the chunks of one tunnel together to messages. The zero value
// is ready.
//
// Invariant: have is shorter than size, or both are nothing.
type Assembly struct {
	have []byte // of the message that is incomplete
	size int    // that it will have
}

// Add takes a chunk from side, whose payload it keeps, and returns the message
// that it completes, nil if none. A message may have most octets.
//
// A first chunk while a message is incomplete discards that message: its sender
// gave up halfway. Then discarded is the number of its octets that had come,
// which the receiver is to return as credit.
func (a *Assembly) Add(chunk TunTransfer, side Side, most int) (message []byte, discarded int, err error) {
	switch {
	case len(chunk.Payload) == 0:
		return nil, 0, a.violation(side, "an empty chunk", 0, 0)
	case chunk.Size == 0 && a.size == 0:
		return nil, 0, a.violation(side, "a chunk that continues nothing", 0, 0)
	case chunk.Size > uint64(most):
		return nil, 0, a.violation(side, "octets of a message", chunk.Size, uint64(most))
	case chunk.Size > 0:
		discarded = len(a.have)
		a.have, a.size = nil, int(chunk.Size)
	}
	if n := len(a.have) + len(chunk.Payload); n > a.size {
		return nil, 0, a.violation(side, "octets in the chunks of a message", uint64(n), uint64(a.size))
	}
	if a.have == nil {
		a.have = chunk.Payload
	} else {
		a.append(chunk.Payload)
	}
	if len(a.have) < a.size {
		return nil, discarded, nil
	}
	message = a.have
	*a = Assembly{}
	return message, discarded, nil
}

// append takes memory as octets come, and in the end no more than the message.
func (a *Assembly) append(b []byte) {
	if n := len(a.have) + len(b); n > cap(a.have) {
		larger := make([]byte, len(a.have), min(a.size, 2*n))
		copy(larger, a.have)
		a.have = larger
	}
	a.have = append(a.have, b...)
}

// Partial returns the number of octets of the incomplete message.
func (a *Assembly) Partial() int { return len(a.have) }

func (a *Assembly) violation(side Side, what string, have, most uint64) error {
	return &Violation{Side: side, Op: OpTunTransfer, What: what, Have: have, Max: most}
}

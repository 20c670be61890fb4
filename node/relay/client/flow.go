package client

import (
	"fmt"
	"math"

	"iris/node/relay/packet"
)

// maxWaiting bounds the messages that wait to be received from one tunnel.
// Credit counts octets of payload alone, so that the smallest messages would
// take many times the window.
const maxWaiting = 1 << 20

// flow is the state of one end of a tunnel: what may be sent, and what has come
// and waits. It is pure.
//
// Invariants:
//  1. held is the number of octets in waiting.
//  2. held and the incomplete message are at most window and most together.
//  3. the credit that the relay was granted, less the octets that came, is
//     window less held less the incomplete message.
type flow struct {
	credit uint64 // octets that may be sent
	window int    // octets that the relay was granted at first
	most   int    // octets of a message

	assembly packet.Assembly
	waiting  [][]byte
	held     int
}

// grant adds credit.
func (f *flow) grant(space uint64) {
	if space > math.MaxUint64-f.credit {
		space = math.MaxUint64 - f.credit
	}
	f.credit += space
}

// pays reports whether there is credit for a chunk of n octets.
func (f *flow) pays(n int) bool { return uint64(n) <= f.credit }

// spend takes the credit of a chunk that it pays for.
func (f *flow) spend(n int) { f.credit -= uint64(n) }

// arrive takes a chunk from the relay. It returns the octets to grant again now:
// those of a message whose sender gave up. The relay may exceed its credit to
// complete a message, or to begin another instead of it, and only for that.
func (f *flow) arrive(chunk packet.TunTransfer) (discarded int, err error) {
	n := f.held + len(chunk.Payload)
	if chunk.Size == 0 {
		n += f.assembly.Partial()
	}
	if n > f.window+f.most {
		return 0, fmt.Errorf("%d octets wait, at most %d", n, f.window+f.most)
	}
	message, discarded, err := f.assembly.Add(chunk, packet.FromRelay, f.most)
	if err != nil || message == nil {
		return discarded, err
	}
	if len(f.waiting) == maxWaiting {
		return 0, fmt.Errorf("more than %d messages wait", maxWaiting)
	}
	f.waiting = append(f.waiting, message)
	f.held += len(message)
	return discarded, nil
}

// take returns the next message that waits, nil if none does. Its octets are to
// be granted again.
func (f *flow) take() []byte {
	if len(f.waiting) == 0 {
		return nil
	}
	message := f.waiting[0]
	f.waiting[0] = nil
	if f.waiting = f.waiting[1:]; len(f.waiting) == 0 {
		f.waiting = nil
	}
	f.held -= len(message)
	return message
}

// drop forgets what waits.
func (f *flow) drop() {
	f.assembly, f.waiting, f.held = packet.Assembly{}, nil, 0
}

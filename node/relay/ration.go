package relay

import (
	"iris/internal/budget"
	"iris/node/relay/packet"
)

// ration is what an outbox may hold: a little of its own, and what it has taken of the share that
// the outboxes of all clients have together, in steps, so that a client that keeps up never asks.
//
//	bytes that wait   0 ······· ownRoom ··········· ownRoom + held ··· + lastRoom
//	may be taken by   everything │ as long as the share has │ what must be said
//
// Used with the mu of its outbox.
type ration struct {
	share *budget.Share
	held  int // bytes of the share, a multiple of a step
}

const (
	ownRoom  = 64 << 10 // bytes of each outbox beside the share
	lastRoom = 64 << 10 // bytes more, for what must neither be lost nor wait
	halfRest = 2        // what one outbox gets at most of what is free, but for what must not be lost
)

// urgency says what may become of a packet that finds no room.
type urgency int

const (
	losable urgency = iota // it is lost, or waits: it leaves as much as it takes for others
	owed                   // it is replaced by a smaller one: it takes what there is
	vital                  // without it the connection is of no use
)

// grow reports whether n bytes more than backlog have room, and holds what that takes of the share.
func (r *ration) grow(backlog, n int, u urgency) bool {
	want := max(steps(backlog+n-ownRoom)-r.held, 0)
	if want > 0 && !r.take(backlog, want, u) {
		return u == vital && backlog+n <= ownRoom+r.held+lastRoom
	}
	r.held += want
	return true
}

// take takes n bytes of the share. An outbox that is empty gets one message if there is room at all.
func (r *ration) take(backlog, n int, u urgency) bool {
	if u == losable && backlog > 0 {
		return r.share.TakePart(r.held, n, halfRest)
	}
	return r.share.TakePart(0, n, 1)
}

// shrink gives back what an outbox with backlog bytes does not need.
func (r *ration) shrink(backlog int) {
	if spare := r.held - steps(backlog-ownRoom); spare > 0 {
		r.held -= spare
		r.share.Give(spare)
	}
}

// tight reports whether more than three quarters of the share are in use.
func (r *ration) tight() bool { return r.share.Used() > r.share.Limit()/4*3 }

// steps rounds n up.
func steps(n int) int { return (max(n, 0) + budget.Step - 1) / budget.Step * budget.Step }

// size is how many bytes packets have on the wire, or a little more.
func size(list []packet.Packet) (n int) {
	const fields = 48 // the opcode, numbers and lengths of any of them
	for _, p := range list {
		n += fields
		switch p := p.(type) {
		case packet.Publish:
			n += len(p.Topic) + len(p.Payload)
		case packet.Delivery:
			n += len(p.Payload)
		case packet.Serve:
			n += len(p.Payload)
		case packet.Result:
			n += len(p.Payload) + len(p.Fault)
		case packet.TunTransfer:
			n += len(p.Payload)
		case packet.TunClosed:
			n += len(p.Reason)
		}
	}
	return n
}

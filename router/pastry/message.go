package pastry

import (
	"fmt"

	"iris/internal/id"
	"iris/transport/wire"
)

// Kind says what a Msg means.
type Kind uint8

// The messages of the overlay. "Unanswered" says what the sender does when
// nothing comes back; the others may be lost without harm.
const (
	_ Kind = iota

	// Route carries a payload towards the root of Key: Origin, ID, Body, Hops,
	// Seq. Answer: Ack with Seq by whoever takes it over, then Passed with Seq;
	// only Passed by the root. Unanswered: another next hop, and the silent one is
	// probed.
	Route
	// Ack takes over the message Seq of the receiver, which keeps a copy.
	Ack
	// Join travels like Route towards the root of the id of Origin, never to
	// Origin itself, and gathers table rows in Refs, Row being the next one
	// missing. Seq is 0 on the first hop. Answer: Welcome by the root.
	// Unanswered: a joining node asks another seed.
	Join
	// Welcome answers Join: Leaves is the leaf set of the root and the root
	// itself, Refs the rows gathered, ID the ID of the Join.
	Welcome
	// Ping measures distance and asks for life: Seq. Answer: Pong with Seq.
	// Unanswered: repeated, then the verdict that the sender wanted.
	Ping
	// Pong answers Ping.
	Pong
	// LeafProbe offers to be leaves of each other: Leaves is the leaf set of the
	// sender, Refs those it lately found dead, Seq. Answer: LeafReply with Seq, or
	// Pong by one that has no place in the ring yet; if the sender is active, that
	// one may join through it. Unanswered: repeated, then the receiver counts as
	// dead.
	LeafProbe
	// LeafReply answers LeafProbe with the same fields.
	LeafReply
	// Heartbeat ends silence towards the predecessor.
	Heartbeat
	// Announce names dead leaves in Refs; the receiver probes them itself.
	Announce
	// Introduce tells a table entry that the sender is active, and their round
	// trip in Seq, in microseconds, 0 if it was not measured, so that the receiver
	// may take the sender in turn.
	Introduce
	// RowRequest asks for row Row of the table, 254 for the leaf set, 255 for the
	// nearest neighbours. Answer: RowReply. Unanswered:
	// nothing, the next exchange asks somebody else.
	RowRequest
	// RowReply answers RowRequest: Row, Refs with their round trips in RTTs, and
	// Leaves when it was asked for or the row is too small to be of use. One that
	// is not active says nothing but that; who wants to join asks another.
	RowReply
	// Leave says that the sender is gone, now.
	Leave
	// Passed says that the message Seq of the receiver has arrived, or that the
	// one behind the sender has taken it over: the receiver may forget it.
	// Unanswered: the receiver of a Route that took it over is probed; if it is
	// dead, the copy is sent another way.
	Passed
)

var kindNames = [...]string{
	"", "route", "ack", "join", "welcome", "ping", "pong", "leaf probe", "leaf reply",
	"heartbeat", "announce", "introduce", "row request", "row reply", "leave", "passed",
}

// Kinds is the number of kinds, the zero one included.
const Kinds = len(kindNames)

func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Control reports whether messages of the kind are there for the overlay's own
// sake, neither payload nor the acknowledgement of one.
func (k Kind) Control() bool { return k != Route && k != Ack && k != Passed }

// greeting reports whether a node that was not started answers the kind, if only
// to say that it has no place in the ring.
func (k Kind) greeting() bool { return k == Ping || k == LeafProbe || k == RowRequest }

// Msg is one message between two nodes. Leaves and Refs are shared between
// messages and state: nobody modifies them.
type Msg struct {
	Kind   Kind
	Active bool   // the sender delivers
	Mesh   bool   // everybody is its leaf
	Hops   uint8  // taken so far
	Row    uint8  // see Join and RowRequest
	Seq    uint32 // hop by hop: named by the answer
	Origin Handle
	Key    id.ID
	ID     uint64 // end to end, chosen by Origin
	Leaves []Handle
	Refs   []Handle
	RTTs   []uint16 // parallel to Refs, in units of 32 µs; 0 = not known
	Body   any      // of the layer above; not looked at; between real nodes a Query
}

// Bounds of what a message may carry; a receiver ignores the rest.
const (
	MaxRefs   = wire.MaxRefs
	MaxLeaves = wire.MaxRefs
	MaxHops   = 64
)

package reliable

import (
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// Stream names the messages of one publisher during one epoch.
type Stream struct {
	Publisher id.ID
	Epoch     uint64
}

// Message is what machines of different nodes say to each other.
type Message interface{ message() }

// Data is one published message. Lost: found missing by its successors or digests.
type Data struct {
	Stream
	Seq   uint64 // from 1
	Hops  uint8  // taken outside the tree, at most maxHops
	Twin  bool   // of a plain topic: those who take reliable events had it as one
	Body  wire.Body
	Trace string
}

// Mark tells how far a node is in a stream.
type Mark struct {
	Stream
	Low  uint64 // all up to here were had or given up
	High uint64 // the highest had
}

// Sync begins an edge: what the sender has of the stripe's streams. More: the
// next Sync continues it. Lost: sent again after a second.
type Sync struct {
	Stripe int
	Answer bool // the receiver shall send its own
	Fresh  bool // the sender has no base: it will begin where the receiver is
	More   bool
	Marks  []Mark // at most maxMarks
}

// Digest tells somebody who is no neighbour in the stream's stripe what there is, and
// neighbours when nothing follows. Lost: the next follows in a second.
type Digest struct {
	Copy  bool  // from a root to who may be the next root
	Hops  uint8 // taken outside the tree; then only the publishers hold the messages
	Marks []Mark
}

// Range is seq From to To, both included.
type Range struct{ From, To uint64 }

// Pull asks for messages: at most maxRanges, answered with at most maxAnswer Data.
type Pull struct {
	Stream
	Ranges []Range
}

// Enter tells a publisher outside the tree where to send from now on.
type Enter struct{ Stripe int }

func (*Data) message()   {}
func (*Sync) message()   {}
func (*Digest) message() {}
func (*Pull) message()   {}
func (*Enter) message()  {}

// Event is what happens to a machine.
type Event interface{ event() }

// Place tells the node's place in the tree of one stripe (scribe.Tree); repeated
// when it changes.
type Place struct {
	Stripe   int
	InTree   bool // members or children here, or root
	Root     bool
	Parent   id.ID
	Children []id.ID
	Entry    id.ID   // where a publication goes if not InTree
	Copies   []id.ID // of a root
	Sample   []id.ID // random members
}

// Attach says that a join went to a node; the Sync is to go right behind it.
type Attach struct {
	Stripe int
	To     id.ID
}

// Local sets whether this node has subscribers.
type Local struct{ Want bool }

// Publish publishes a message of this node.
type Publish struct {
	Body  wire.Body
	Twin  bool
	Trace string
}

// Recv is a message of another node's machine, which is not changed any more.
type Recv struct {
	From id.ID
	Msg  Message
}

// Listed is a message to a node that is no member of the trees and may have
// subscribers all the same: on the list of a plain topic, by which its publisher sends.
type Listed struct {
	From id.ID
	Data *Data
}

// Down says that a node cannot be reached any more.
type Down struct{ Node id.ID }

// Lost says that something sent to a neighbour may not have arrived: its lane was
// full, or the link was replaced. It is told soon what there is.
type Lost struct{ To id.ID }

// Restore gives a machine that was just made the place of one before it, so that
// subscribers miss nothing unnoticed and the publisher's numbers go on.
type Restore struct{ State }

// State is what of a machine outlives it, see [Machine.State].
type State struct {
	Marks []Mark // of the streams of others: all up to Low were delivered or given up
	Own   Mark   // of the own stream; zero without one
	Based []bool // by stripe: Marks say where its streams are
}

// Tick is due at Out.Wake.
type Tick struct{}

func (Place) event()   {}
func (Attach) event()  {}
func (Local) event()   {}
func (Publish) event() {}
func (Recv) event()    {}
func (Listed) event()  {}
func (Down) event()    {}
func (Lost) event()    {}
func (Restore) event() {}
func (Tick) event()    {}

// Send is a message for another node.
type Send struct {
	To  id.ID
	Msg Message
}

// Up is something for the subscribers of this node: a message, or a gap.
type Up struct {
	*Data     // nil: a gap
	Gap   Gap // if Data is nil
}

// Gap stands for messages of a stream that no subscriber here will get.
type Gap struct {
	Stream
	Range
}

// Out collects what a Step wants done, in order. The owner resets it.
type Out struct {
	Sends []Send
	Ups   []Up
	Wake  time.Time // when to send Tick; zero: no need
}

// Reset empties o for the next Step and keeps its memory.
func (o *Out) Reset() { *o = Out{Sends: o.Sends[:0], Ups: o.Ups[:0]} }

// Counters count since the machine was made.
type Counters struct {
	Delivered uint64 // to subscribers here
	Gaps      uint64 // messages given up, subscribers or not
	Duplicate uint64 // received again and dropped
	Late      uint64 // plain topics: overtaken by a later message, dropped
	Unbased   uint64 // received before this node had a base
	Homeless  uint64 // no entry known, or too many hops
	Pulled    uint64 // messages asked for
	Replayed  uint64 // messages sent again: answers to Sync and Pull
}

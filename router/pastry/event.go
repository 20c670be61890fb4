package pastry

import (
	"time"

	"iris/internal/id"
)

// Time is an instant of the driver's clock: the time since one that is fixed for
// the life of a Node. It never goes back.
type Time = time.Duration

// EventKind says what an Event means.
type EventKind uint8

// What may happen to a node.
const (
	Tick   EventKind = iota // the time asked for by Out.Wake has come
	Recv                    // Msg came from From
	Start                   // join through Seeds and those met; none but itself: be the first of an overlay, unless one was found
	Send                    // route Msg.Body to the root of Msg.Key; Msg.ID names it in upcalls
	Stop                    // say goodbye and fall silent
	Seeds                   // Seeds replaces the list used for healing
	Down                    // the driver knows that the process From is gone
	Met                     // the driver has a link to From with the round trip RTT (0: not known)
	Paused                  // the driver knows that the process stood still for longer than Config.Pause
)

// Event is the input of a Step.
type Event struct {
	Kind  EventKind
	From  Handle
	RTT   time.Duration
	Msg   *Msg // valid during the Step
	Seeds []Handle
}

// UpcallKind says what an Upcall means.
type UpcallKind uint8

// What a node tells the layer above.
const (
	Deliver     UpcallKind = iota // Msg has arrived at the root of its key
	Undelivered                   // Msg found no next hop in time; it may still have arrived
	Ready                         // the node is active from now on
	Unready                       // it is not: it stood still and checks who is left
	Changed                       // the leaf set changed
	Gone                          // Peer is dead or left
)

// Upcall is one thing that the layer above should know, in order.
type Upcall struct {
	Kind UpcallKind
	Peer Handle
	Msg  Msg
}

// Sending is a message to be sent.
type Sending struct {
	To  Handle
	Msg Msg
}

// Out collects the effects of a Step; Reset it before each.
type Out struct {
	Sends []Sending
	Up    []Upcall
	Wake  Time // Step wants a Tick then; one is always armed while the node runs
}

// Reset empties o and keeps its memory.
func (o *Out) Reset() { o.Sends, o.Up, o.Wake = o.Sends[:0], o.Up[:0], 0 }

// Forward decides about a message that the node is about to send on: false takes
// it out of the overlay here (Scribe's forward upcall). It may change Body.
type Forward func(m *Msg, key id.ID, next Handle) bool

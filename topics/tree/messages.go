package tree

import (
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// Code is the result field of GroupView and GroupAck frames; it continues the
// list of wire.GroupOK and is append only like that.
type Code = uint16

// The codes.
const (
	CodeOK      Code = wire.GroupOK      // done: every asker with a live lease knows; or: this is the list
	CodeNotRoot Code = wire.GroupNotRoot // not the root as it sees the ring: ask again soon
	CodeRefused Code = wire.GroupRefused // a node spoke for another one
	CodeFull    Code = wire.GroupFull    // a bound of the root would be passed
	CodeMoved   Code = wire.GroupMoved   // a push: the root gave up its reign, the lease ends now
	CodeSame    Code = wire.GroupSame    // the version the asker has is current; the list is left out
)

// Event is what happens to a machine.
type Event interface{ event() }

// Ring tells the machine how its node sees the ring now. It must be the first
// event of a machine and be repeated whenever the routes change.
type Ring struct {
	Root    id.ID   // root of the group's key; zero: not shown by the node's picture of the ring
	Nearest []id.ID // the nodes nearest to the key, nearest first, self included; none if the root is not shown
	Up      []id.ID // nodes that appeared since the last Ring; in the structured form for what it is worth
	Down    []id.ID // nodes that died, left or could not be reached since the last Ring
	// Alive tells whether a node is in the ring as far as this node knows; what
	// others say of a node that is not is ignored. nil means to believe it.
	Alive func(id.ID) bool
	// Structured: most nodes of the ring are strangers, links come and go.
	Structured bool
}

// Located answers an Out with Locate: the root of the group's key, zero if it was
// not found.
type Located struct{ Node id.ID }

// Recv is a Group frame from a peer. The machine keeps the frame's slices.
type Recv struct {
	From  id.ID
	Frame wire.Frame
}

// Lost says that a frame of an earlier Out could not be sent.
type Lost struct{ To id.ID }

// Join sets this node's own membership: the number of its local members and
// what others should know of them; 0 members means to leave. The Answer for
// Waiter comes when the root has acknowledged it. Waiter 0 wants no answer.
type Join struct {
	Members, Weight uint32
	Zone            string
	Reliable        bool // takes reliable events of the topic by its reliable trees
	Waiter          uint64
}

// Trees tells what goes on in the trees of the group on this node. It is repeated
// when it changes.
type Trees struct {
	Member  bool        // this node is in them, or to be; only the first to a machine says so
	Rooted  bool        // it is in all of them: it needs the list no more
	Root    bool        // of the tree whose root is that of the list
	Members uint32      // if Root: member nodes in that tree
	Mode    scribe.Mode // as the trees announce it
}

// Ask wants a live view. The Answer for Waiter comes when there is one.
type Ask struct{ Waiter uint64 }

// Tick is due at Out.Wake. Used says whether the view was read since the last
// Tick: an asker's lease is renewed while it is.
type Tick struct{ Used bool }

func (Ring) event() {}
func (Recv) event() {}

func (Trees) event() {}

func (Located) event() {}
func (Lost) event()    {}
func (Join) event()    {}
func (Ask) event()     {}
func (Tick) event()    {}

// Out collects what a Step wants done, in order. The owner resets it.
type Out struct {
	Sends   []Send
	Answers []Answer
	View    *View        // the asker's view, nil without one
	Changed bool         // View differs from the last Out's
	Joined  []wire.Entry // nodes new in View, or with more members than before
	Left    []wire.Entry // nodes with fewer members than before; Members 0: not in View any more
	Wake    time.Time    // when to send Tick; zero: no need
	Locate  bool         // ask the overlay for the root of the group's key; the answer is a Located
	Trees   bool         // this node is to be in the trees of the group
	Mode    scribe.Mode  // that the trees are to announce, if this node is their root
	Reign   bool         // this node acts as root
	Idle    bool         // no role is left
}

// Reset empties o for the next Step and keeps its memory.
func (o *Out) Reset() {
	*o = Out{Sends: o.Sends[:0], Answers: o.Answers[:0], Joined: o.Joined[:0], Left: o.Left[:0]}
}

// Send is a frame for a peer, on the control lane. Frames and their slices are
// not touched again by the machine.
type Send struct {
	To    id.ID
	Frame wire.Frame
}

// Answer ends a Join (Code OK, Full or Refused) or an Ask (OK: a live view is in
// Out.View; Full: the root refused; NotRoot: no root was found for Config.Idle).
type Answer struct {
	Waiter uint64
	Code   Code
}

// View is an asker's leased copy of the member list. It is immutable.
type View struct {
	Root    id.ID
	Version wire.Version
	Entries []wire.Entry // by node id; shared, read only
	Until   time.Time    // end of the lease
	Mode    scribe.Mode  // Trees: events go into the group's trees, and to Entries, who may not be in them yet
	Settled bool         // the list is the current root's: empty means nobody serves
}

// Live reports whether the view may be used at now: its lease lives, and it
// either names somebody or is settled to be empty.
func (v *View) Live(now time.Time) bool {
	return v != nil && now.Before(v.Until) && (v.Settled || len(v.Entries) > 0 || v.Mode == scribe.Trees)
}

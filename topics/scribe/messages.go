package scribe

import (
	"time"

	"iris/internal/id"
)

// Kind tells how a join found its receiver.
type Kind uint8

// The kinds of Join.
const (
	Overlay Kind = iota // it is the next hop to the key: accepts also outside the tree
	Push                // it was named in a Redirect: accepts if it is in the tree
	Backup              // it was named as a backup: accepts if it has a root
	Refresh             // it is the parent already; if it forgot, as Backup
)

// Code is the result in an Ack.
type Code uint8

// The codes.
const (
	Accepted Code = iota
	Redirect      // full: the parent, or one of Others, may have room
	Loop          // the joiner is on the receiver's path; Next is nearer to the key
	Unrooted      // has no root itself at the moment
	Dropped       // is not (or no longer) the parent
)

// Message is what machines of different nodes say to each other.
type Message interface{ message() }

// Join asks to become, or to stay, a child. Lost: sent again, or elsewhere.
type Join struct {
	Seq    uint64 // echoed
	Kind   Kind
	Size   uint32  // member nodes in the joiner's subtree, itself included
	Sample []id.ID // at most maxTold random members of the subtree
}

// Ack answers a Join; with Seq 0 the parent tells of changes unasked.
type Ack struct {
	Seq     uint64
	Code    Code
	Rooted  bool    // Path ends at the root
	Path    []id.ID // with Accepted and Redirect: from the sender to the root; at most maxPath
	Backups []id.ID // for the receiver, best first; at most maxBackups
	Others  []Other // with Redirect: the sender's children, at most Config.Cap
	Next    id.ID   // with Loop and Unrooted: the sender's next hop to the key
	Sample  []id.ID // at most maxTold random members
	Mode    Mode    // List: the group becomes a list again
}

// Other is a child named to a joiner that found no room.
type Other struct {
	Node id.ID
	RTT  time.Duration // between it and the sender; 0 unknown
	Size uint32        // member nodes of its subtree
}

// Leave ends a childhood. Lost: the child expires or its link does.
type Leave struct{}

// Replica copies the root's state to a node near the key; empty to forget it.
type Replica struct{ Children []id.ID }

// Invite is the new root's word to children of the dead one: join me.
type Invite struct{ Old id.ID }

func (*Join) message()    {}
func (*Ack) message()     {}
func (*Leave) message()   {}
func (*Replica) message() {}
func (*Invite) message()  {}

// Event is what happens to a machine.
type Event interface{ event() }

// Route tells how the overlay sees the stripe's key now. It is a machine's first
// event and is repeated when it changes.
type Route struct {
	Root   bool    // this node is the root of the key
	Next   id.ID   // next hop to the key; zero if Root or unknown
	Leaves []id.ID // those who would be root next, nearest to the key first; at most 3 are used
}

// Down says that a node died, left, or cannot be reached any more.
type Down struct{ Node id.ID }

// Subscribe sets whether this node has local members.
type Subscribe struct{ Want bool }

// SetMode is for the root: announce that the group becomes a list (or stays trees).
type SetMode struct{ Mode Mode }

// Recv is a message of another node's machine. The machine keeps its slices.
type Recv struct {
	From id.ID
	Msg  Message
}

// Tick is due at Out.Wake.
type Tick struct{}

func (Route) event()     {}
func (Down) event()      {}
func (Subscribe) event() {}
func (SetMode) event()   {}
func (Recv) event()      {}
func (Tick) event()      {}

// Send is a message for another node. Messages are shared between receivers and
// not changed again.
type Send struct {
	To  id.ID
	Msg Message
}

// Out collects what a Step wants done, in order. The owner resets it.
type Out struct {
	Sends    []Send
	Attaches []id.ID   // nodes asked to become parent: what resumes the data goes right behind
	Changed  bool      // Machine.Tree differs from before
	Wake     time.Time // when to send Tick; zero: no need
	Idle     bool      // nothing is left
}

// Reset empties o for the next Step and keeps its memory.
func (o *Out) Reset() { *o = Out{Sends: o.Sends[:0], Attaches: o.Attaches[:0]} }

// Tree is a node's place in the tree.
type Tree struct {
	Root     bool    // this node is the root
	Rooted   bool    // there is a path to the root, as far as known
	Parent   id.ID   // zero without one
	Children []id.ID // a copy
	Path     []id.ID // parent to root; read only
	Entry    id.ID   // where a publication enters: itself in the tree, else the next hop (reliable caches better); zero unknown
	Copies   []id.ID // of a root: the nodes that hold copies of its state
	Sample   []id.ID // random members, not this node; a copy
	Members  uint32  // member nodes in the subtree
	Mode     Mode    // as the root announces it
	Backup   id.ID   // whom it would ask first if the parent died; zero unknown
}

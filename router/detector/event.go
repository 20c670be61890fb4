package detector

import (
	"time"

	"iris/internal/id"
)

// Event is one of the types below.
type Event interface{ event() }

// Tick asks for what is due. The owner sends it at Out.Wake, or earlier.
type Tick struct {
	Link   Sample
	Factor int           // own health, 1..8; 0 counts as 1
	Every  time.Duration // heartbeat period; 0 = 1 s. Large meshes heartbeat far peers less often
	Others int           // peers that could be asked for an indirect probe
}

// Sample is what the link counts since it came up. Counters only grow.
type Sample struct {
	Received uint64        // packets
	Sent     uint64        // packets, retransmissions included
	RTT      time.Duration // smoothed
}

// Paused: this process did not run for a while.
type Paused struct{}

// Heard: a frame of the peer arrived.
type Heard struct{}

// Answered: the peer answered heartbeat Seq; 0 is an answer to no particular one.
type Answered struct{ Seq uint64 }

// Accused: By suspects or buried the peer. Look at once. A zero By is a doubt of
// our own, which confirms nothing.
type Accused struct{ By id.ID }

// Indirect is the result of a probe by somebody else.
type Indirect struct {
	By      id.ID
	Reached bool
}

// LinkUp: a new link has shaken hands, which proves that both directions work.
type LinkUp struct{}

// LinkLost: there is no link any more.
type LinkLost struct{ How Loss }

// Refused: the peer's host says that nobody listens at its port: the process is gone.
type Refused struct{}

// Loss says what the end of a link tells about the peer.
type Loss uint8

const (
	Silent    Loss = iota // idle timeout, local error: nothing
	Closed                // the peer closed it, so it lives; or we did, for another reason than silence
	Left                  // it announced its departure
	Restarted             // stateless reset: it does not know the connection
)

func (Tick) event()     {}
func (Paused) event()   {}
func (Heard) event()    {}
func (Answered) event() {}
func (Accused) event()  {}
func (Indirect) event() {}
func (LinkUp) event()   {}
func (LinkLost) event() {}
func (Refused) event()  {}

// Change is what happened to the opinion of a peer.
type Change uint8

const (
	None Change = iota
	Suspected
	Recovered
	Died
)

// String returns the lower-case name.
func (c Change) String() string {
	return [...]string{"none", "suspected", "recovered", "died"}[c&3]
}

// Out says what the owner has to do, in the order of the fields.
type Out struct {
	Change Change
	Reason string // of Change: constant words, fit for an event

	Beat bool   // send heartbeat Seq
	Seq  uint64 // never 0
	Full bool   // padded to a full packet

	Tell    bool // tell the peer that it is suspected
	Ask     int  // ask so many random others to probe it
	Refusal bool // see whether its port refuses us
	Redial  bool // no link: dial now
	Relink  bool // the link does not work but the peer lives: close it and dial

	Wake time.Time // step again no later than this; zero: nothing more to do (dead)
}

package actor

import "time"

// Bytes is the untyped message: its content is the application's business. Programs in other languages speak it. What a
// handler receives is its own to keep and to change. Of events that came together, those of up to 32 bytes may be cut from
// the same 128: copy one that is kept for long.
type Bytes []byte

// Kind says how a message came to its handler.
type Kind uint8

const (
	Tell      Kind = iota // sent to a PID
	Request               // someone waits for the answer
	Broadcast             // sent to all members of a cluster
	Event                 // published to a topic
)

func (k Kind) String() string {
	switch k {
	case Request:
		return "request"
	case Broadcast:
		return "broadcast"
	case Event:
		return "event"
	default:
		return "tell"
	}
}

// Delivery describes the message a handler works on.
type Delivery struct {
	Kind     Kind
	Cluster  string    // of a request or broadcast
	Topic    string    // of an event
	Origin   string    // node the message was sent from
	Deadline time.Time // after which nobody waits for the answer; zero if there is none
	Trace    string    // given by the sender, opaque
}

// Load is what a member says about itself in its replies. The zero Load says nothing.
type Load struct {
	InFlight, LatencyMicros, Members uint32
	Draining                         bool
}

// Tracker follows one inbound message for flow control and balancing. Its methods must not block.
type Tracker interface {
	// Done is called exactly once per accepted Inbound: handled (executed), or dropped before that.
	Done(queued, took time.Duration, executed bool)
	// Failed is called when the handler answered with an error, or panicked; before Done, unless Receive had returned.
	Failed()
	// Load is sent along with the reply.
	Load() Load
}

// Inbound is a message from another node (or from a local asker) on its way into a mailbox. It is posted as it is; the
// caller must not touch it after a Deliver that returned nil.
type Inbound struct {
	Delivery
	Message    any
	Size       int       // bytes to charge to the mailbox
	From       string    // node the message came from
	ReplyTo    uint32    // id of the pending reply at From, 0 = none
	SenderID   string    // id of the sending actor, empty = none
	SenderNode string    // its node if that is not From
	Tracker    Tracker   // may be nil
	Posted     time.Time // when it came, for Tracker; zero: Deliver sets it

	counted bool // Tracker was told that it is done
}

// Meta describes the message ctx is handling. Messages sent to a PID on this node are a Tell from this node.
func Meta(ctx Context) Delivery {
	if d, ok := ctx.(interface{ delivery() Delivery }); ok {
		return d.delivery()
	}
	return Delivery{}
}

// Fail answers the message ctx is handling with err: the asker gets a *RemoteError with its text, or err itself if it
// is one of the sentinels of this package.
func Fail(ctx Context, err error) { ctx.Respond(err) }

// failed tells the tracker that the answer is an error.
func (in *Inbound) failed() {
	if in.Tracker != nil {
		in.Tracker.Failed()
	}
}

package actor

import "sync/atomic"

// DeadReason says why a message was dropped.
type DeadReason uint8

const (
	DeadNoActor     DeadReason = iota // no actor of that id
	DeadLeftover                      // still queued when the actor stopped
	DeadOverflow                      // mailbox full
	DeadNoTarget                      // sent to a nil PID
	DeadNoSender                      // response to a message without a sender
	DeadDenied                        // a remote node may not address this actor
	DeadUnreachable                   // no way to the node, or it took nothing
	DeadUnnamed                       // the name could not be resolved
	DeadExpired                       // its deadline passed in the queue
	DeadLate                          // an answer nobody waits for (any more)
	DeadCodec                         // could not be encoded
	DeadClosed                        // the system is shut down
	DeadRelay                         // lost between a program and the relay: not sent yet, or delivered to the relay's actor
	deadReasons
)

var deadReasonNames = [deadReasons]string{
	"no such actor", "left over", "mailbox full", "nil target", "no sender", "denied", "unreachable", "name not resolved",
	"expired", "late answer", "not encodable", "closed", "lost at the relay",
}

func (r DeadReason) String() string {
	if r < deadReasons {
		return deadReasonNames[r]
	}
	return "unknown"
}

// Counters is a snapshot of what the system did since it was made. Sent counts messages handed to local mailboxes, names
// and other nodes; Delivered those that a handler was called with (lifecycle messages and timers are not counted). What is
// handed to the mailboxes of a node, by its own actors or from other nodes, is delivered or dropped, never neither, and never both but for DeadRelay: what a program on the relay misses was delivered
// before, to the actor that stands for it, and what the relay loses of a program was not sent. An
// answer, a watch or a stop counts only if it is lost: as sent and as dropped. So the Sent of all nodes together, of messages to actors, are
// their Delivered and Dropped without DeadRelay, when nothing is under way and no link was lost. A name counts once in Sent, and in Delivered
// or Dropped for everybody who hears it.
type Counters struct {
	Sent, Delivered uint64
	Failures        uint64            // panics of handlers
	Restarts        uint64            // of handlers, by supervisors and by command
	Events          uint64            // published
	EventsLost      uint64            // missed by subscribers that were too far behind
	Dropped         map[string]uint64 // messages by DeadReason, only reasons that occurred
}

// padded keeps a busy counter on a cache line of its own.
type padded struct {
	atomic.Uint64
	_ [56]byte
}

// counters are updated from any goroutine.
type counters struct {
	sent, delivered    padded
	failures, restarts atomic.Uint64
	events, eventsLost atomic.Uint64
	dropped            [deadReasons]atomic.Uint64
}

// Counters reads the counters one by one: the numbers of a busy system need not add up exactly.
func (s *System) Counters() Counters {
	c := Counters{
		Sent: s.count.sent.Load(), Delivered: s.count.delivered.Load(), Failures: s.count.failures.Load(), Restarts: s.count.restarts.Load(),
		Events: s.count.events.Load(), EventsLost: s.events.lost(), Dropped: map[string]uint64{},
	}
	for r := range s.count.dropped {
		if n := s.count.dropped[r].Load(); n > 0 {
			c.Dropped[DeadReason(r).String()] = n
		}
	}
	return c
}

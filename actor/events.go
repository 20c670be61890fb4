package actor

import "time"

// At is part of every event. The hub fills it in when the event is published.
type At struct {
	Time time.Time
	Node string // the node that saw it
}

func (a *At) stamp(now time.Time, node string) {
	if a.Time.IsZero() {
		a.Time, a.Node = now, node
	}
}

// Events are published as pointers. A subscriber must not modify them. docs/events.md has them all.
//
//go:generate go test -run TestEventsDocument -update .
type (
	// NodeStarted: this node is up.
	NodeStarted struct{ At }
	// NodeStopping: this node begins to leave.
	NodeStopping struct{ At }
	// NodeStopped: everything but the hub has ended.
	NodeStopped struct{ At }
	// Converged: this node is part of the network, Peers may be 0.
	Converged struct {
		At
		Peers int
		Took  time.Duration
	}

	// PeerUp: a peer became usable.
	PeerUp struct {
		At
		Peer, Addr  string
		Incarnation uint64
	}
	// PeerSuspected: a peer is silent; it is avoided but not given up.
	PeerSuspected struct {
		At
		Peer, Reason string
	}
	// PeerRecovered: a suspected peer answered.
	PeerRecovered struct {
		At
		Peer string
	}
	// PeerDown: a peer left or was declared dead.
	PeerDown struct {
		At
		Peer, Reason string
	}

	// LinkUp: a connection to a peer is usable.
	LinkUp struct {
		At
		Peer, Addr string
		Dialed     bool
	}
	// LinkDown: a connection to a peer ended.
	LinkDown struct {
		At
		Peer, Reason string
	}
	// LinkRefused: a connection was not admitted. The publisher limits the rate.
	LinkRefused struct {
		At
		Addr, Reason string
	}

	// MemberJoined: a node has (more) members of a cluster.
	MemberJoined struct {
		At
		Cluster string
		Peer    string // the node that has them, may be this one
		Members int
	}
	// MemberLeft: a node has fewer or no members of a cluster.
	MemberLeft struct {
		At
		Cluster string
		Peer    string // the node that had them, may be this one
		Members int    // that are left
	}

	// TreeParentChanged: this node hangs below another parent in a dissemination tree.
	TreeParentChanged struct {
		At
		Topic, Parent, Previous string
	}
	// TopicGap: events of a publisher were lost.
	TopicGap struct {
		At
		Topic, Publisher string
		Missed           uint64
	}

	// TunnelOpened: a tunnel is usable.
	TunnelOpened struct {
		At
		Tunnel, Cluster, Peer string
	}
	// TunnelStalled: the reader of a tunnel gives no credit.
	TunnelStalled struct {
		At
		Tunnel, Cluster, Peer string
	}
	// TunnelClosed: a tunnel ended; Sent and Received count payload bytes.
	TunnelClosed struct {
		At
		Tunnel, Cluster, Peer, Reason string
		Sent, Received                uint64
	}

	// RelayClientUp: a program attached to the relay. Client numbers it, the actor is iris/relay/Client.
	RelayClientUp struct {
		At
		Client  uint64
		Addr    string
		Cluster string // that it serves, empty if none
	}
	// RelayClientDown: a program attached to the relay is gone. Reason is empty if it closed in order.
	RelayClientDown struct {
		At
		Client                uint64
		Addr, Cluster, Reason string
	}
	// RelayClientRefused: a connection to the relay was not admitted, or ended before it was. The publisher limits the
	// rate; Count says for how many this one stands.
	RelayClientRefused struct {
		At
		Addr, Reason string
		Count        uint64
	}

	// HandlerStarted: an actor began its first or a further incarnation.
	HandlerStarted struct {
		At
		PID      *PID
		Cluster  string // of a member, else empty
		Restarts int    // incarnations before this one
	}
	// HandlerFailed: an actor panicked; Directive is what its supervisor does about it.
	HandlerFailed struct {
		At
		PID         *PID
		Cluster     string
		Reason      string
		Stack       string
		MessageType string
		Restarts    int // failures in the current window, this one included
		Directive   Directive
		Backoff     time.Duration // before the restart
	}
	// HandlerStopped: an actor ended for good.
	HandlerStopped struct {
		At
		PID     *PID
		Cluster string
		Reason  string
	}

	// DeadLetter: messages could not be delivered. The first of a kind is reported at once, then once a second.
	DeadLetter struct {
		At
		Reason                      DeadReason
		Target, MessageType, Sender string // of the last one
		Count                       uint64 // since the last event of this reason and target
	}
	// Overloaded: a queue began to refuse messages.
	Overloaded struct {
		At
		What    string
		Dropped uint64
	}
	// Relieved: a queue that was overloaded has room again.
	Relieved struct {
		At
		What    string
		Dropped uint64 // while it was overloaded
	}

	// ProtocolViolation: a peer sent what it must not.
	ProtocolViolation struct {
		At
		Peer, Reason string
	}
	// ConfigChanged: a setting was changed while running.
	ConfigChanged struct {
		At
		What  string // the key of the setting, such as "log.level"
		Value string // its new value
	}
	// ClockJump: this process did not run for a while, or the wall clock moved against the monotonic one.
	ClockJump struct {
		At
		By time.Duration
	}
	// EventsLost: this subscriber was too slow and missed Count events here.
	EventsLost struct {
		At
		Count uint64
	}
)

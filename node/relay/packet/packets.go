package packet

// Packet is one of the types of this file, as a value.
type Packet interface {
	// Op returns the opcode.
	Op() Op
}

// Packets of both directions.
type (
	// Publish is an event for the subscribers of a topic, the sender included
	// if it is one.
	Publish struct {
		Topic   string
		Payload []byte
	}
	// TunAllow adds credit: the receiver may send Space octets of payload more.
	TunAllow struct {
		Tunnel uint64 // the client's number of its end of the tunnel
		Space  uint64
	}
	// TunTransfer is a chunk of a message.
	TunTransfer struct {
		Tunnel  uint64
		Size    uint64 // of the whole message in its first chunk, 0 in others
		Payload []byte
	}
)

// Packets from a client to its relay.
type (
	// Init asks to attach; it carries ClientMagic, which the Reader checks.
	Init struct {
		Version string
		Cluster string // "" = a pure client, that serves nothing
	}
	// Close asks for a graceful end; the relay answers with Closed.
	Close struct{}
	// Broadcast is a message for every member of a cluster.
	Broadcast struct {
		Cluster string
		Payload []byte
	}
	// Request asks one member of a cluster; exactly one Result follows.
	Request struct {
		ID        uint64 // the client's
		Cluster   string
		Payload   []byte
		TimeoutMs uint64
	}
	// Reply answers a Serve.
	Reply struct {
		ID      uint64 // the relay's
		OK      bool
		Payload []byte // if OK
		Fault   string // if not
	}
	// Subscribe begins the delivery of a topic's events.
	Subscribe struct{ Topic string }
	// Unsubscribe ends it; some events may still come.
	Unsubscribe struct{ Topic string }
	// TunInit asks for a tunnel to a member of a cluster; exactly one TunResult
	// follows.
	TunInit struct {
		Tunnel    uint64 // the client's choice
		Cluster   string
		TimeoutMs uint64
	}
	// TunConfirm accepts a TunOffer and gives the tunnel its number.
	TunConfirm struct {
		Build  uint64
		Tunnel uint64
	}
	// TunClose asks to end a tunnel; TunClosed follows.
	TunClose struct{ Tunnel uint64 }
)

// Packets from a relay to its client.
type (
	// Welcome accepts an Init; it carries RelayMagic, which the Reader checks.
	Welcome struct{ Version string }
	// Deny refuses an Init.
	Deny struct{ Reason string }
	// Closed ends the connection. Nothing follows it.
	Closed struct{ Reason string } // "" = as asked for
	// Delivery is a broadcast that came for the client's cluster.
	Delivery struct{ Payload []byte }
	// Serve is a request that the client is to answer with a Reply.
	Serve struct {
		ID        uint64 // the relay's
		Payload   []byte
		TimeoutMs uint64 // as the asker chose it
	}
	// Result is the outcome of a Request.
	Result struct {
		ID       uint64 // the client's
		TimedOut bool   // also: lost, nobody there, overloaded; nothing else is set then
		OK       bool
		Payload  []byte // if OK
		Fault    string // if not
	}
	// TunOffer announces a tunnel that somebody opened to the client's cluster.
	TunOffer struct {
		Build uint64 // the relay's number until the client confirms
		Limit uint64 // largest payload of a TunTransfer, >= 1
	}
	// TunResult is the outcome of a TunInit.
	TunResult struct {
		Tunnel   uint64
		TimedOut bool
		Limit    uint64 // largest payload of a TunTransfer, >= 1; 0 if TimedOut
	}
	// TunClosed ends a tunnel, asked for or not.
	TunClosed struct {
		Tunnel uint64
		Reason string // "" = graceful
	}
)

// Op returns OpPublish.
func (Publish) Op() Op { return OpPublish }

// Op returns OpTunAllow.
func (TunAllow) Op() Op { return OpTunAllow }

// Op returns OpTunTransfer.
func (TunTransfer) Op() Op { return OpTunTransfer }

// Op returns OpInit.
func (Init) Op() Op { return OpInit }

// Op returns OpClose.
func (Close) Op() Op { return OpClose }

// Op returns OpBroadcast.
func (Broadcast) Op() Op { return OpBroadcast }

// Op returns OpRequest.
func (Request) Op() Op { return OpRequest }

// Op returns OpReply.
func (Reply) Op() Op { return OpReply }

// Op returns OpSubscribe.
func (Subscribe) Op() Op { return OpSubscribe }

// Op returns OpUnsubscribe.
func (Unsubscribe) Op() Op { return OpUnsubscribe }

// Op returns OpTunInit.
func (TunInit) Op() Op { return OpTunInit }

// Op returns OpTunConfirm.
func (TunConfirm) Op() Op { return OpTunConfirm }

// Op returns OpTunClose.
func (TunClose) Op() Op { return OpTunClose }

// Op returns OpInit.
func (Welcome) Op() Op { return OpInit }

// Op returns OpDeny.
func (Deny) Op() Op { return OpDeny }

// Op returns OpClose.
func (Closed) Op() Op { return OpClose }

// Op returns OpBroadcast.
func (Delivery) Op() Op { return OpBroadcast }

// Op returns OpRequest.
func (Serve) Op() Op { return OpRequest }

// Op returns OpReply.
func (Result) Op() Op { return OpReply }

// Op returns OpTunInit.
func (TunOffer) Op() Op { return OpTunInit }

// Op returns OpTunConfirm.
func (TunResult) Op() Op { return OpTunConfirm }

// Op returns OpTunClose.
func (TunClosed) Op() Op { return OpTunClose }

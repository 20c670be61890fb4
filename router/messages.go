package router

import (
	"iris/actor"
	"iris/internal/id"
	"iris/router/detector"
	"iris/transport/wire"
)

// Messages to iris/router. All are sent by this node. If one is lost with a
// crash of the actor, the once-a-second comparison with the endpoint's links
// makes up for it, unless said otherwise.
type (
	// linkUp, linkDown, dialFailed: from the endpoint (as *transport.LinkUp and so on).
	linkUp   struct{ link link }
	linkDown struct {
		link link
		how  detector.Loss
		idle bool // one side closed it because nobody used it
	}
	dialFailed struct {
		addr string
		peer id.ID
	}

	// candidate: from Router.Candidate. Lost: the next beacon repeats it.
	candidate struct {
		addr string
		peer id.ID
	}
	// subscribe: from Router.Subscribe. Lost: the subscriber hears nothing.
	subscribe struct{ pid *actor.PID }
	// leave: from Router.Leave, answered with left{} when all announcements are queued.
	leave struct{}
	left  struct{}
	// tick: from itself every 100 ms.
	tick struct{}
	// look: from Router.Open: see what is to be done now.
	look struct{}

	// quieted: from Router.DiscoveryQuiet. A message, so that the router does not
	// converge before it has seen the candidates that discovery named last.
	quieted struct{}

	// peersIn: a peer's Peers frame. Lost: repeated within seconds.
	peersIn struct {
		from  id.ID
		nodes []wire.NodeRef
	}
	// leaveIn: a peer's Leave frame. Lost: the closed link says the same.
	leaveIn struct {
		from        id.ID
		incarnation uint64
	}
	// opinion: a peer actor changed its mind, or has started anew (Recovered).
	opinion struct {
		peer        id.ID
		incarnation uint64
		change      detector.Change
		reason      string
		link        link // on which it is based
	}
	// ringIs: from the overlay actor: its view has changed. Lost: the next change,
	// or a crash of the overlay actor, brings it again.
	ringIs struct {
		structured bool
		ring       Ring // of a mesh only Active
		told       bool // it has been sent
	}
	// redial: a peer actor wants a link.
	redial struct{ peer id.ID }
	// missed: from iris/router/courier: nodes that could not be found or linked. Lost:
	// nobody hears of it.
	missed struct{ nodes []id.ID }
	// silent: while the link was up the peer's port did not refuse a stranger, so a
	// refusal later on means something.
	silent struct {
		peer id.ID
		link link
	}
	// refused: a port probe found that nobody listens at addr.
	refused struct {
		peer        id.ID
		incarnation uint64
	}
)

// Messages to iris/router/peer/<id>. Those named ...In were frames of peers.
type (
	// relinked: from the router: there is a new link.
	relinked struct{ link link }
	// unlinked: from the router: the link has ended.
	unlinked struct {
		link link
		how  detector.Loss
	}
	// confirmed: from the router: nobody listens at the peer's port.
	confirmed struct{ incarnation uint64 }
	// wake: from itself, when the detector wanted.
	wake struct{ n uint64 }
	// expire: from itself: probes for others may be overdue.
	expire struct{}

	beatIn       struct{ seq uint64 } // answered with HeartbeatAck
	answerIn     struct{ seq uint64 }
	accusedIn    struct{} // the peer suspects us: answer
	accusationIn struct { // by suspects this peer
		by          id.ID
		incarnation uint64
	}
	probeIn struct { // asker wants to know whether we reach this peer
		asker id.ID
		seq   uint64
	}
	resultIn struct { // by has tried to reach this peer
		by      id.ID
		reached bool
	}

	// doubtful: from the overlay actor: this peer does not answer in the ring.
	doubtful struct{}
)

// Messages to iris/router/overlay. Upkeep makes up, within seconds, for met and
// fell that are lost.
type (
	// met: from the router: a link is up.
	met struct{ link link }
	// fell: from the router: a process has ended, or leaves.
	fell struct {
		peer        id.ID
		incarnation uint64
		left        bool // it said so
	}
	// stood: from the router: this process stood still. Lost: the ring finds out
	// when its own timers are late.
	stood struct{}
	// reportAgain: from the router, which starts anew.
	reportAgain struct{}
	// begin: from the router: nobody else will begin a ring. Lost: repeated.
	begin struct{}
	// retire: from Router.Leave, answered with retired{} when the ring has been told.
	retire  struct{}
	retired struct{}
	// overlayIn: an Overlay or Route frame of a neighbour. Lost: sent again if it matters.
	overlayIn struct {
		from  link
		frame wire.Frame
	}
	// locate: from Router.Locate. Lost with a crash: pid hears nothing, which
	// its own patience covers.
	locate struct {
		key id.ID
		pid *actor.PID
	}
	// errandsDue and upkeep: from itself.
	errandsDue struct{}
	upkeep     struct{}
)

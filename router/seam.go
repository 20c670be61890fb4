package router

import (
	"net"

	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// endpoint is what the router needs of the transport. None of it blocks.
type endpoint interface {
	ID() id.ID
	Incarnation() uint64
	Addrs() []string // of this node, host:port
	Dial(addr string, want id.ID)
	Link(n id.ID) link // nil when none is up
	Links() []link
	GiveUp(n id.ID, f wire.Frame, err error) // disposes of a frame that was never sent
	Tunnels(n id.ID) bool                    // whether some are open
}

// link is one connection to a peer.
type link interface {
	Peer() id.ID
	Hello() wire.Hello
	RemoteAddr() net.Addr
	Dialed() bool
	Up() bool
	TrySend(n transport.Lane, f wire.Frame) error
	Stats() transport.Stats
	SetSuspect(bool)
	Close(code wire.Code, reason string)
}

// seam adapts *transport.Endpoint, whose methods speak of *transport.Link.
type seam struct{ e *transport.Endpoint }

func (s seam) ID() id.ID                    { return s.e.ID() }
func (s seam) Incarnation() uint64          { return s.e.Incarnation() }
func (s seam) Addrs() []string              { return s.e.Addrs() }
func (s seam) Dial(addr string, want id.ID) { s.e.Dial(addr, want) }

func (s seam) GiveUp(n id.ID, f wire.Frame, err error) { s.e.GiveUp(n, f, err) }

func (s seam) Tunnels(n id.ID) bool { return s.e.Tunnels(n) }

func (s seam) Link(n id.ID) link {
	if l := s.e.Link(n); l != nil {
		return l
	}
	return nil // not a nil *transport.Link in an interface
}

func (s seam) Links() []link {
	links := s.e.Links()
	out := make([]link, len(links))
	for i, l := range links {
		out[i] = l
	}
	return out
}

// control is the lane of everything the router says.
const control = transport.Control

// handle registers the frame handlers, which run on the goroutines of the lane
// readers. A frame is valid during the call only, so each copies what it needs.
func (r *Router) handle(s seam) {
	s.e.SetPost(r.forward)
	for _, k := range []wire.Kind{
		wire.KindHeartbeat, wire.KindHeartbeatAck, wire.KindProbe, wire.KindProbeResult,
		wire.KindPeers, wire.KindLeave, wire.KindSuspects, wire.KindOverlay, wire.KindRoute,
	} {
		s.e.Handle(k, func(l *transport.Link, f wire.Frame) { r.receive(l, f) })
	}
}

// receive passes a frame to the actor it is for. Frames about strangers are
// ignored, except that a heartbeat that comes before we have heard of our own
// link is answered here.
func (r *Router) receive(l link, f wire.Frame) {
	from := l.Peer()
	switch f := f.(type) {
	case *wire.Heartbeat:
		if !r.toPeer(from, &beatIn{seq: f.Seq}) && !r.leaving.Load() {
			_ = l.TrySend(control, &wire.HeartbeatAck{Seq: f.Seq}) // a full lane is the peer's own doing
		}
	case *wire.HeartbeatAck:
		r.toPeer(from, &answerIn{seq: f.Seq})
	case *wire.Probe:
		if !r.toPeer(f.Target, &probeIn{asker: from, seq: f.Seq}) {
			_ = l.TrySend(control, &wire.ProbeResult{Seq: f.Seq, Target: f.Target})
		}
	case *wire.ProbeResult:
		if f.Reached || f.Incarnation != 0 { // else it does not know the target, which says nothing
			r.toPeer(f.Target, &resultIn{by: from, reached: f.Reached})
		}
	case *wire.Suspects:
		if f.Target == r.ep.ID() {
			r.toPeer(from, &accusedIn{})
		} else {
			r.toPeer(f.Target, &accusationIn{by: from, incarnation: f.Incarnation})
		}
	case *wire.Overlay:
		c := *f // its lists are made anew for each frame
		r.toOverlay(&overlayIn{l, &c})
	case *wire.Route:
		c := *f
		r.toOverlay(&overlayIn{l, &c})
	case *wire.Leave:
		r.tell(&leaveIn{from: from, incarnation: f.Incarnation})
	case *wire.Peers:
		r.tell(&peersIn{from: from, nodes: cloneRefs(f.Nodes)})
	}
}

func cloneRefs(nodes []wire.NodeRef) []wire.NodeRef {
	out := make([]wire.NodeRef, len(nodes))
	for i, n := range nodes {
		n.Addrs = append([]string(nil), n.Addrs[:min(len(n.Addrs), maxAddrs)]...)
		out[i] = n
	}
	return out
}

func (r *Router) toPeer(n id.ID, msg any) bool {
	pid := r.kid(n)
	if pid != nil {
		r.sys.Send(pid, nil, msg)
	}
	return pid != nil
}

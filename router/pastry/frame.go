package pastry

import (
	"errors"

	"iris/transport/wire"
)

// Refs turns the handles of a Book into references that mean something to other
// nodes, and back.
type Refs interface {
	// Ref returns the reference of h; without an id if h stands for nobody.
	Ref(h Handle) wire.NodeRef
	// Handle returns the handle of n, None if there is no room for another.
	Handle(n wire.NodeRef) Handle
}

// Query is the Body of a Route between real nodes. The zero Query asks.
type Query struct {
	Answer bool   // Node is the root that was asked for; Key is the id of who asked
	Node   Handle // None in a question
}

// Why a frame may be refused.
var (
	errKind   = errors.New("no message of the overlay")
	errOrigin = errors.New("a message without origin")
	errRow    = errors.New("no row of a routing table")
	errRTTs   = errors.New("round trips are not parallel to references")
	errRefs   = errors.New("too many references")
	errQuery  = errors.New("neither question nor answer")
	errRoom   = errors.New("no room for another node")
)

// Frame returns m as it travels: a *wire.Route on the transit lane, or a
// *wire.Overlay on the control lane. The Body of a Route is a Query; any other is
// left out. What refs does not know any more is left out, too.
func Frame(m *Msg, refs Refs) wire.Frame {
	if m.Kind == Route {
		f := &wire.Route{
			Active: m.Active, Mesh: m.Mesh, Hops: m.Hops, Seq: m.Seq, ID: m.ID,
			Origin: refOf(m.Origin, refs), Key: m.Key, What: wire.RouteLocate,
		}
		if q, _ := m.Body.(Query); q.Answer {
			f.What, f.Node = wire.RouteLocated, refOf(q.Node, refs)
		}
		return f
	}
	f := &wire.Overlay{
		What: uint8(m.Kind), Active: m.Active, Mesh: m.Mesh, Hops: m.Hops, Row: m.Row, Seq: m.Seq, ID: m.ID,
		Origin: refOf(m.Origin, refs),
	}
	f.Leaves, _ = refsOf(m.Leaves, nil, refs)
	f.Refs, f.RTTs = refsOf(m.Refs, m.RTTs, refs)
	return f
}

func refOf(h Handle, refs Refs) wire.NodeRef {
	if h == None {
		return wire.NodeRef{}
	}
	return refs.Ref(h)
}

// refsOf returns the references of hs that are known, and their round trips.
func refsOf(hs []Handle, rtts []uint16, refs Refs) (list []wire.NodeRef, times []uint16) {
	for i, h := range hs[:min(len(hs), MaxRefs)] {
		r := refOf(h, refs)
		if r.ID.IsZero() {
			continue
		}
		list = append(list, r)
		if len(rtts) > 0 {
			times = append(times, rttAt(rtts, i))
		}
	}
	return list, times
}

// rttAt returns the i-th round trip, 0 if there is none.
func rttAt(rtts []uint16, i int) uint16 {
	if i < len(rtts) {
		return rtts[i]
	}
	return 0
}

// Message returns the message in a frame of another node. It is an error if no
// node that keeps to the protocol sends such a frame, or refs has no room for the
// node that it is about. Anybody may be named in it, also the receiver: a Node
// takes nobody's word for anything. refs is asked for at most 2*MaxRefs+2 handles.
func Message(f wire.Frame, refs Refs) (Msg, error) {
	switch f := f.(type) {
	case *wire.Route:
		return routeOf(f, refs)
	case *wire.Overlay:
		return overlayOf(f, refs)
	}
	return Msg{}, errKind
}

func routeOf(f *wire.Route, refs Refs) (Msg, error) {
	m := Msg{Kind: Route, Active: f.Active, Mesh: f.Mesh, Hops: f.Hops, Seq: f.Seq, ID: f.ID, Key: f.Key}
	answer := f.What == wire.RouteLocated
	switch {
	case f.Origin.ID.IsZero():
		return Msg{}, errOrigin
	case !answer && f.What != wire.RouteLocate, answer == f.Node.ID.IsZero():
		return Msg{}, errQuery
	}
	q := Query{Answer: answer}
	if answer {
		q.Node = refs.Handle(f.Node)
	}
	m.Origin, m.Body = refs.Handle(f.Origin), q
	if m.Origin == None || answer && q.Node == None {
		return Msg{}, errRoom
	}
	return m, nil
}

func overlayOf(f *wire.Overlay, refs Refs) (Msg, error) {
	m := Msg{
		Kind: Kind(f.What), Active: f.Active, Mesh: f.Mesh, Hops: f.Hops, Row: f.Row, Seq: f.Seq, ID: f.ID,
	}
	switch row := f.Row < digits || f.Row == rowLeaves || f.Row == rowNearby; {
	case m.Kind <= Route || int(m.Kind) >= Kinds:
		return Msg{}, errKind
	case m.Kind == Join && f.Origin.ID.IsZero():
		return Msg{}, errOrigin
	case m.Kind == Join && f.Row > digits, (m.Kind == RowRequest || m.Kind == RowReply) && !row:
		return Msg{}, errRow
	case len(f.Leaves) > MaxRefs || len(f.Refs) > MaxRefs:
		return Msg{}, errRefs
	case len(f.RTTs) > 0 && len(f.RTTs) != len(f.Refs):
		return Msg{}, errRTTs
	}
	if m.Kind == Join {
		m.Origin, m.Key = refs.Handle(f.Origin), f.Origin.ID
		if m.Origin == None {
			return Msg{}, errRoom
		}
	}
	m.Leaves, _ = handlesOf(f.Leaves, nil, refs)
	m.Refs, m.RTTs = handlesOf(f.Refs, f.RTTs, refs)
	return m, nil
}

// handlesOf returns the handles of list and their round trips, without those for
// whom there is no room.
func handlesOf(list []wire.NodeRef, rtts []uint16, refs Refs) (hs []Handle, times []uint16) {
	for i := range list {
		h := None
		if !list[i].ID.IsZero() {
			h = refs.Handle(list[i])
		}
		if h == None {
			continue
		}
		if hs == nil {
			hs = make([]Handle, 0, len(list)-i)
		}
		hs = append(hs, h)
		if len(rtts) > 0 {
			times = append(times, rtts[i])
		}
	}
	return hs, times
}

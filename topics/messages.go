package topics

import (
	"time"

	"iris/internal/id"
	"iris/router"
	"iris/topics/tree"
	"iris/transport/wire"
)

// Messages to iris/topics. All come from this node; the mailbox is large, and
// what is lost with it is repeated: frames by their senders' retransmission, the
// rest by the periodic check.
type (
	// frameIn: a Group frame, from a lane reader. Forwarded to its tree.
	frameIn struct {
		from  id.ID
		frame wire.Frame
	}
	// viewWanted: senders wait for a view of the group.
	viewWanted struct{ g *group }
	// want: the group's local members changed.
	want struct{ g *group }
	// idle: a tree has no role left. handled counts the messages forwarded to it
	// that it has handled; if more were forwarded meanwhile it goes on.
	idle struct {
		key     wire.Group
		handled uint64
	}
	// check: from itself every 10 s.
	check struct{}
)

// Messages to iris/topics/tree/<kind>/<name>, from iris/topics: frameIn, ask_
// and want forwarded, and
type (
	// ring: the routes changed. down are also those that could not be reached.
	ring struct {
		routes   *router.Routes
		up, down []id.ID
	}
	// *router.Located: from the router, the answer to Locate. It always comes, within 5 s.
	// tick: from itself when the machine asked for it; at tells an outdated one.
	tick struct{ at time.Time }
	// sweep: from itself, soon after a member has ended.
	sweep struct{}
)

// Messages to iris/topics/balancer/<cluster>.
type (
	// membersChanged: from the tree of the cluster, when the view changed. Lost:
	// only the events are.
	membersChanged struct{ joined, left []wire.Entry }
)

// clone copies a frame that a lane reader lent.
func clone(f wire.Frame) wire.Frame {
	switch f := f.(type) {
	case *wire.GroupJoin:
		c := *f
		return &c
	case *wire.GroupLeave:
		c := *f
		return &c
	case *wire.GroupLookup:
		c := *f
		return &c
	case *wire.GroupPull:
		c := *f
		return &c
	case *wire.GroupAck:
		c := *f
		return &c
	case *wire.GroupView:
		c := *f
		c.Entries = append([]wire.Entry(nil), f.Entries...)
		return &c
	case *wire.GroupReplica:
		c := *f
		c.Entries = append([]wire.Entry(nil), f.Entries...)
		return &c
	}
	return nil
}

// answerTo returns the group a frame is for, or the index of the machine whose
// question it answers.
func groupOf(f wire.Frame) (key wire.Group, index uint32) {
	switch f := f.(type) {
	case *wire.GroupJoin:
		return f.Group, 0
	case *wire.GroupLeave:
		return f.Group, 0
	case *wire.GroupLookup:
		return f.Group, 0
	case *wire.GroupPull:
		return f.Group, 0
	case *wire.GroupView:
		return f.Group, 0
	case *wire.GroupReplica:
		return f.Group, 0
	case *wire.GroupAck:
		return wire.Group{}, tree.IndexOf(f.Seq)
	}
	return wire.Group{}, 0
}

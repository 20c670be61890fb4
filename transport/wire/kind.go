package wire

import "strconv"

// Kind numbers a frame. Numbers are never reused.
type Kind uint8

// The kinds, by the lane they travel on. docs/protocol.md explains each.
const (
	// Control.
	KindHello        Kind = 1  // version, incarnation, role, features, addresses, zone, name
	KindHelloAck     Kind = 2  // code, reason
	KindGoodbye      Kind = 3  // code, reason, lanes
	KindGoodbyeAck   Kind = 4  // lanes
	KindHeartbeat    Kind = 5  // sequence, health, padding
	KindHeartbeatAck Kind = 6  // sequence, health, padding
	KindProbe        Kind = 7  // sequence, target
	KindProbeResult  Kind = 8  // sequence, target, reached, incarnation
	KindPeers        Kind = 9  // nodes
	KindLeave        Kind = 10 // incarnation
	KindSuspects     Kind = 11 // target, incarnation
	KindOverlay      Kind = 12 // what, active, mesh, hops, row, sequence, id, origin, leaves, nodes, round trips
	KindGroupJoin    Kind = 16 // sequence, group, entry
	KindGroupLeave   Kind = 17 // sequence, group, node, epoch
	KindGroupLookup  Kind = 18 // sequence, group, version had
	KindGroupView    Kind = 19 // sequence, push sequence, group, version, lease, code, entries
	KindGroupAck     Kind = 20 // sequence, code, version
	KindGroupReplica Kind = 21 // sequence, group, version, entries
	KindGroupPull    Kind = 22 // sequence, group
	KindLoadProbe    Kind = 24 // sequence, cluster
	KindLoadReport   Kind = 25 // sequence, cluster, load

	// Direct.
	KindTell       Kind = 32 // target, sender, sender node, sender request, body, trace
	KindAsk        Kind = 33 // id, target, ttl, body, trace
	KindRequest    Kind = 34 // id, cluster, ttl, key, body, trace
	KindReply      Kind = 35 // id, status, text, load, body
	KindWatch      Kind = 36 // watcher, watchee
	KindUnwatch    Kind = 37 // watcher, watchee
	KindTerminated Kind = 38 // who, watcher, why
	KindStop       Kind = 39 // target, poison

	// Transit.
	KindRoute Kind = 40 // active, mesh, hops, sequence, id, origin, key, what, node

	// Fanout. Those of trees begin with group and stripe.
	KindEvent       Kind = 48 // topic, body, trace, twin
	KindBroadcast   Kind = 49 // cluster, body, trace
	KindTreeJoin    Kind = 50 // sequence, found, members, sample
	KindTreeAck     Kind = 51 // sequence, code, rooted, path, backups, others, next, sample, mode
	KindTreeLeave   Kind = 52 // nothing more
	KindTreeReplica Kind = 53 // children
	KindTreeInvite  Kind = 54 // old root
	KindTopicData   Kind = 55 // publisher, epoch, sequence, hops, twin, body, trace
	KindTopicSync   Kind = 56 // answer, fresh, more, marks
	KindTopicDigest Kind = 57 // copy, hops, marks
	KindTopicPull   Kind = 58 // publisher, epoch, ranges
	KindTopicEnter  Kind = 59 // nothing more

	// Every unidirectional lane, and the bulk lane.
	KindLaneOpen Kind = 60 // lane
	KindChunk    Kind = 61 // sequence, total, last, data
	KindLarge    Kind = 62 // sequence

	// Tunnel streams.
	KindTunnelOpen   Kind = 70 // cluster, credit, ttl
	KindTunnelAccept Kind = 71 // credit
	KindTunnelRefuse Kind = 72 // code, reason
	KindTunnelData   Kind = 73 // more, data
	KindTunnelCredit Kind = 74 // bytes
	KindTunnelEnd    Kind = 75 // nothing
	KindTunnelAbort  Kind = 76 // code, reason
)

// New returns an empty frame of kind k, or nil if k is not known.
func New(k Kind) Frame {
	switch k {
	case KindHello:
		return new(Hello)
	case KindHelloAck:
		return new(HelloAck)
	case KindGoodbye:
		return new(Goodbye)
	case KindGoodbyeAck:
		return new(GoodbyeAck)
	case KindHeartbeat:
		return new(Heartbeat)
	case KindHeartbeatAck:
		return new(HeartbeatAck)
	case KindProbe:
		return new(Probe)
	case KindProbeResult:
		return new(ProbeResult)
	case KindPeers:
		return new(Peers)
	case KindLeave:
		return new(Leave)
	case KindSuspects:
		return new(Suspects)
	case KindOverlay:
		return new(Overlay)
	case KindGroupJoin:
		return new(GroupJoin)
	case KindGroupLeave:
		return new(GroupLeave)
	case KindGroupLookup:
		return new(GroupLookup)
	case KindGroupView:
		return new(GroupView)
	case KindGroupAck:
		return new(GroupAck)
	case KindGroupReplica:
		return new(GroupReplica)
	case KindGroupPull:
		return new(GroupPull)
	case KindLoadProbe:
		return new(LoadProbe)
	case KindLoadReport:
		return new(LoadReport)
	case KindTell:
		return new(Tell)
	case KindAsk:
		return new(Ask)
	case KindRequest:
		return new(Request)
	case KindReply:
		return new(Reply)
	case KindWatch:
		return new(Watch)
	case KindUnwatch:
		return new(Unwatch)
	case KindTerminated:
		return new(Terminated)
	case KindStop:
		return new(Stop)
	case KindRoute:
		return new(Route)
	case KindEvent:
		return new(Event)
	case KindBroadcast:
		return new(Broadcast)
	case KindTreeJoin:
		return new(TreeJoin)
	case KindTreeAck:
		return new(TreeAck)
	case KindTreeLeave:
		return new(TreeLeave)
	case KindTreeReplica:
		return new(TreeReplica)
	case KindTreeInvite:
		return new(TreeInvite)
	case KindTopicData:
		return new(TopicData)
	case KindTopicSync:
		return new(TopicSync)
	case KindTopicDigest:
		return new(TopicDigest)
	case KindTopicPull:
		return new(TopicPull)
	case KindTopicEnter:
		return new(TopicEnter)
	case KindLaneOpen:
		return new(LaneOpen)
	case KindChunk:
		return new(Chunk)
	case KindLarge:
		return new(Large)
	case KindTunnelOpen:
		return new(TunnelOpen)
	case KindTunnelAccept:
		return new(TunnelAccept)
	case KindTunnelRefuse:
		return new(TunnelRefuse)
	case KindTunnelData:
		return new(TunnelData)
	case KindTunnelCredit:
		return new(TunnelCredit)
	case KindTunnelEnd:
		return new(TunnelEnd)
	case KindTunnelAbort:
		return new(TunnelAbort)
	}
	return nil
}

// String returns the name of the frame, or "kind 200" for one not known.
func (k Kind) String() string {
	switch k {
	case KindHello:
		return "Hello"
	case KindHelloAck:
		return "HelloAck"
	case KindGoodbye:
		return "Goodbye"
	case KindGoodbyeAck:
		return "GoodbyeAck"
	case KindHeartbeat:
		return "Heartbeat"
	case KindHeartbeatAck:
		return "HeartbeatAck"
	case KindProbe:
		return "Probe"
	case KindProbeResult:
		return "ProbeResult"
	case KindPeers:
		return "Peers"
	case KindLeave:
		return "Leave"
	case KindSuspects:
		return "Suspects"
	case KindOverlay:
		return "Overlay"
	case KindGroupJoin:
		return "GroupJoin"
	case KindGroupLeave:
		return "GroupLeave"
	case KindGroupLookup:
		return "GroupLookup"
	case KindGroupView:
		return "GroupView"
	case KindGroupAck:
		return "GroupAck"
	case KindGroupReplica:
		return "GroupReplica"
	case KindGroupPull:
		return "GroupPull"
	case KindLoadProbe:
		return "LoadProbe"
	case KindLoadReport:
		return "LoadReport"
	case KindTell:
		return "Tell"
	case KindAsk:
		return "Ask"
	case KindRequest:
		return "Request"
	case KindReply:
		return "Reply"
	case KindWatch:
		return "Watch"
	case KindUnwatch:
		return "Unwatch"
	case KindTerminated:
		return "Terminated"
	case KindStop:
		return "Stop"
	case KindRoute:
		return "Route"
	case KindEvent:
		return "Event"
	case KindBroadcast:
		return "Broadcast"
	case KindTreeJoin:
		return "TreeJoin"
	case KindTreeAck:
		return "TreeAck"
	case KindTreeLeave:
		return "TreeLeave"
	case KindTreeReplica:
		return "TreeReplica"
	case KindTreeInvite:
		return "TreeInvite"
	case KindTopicData:
		return "TopicData"
	case KindTopicSync:
		return "TopicSync"
	case KindTopicDigest:
		return "TopicDigest"
	case KindTopicPull:
		return "TopicPull"
	case KindTopicEnter:
		return "TopicEnter"
	case KindLaneOpen:
		return "LaneOpen"
	case KindChunk:
		return "Chunk"
	case KindLarge:
		return "Large"
	case KindTunnelOpen:
		return "TunnelOpen"
	case KindTunnelAccept:
		return "TunnelAccept"
	case KindTunnelRefuse:
		return "TunnelRefuse"
	case KindTunnelData:
		return "TunnelData"
	case KindTunnelCredit:
		return "TunnelCredit"
	case KindTunnelEnd:
		return "TunnelEnd"
	case KindTunnelAbort:
		return "TunnelAbort"
	}
	return "kind " + strconv.Itoa(int(k))
}

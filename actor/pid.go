package actor

import proto "github.com/asynkron/protoactor-go/actor"

// PID names an actor: Address is the node (32 hex digits) and Id the path below it, for example "iris/user/7".
// A PID is immutable and safe to share; compare PIDs with Same, never with == or by String.
// Addresses that begin with '$' are not nodes but names that are resolved when a message is sent, see [Cluster].
type PID = proto.PID

// Lifecycle messages, delivered to Receive like any other message. Their order for one incarnation is Started, any
// number of messages, then either Restarting (the next incarnation gets Started) or Stopping and Stopped.
type (
	Started    = proto.Started
	Stopping   = proto.Stopping
	Stopped    = proto.Stopped
	Restarting = proto.Restarting
	// Terminated says that a watched actor or a child ended. Why tells the ways apart, see the Terminated constants.
	Terminated = proto.Terminated
	// ReceiveTimeout arrives after the duration given to Context.SetReceiveTimeout passed without a message.
	ReceiveTimeout = proto.ReceiveTimeout
)

// Reasons in Terminated.Why.
const (
	TerminatedStopped  = proto.TerminatedReason_Stopped           // it stopped
	TerminatedNodeLost = proto.TerminatedReason_AddressTerminated // its node cannot be reached any more
	TerminatedNotFound = proto.TerminatedReason_NotFound          // there was no such actor when it was watched
)

// Addresses of names and ids that are not actors.
const (
	addressCluster = "$cluster"
	addressMembers = "$members"
	addressTopic   = "$topic"
	replyID        = "$reply"
)

// Cluster names one member of a cluster, chosen anew for every message.
func Cluster(name string) *PID { return &PID{Address: addressCluster, Id: name} }

// Members names all members of a cluster: a Send to it is a broadcast.
func Members(name string) *PID { return &PID{Address: addressMembers, Id: name} }

// Topic names a topic: a Send to it publishes an event.
func Topic(name string) *PID { return &PID{Address: addressTopic, Id: name} }

// NewPID names the actor id on node. It does not check that there is one.
func NewPID(node, id string) *PID { return &PID{Address: node, Id: id} }

// Same reports whether a and b name the same actor (or the same pending reply). Two nil PIDs are the same.
func Same(a, b *PID) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Id == b.Id && a.Address == b.Address && a.RequestId == b.RequestId
}

// isName reports whether pid is resolved by the Names seam.
func isName(pid *PID) bool {
	return pid.Address == addressCluster || pid.Address == addressMembers || pid.Address == addressTopic
}

// Package node is one process of an Iris network: it puts the layers together,
// starts and stops them in order, and offers them to programs by name.
//
//	      program: Register, Subscribe, Request, Broadcast, Publish, Tunnel
//	         │
//	┌────── Node ───────────────────────────────────────────────┐
//	│  clusters   the program's handlers, iris/clusters/<name>/<n> │
//	│  tunnels    ordered, throttled streams                     │
//	│  topics     who serves a cluster, who hears a topic        │
//	│  router     peers, failures, the ring     ◀── discovery    │
//	│  transport  links over QUIC                                │
//	│  actor      mailboxes, supervision, events                 │
//	└───────────────────────────────────────────────────────────┘
//
// # Lifecycle
//
// [Start] returns when the node has joined: every seed was tried, discovery has
// gone quiet, and every peer it heard of is linked or given up. Being alone is
// a valid result. [Node.Stop] leaves in order: no more discovery, clusters and
// topics are left and what is under way is finished, handlers stop, tunnels
// close, peers are told, links drain. Both are bounded by their context.
//
// # Concurrency
//
// All methods may be called from any goroutine. Calls that wait take a context.
//
// # Errors
//
// Requests fail with the errors of package actor: ErrNoMembers, ErrOverloaded
// and ErrUnreachable promise that nothing was executed; after ErrTimeout and
// ErrLost nobody knows; *RemoteError is the handler's own answer.
package node

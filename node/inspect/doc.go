// Package inspect describes a node to people and tools: plain values with a stable JSON
// form, gathered from the layers when somebody asks, of this node or of any other.
//
//	iris, dashboard ── HTTP ──▶ node/admin ── Asker ──▶ Inspector ── request ──▶ iris/inspect
//	                                                       │                     of another node
//	                                                       │ snapshots              │
//	          ┌──────────┬──────────┬─────────┬────────────┼─────────┬──────────┐   │ the same
//	        actor    transport    router    topics      tunnels    relay     config ▼
//	        Level      Lanes      Routes    Clusters      List     Clients
//
// Nothing is gathered while nobody asks. The layers count as they go along, each where
// somebody holds the lock or the flag anyway, and offer what they have as copies; no lock of theirs is
// held for longer than it takes to copy pointers. Lists come in pages, and a layer
// makes what is on the page only.
//
// # Queries
//
// A [Query] names a report and its arguments; the answer is its JSON, see the table at Query and
// the types in report.go. "do:drain", "do:disconnect" (peer), "do:loglevel" (level, subsystem),
// "do:restart" and "do:stop" (pid) are commands: they are published as events, with who
// ordered them (by), and the answer comes when a CommandDone has.
//
// # Other nodes
//
// A query for another node is a request to its actor iris/inspect, which a node finds
// through the overlay whether it has a link to it or not. The actor answers 16
// queries at a time, of all peers together, and refuses more with ErrOverloaded; 256 wait.
// Peers can ask for everything, commands included: they hold the network key.
//
//	network   asks all nodes that this one knows (512 at most, 16 at once, 1 s each) in a few
//	          words; what they said is used for 1 s, a failure for 5 s
//	trace     asks hop by hop for the next hop to the root, then level by level for the
//	          children in the tree of a topic; 256 hops at most
//
// # Concurrency and errors
//
// All methods may be called from any goroutine and block until ctx ends at most. Errors
// wrap [ErrBadQuery], [ErrNotFound] and [ErrUnknownNode], also when another node said so,
// or the errors of package actor. A query that panics, which would be a defect, is
// answered with an error and logged: it does not end the node.
package inspect

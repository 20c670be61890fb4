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
// reports and 16 commands at a time, of them 4 for one node, whose further 12 wait; more of one
// node, or 256 of all together, are refused with ErrOverloaded. A report is given up after 3 s, a
// command after 60 s. What a node's own programs ask has places of its own.
// Peers can ask for everything, commands included: they hold the network key. What they answer is
// read if it is JSON of at most 4 MiB (brief, nexthop and commands 128 KiB).
//
//	network   asks all nodes that this one knows (512 at most, 16 at once, 1 s each) in a few
//	          words, who was asked longest ago first; what they said is used for 1 s, a failure
//	          for 5 s. Of it is kept what can be true: known states, texts of 256 bytes, ids
//	trace     asks hop by hop for the next hop to the root, which says who is there, then level
//	          by level for the children in the tree of a topic; 256 hops at most. Nobody holds
//	          anything for it, whatever the name
//
// # Concurrency and errors
//
// All methods may be called from any goroutine and block until ctx ends at most. Errors
// wrap [ErrBadQuery], [ErrNotFound] and [ErrUnknownNode], also when another node said so,
// or the errors of package actor. A query that panics, which would be a defect, is
// answered with an error and logged: it does not end the node.
package inspect

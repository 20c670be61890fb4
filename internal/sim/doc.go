// Package sim runs networks of thousands of nodes in one process and in virtual
// time. It drives the shipped cores, never a model of them.
//
//	        events by time                     nodes
//	┌───────────────────────────┐ Step(now, e) ┌─────────────┐
//	│ arrivals, wake-ups (heap) │ ───────────▶ │ pastry.Node │──┐
//	└───────────────────────────┘              └─────────────┘  │ Out
//	        ▲                                                   │
//	        └── delay, loss, duplicates, reordering, cuts ◀─────┘
//
// A World holds the nodes, the network between them, and an oracle that knows
// the root of every key. A Scenario is a run from the first join to the Result.
//
// # On top of the overlay
//
//	Topic    at each node: scribe.Machine ×2, reliable.Machine     Publishing
//	List     at each node: tree.Machine                            Publishing of few members
//	Cluster  a List, and a balance.Balancer at each asker
//	────────────────────────────────────────────────────────────
//	next hops, leaves, deaths of pastry.Node · links that keep the order
//
// Joins go where the overlay of the joining node says at that moment. What is posted
// travels with the delays, losses and cuts of the network; a link that cannot be any
// more is noticed 3 to 5 s later by those who use it. Links are there at once: what
// dialling costs is not simulated. A Fleet runs balancers alone, beside an oracle.
//
// # Determinism
//
// Every random choice comes from the seed. World.Hash digests every step; two
// runs of one seed have the same hash, and a run that fails names its seed.
// Check holds every node to its invariants after each of its steps. Encode sends
// every message of the overlay through the wire format and back, which changes no
// hash: the format carries all that the cores say.
//
// # Faults
//
// Net loses, duplicates and reorders messages and cuts the network. Processes
// crash, start again, and stand still: what arrives waits for them. Skew gives each
// node a clock of its own, started up to a day apart, fast or slow.
//
// # Concurrency, errors
//
// A World is used by one goroutine. A violated invariant stops the run and is
// its error.
package sim

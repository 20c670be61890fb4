// Package pastry is the overlay as one node sees it: who its neighbours are, who
// is the root of a key, and who gets a message next. It is a pure state machine:
// Step takes the time and an event and says what to send.
//
//	     predecessors      node      successors
//	···──o──o──o──o──o──────●──────o──o──o──o──o──···   leaf set: the nearest
//	                        │                           of both sides
//	row 0   ·  1  2  3 ·· f     nearest node (by round trip) with each first
//	row 1   50 51 ·  53 ·· 5f   digit, then, of those that share the first
//	row 2   520 521 522 ·· 52f  digit, with each second one, and so on
//
// A message goes to the leaf that is closest to its key if the key lies within
// the leaf set, otherwise to a node that shares one more digit with the key:
// log16 N hops (Pastry, Rowstron and Druschel 2001). Where the table has no such
// node, it goes to any that is closer; see rare. In a network of at most
// Config.MeshMax nodes the leaf set is everybody, and there is one hop; it is the
// same code with another limit.
//
// # Lifecycle
//
//	       Start           row measured       Welcome        leaves answered
//	idle ────────▶ searching ──────▶ joining ──────▶ probing ──────────▶ active ─▶ Stop
//	                   ▲ └── no answer: another seed ──┘ ▲                  │
//	                   └─────────────────────────────────┘└── stood still ──┘
//
// All may start at once: seeds that are searching themselves say so and are asked
// again soon, and who becomes active tells its seeds. One node has to begin,
// alone; two that did so form two rings, which merge once any two nodes meet.
//
// A node delivers only while it is active. It becomes active when all it would
// have as leaves have answered its probes, and so know it (MSPastry, Castro,
// Costa and Rowstron 2004). Probes carry the leaf set, so two that join at one
// place find each other; and those found dead, which the receiver probes itself:
// neither life nor death is taken on hearsay. A process that stood still may be
// dead to others: it delivers again only after another round of probes.
//
// # Messages on their way
//
//	origin ──Route──▶ a ──Route──▶ b ──Route──▶ root
//	   ◀────Ack────── ◀────Ack──── ◀──Passed───        a has it, b has it, it arrived
//	   ◀──Passed────  ◀──Passed───                     forget it: the next but one has it
//
// Each hop acknowledges what it takes over, and only what it can handle. Without
// an acknowledgement within the retransmission timeout of that neighbour the
// message goes to the next best, avoiding all who were silent, and these are
// probed. Only the root itself has no next best: it is asked until it answers or
// is dead, so that nobody delivers in its place.
//
// The sender keeps a copy of what was taken over until it hears that it was passed
// on. So a message is always with two nodes, and a crash takes none with it: when
// the one that had it is found dead, the copy goes another way. The root drops
// what it has delivered already; it may still arrive twice if the root changes at
// that moment.
//
// # Upkeep
//
// A node sends its predecessor a heartbeat if it has sent it nothing else, and
// watches its successor. Who finds its successor dead tells the leaf set, the
// deaths of a moment together; who finds another leaf dead tells the node before
// it. A leaf set that runs short on one side asks the farthest leaf there. Table
// entries are probed so often that a given part of lookups meets a dead one,
// judging by the failures seen; traffic counts as a probe. Nodes that were lost
// are looked for by routing a join for the own id through them: if it ends in
// another ring, the two merge along their leaf sets.
//
// # Concurrency, errors
//
// A Node is used by one goroutine at a time. Time and the seed of its random
// choices enter as arguments. Frame and Message turn messages into frames of
// transport/wire and back. Out belongs to the caller; slices in messages are
// shared and never modified by anyone. There are no errors: input that makes no
// sense is ignored, and lists longer than they may be are cut.
package pastry

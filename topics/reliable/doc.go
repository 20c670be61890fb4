// Package reliable moves the events of one topic along the trees of package
// scribe: it floods, drops what it had, and for reliable topics finds and fetches
// what was missed. It is one node's part; the trees decide who its neighbours are.
//
//	publisher ── seq 1, 2, 3 ... ──▶ entry (the root or a tree node)
//	                                   │ flood: every edge but the one it came by
//	          ┌────────────────────────┼──────────┐
//	          ▼                        ▼          ▼
//	    replay ring (1024 messages, 1 MiB, 10 s) at each tree node
//	          │                        ┊ Digest, 1 s: the other stripe's edges, one random member,
//	          │                        ┊ and twice all edges when the stream falls silent
//	          ▼                        ▼
//	    child re-attaches: Sync    somebody lacks 2: waits max(2 RTT, 50 ms), Pull,
//	    with what it has; gets     passes it on to its own children
//	    the rest in one round trip
//
// # Streams
//
// A message is known by (publisher, epoch, seq); seq is dense from 1 in each
// [Stream]. A publisher that was silent for half of [Config.Forget] begins a new
// epoch, so that others may forget the stream after all of it. All streams of a
// publisher travel in one stripe, so the ways of its messages are the same.
//
// # What a subscriber gets
//
// Of each stream every message exactly once and in order, or a [Gap] in its place:
// when a message was known to exist for [Config.Horizon] and nobody could give it, when the
// window cannot hold more behind it, or when the replay ring has to let go what
// waits behind it. Who only heard of the end of a stream and cannot get it at once tells
// its neighbours, so that all wait for the same Horizon. Whoever subscribes begins at the place where its parent is
// ([Sync] with marks). Plain topics (Config.Reliable false) use the same messages,
// with nothing but flooding and dedupe: at most once, in order, gaps not reported.
//
// # Edges
//
// An edge carries data once both ends exchanged [Sync]; each then sends what the
// other lacks, oldest first. The joiner's Sync goes right behind its join, so a
// subtree that lost its parent misses nothing and waits one round trip. A node without
// a base of its own (fresh) makes its children wait until it has one.
//
// # Publishing from outside the tree
//
// The message goes to the address cached from [Enter], else along the overlay's
// next hops until it meets the tree, which answers Enter. There is no
// acknowledgement: the publisher sends digests of its own stream to the entry while
// its ring holds messages, and whoever is the entry by then pulls what is lacking.
//
// # Lifecycle, concurrency, errors
//
// A Machine is made by the first event of its topic. All is soft state: who
// starts anew is fresh. The package is pure: [Machine.Step] takes the time and one
// event and is called by one goroutine at a time. Streams, windows, rings, answers
// to pulls are bounded by [Config] and the constants here; what does not fit is
// given up with a Gap, or counted in [Counters].
package reliable

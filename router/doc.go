// Package router owns the membership of the overlay: which peers are there,
// which of them are alive, and which node is the root of a key.
//
//	discovery, seeds          iris/router                   Routes (snapshot)
//	───────────────▶ ┌───────────────────────┐ publishes ┌──────────────────┐
//	transport        │ candidates  (bounded)  │──────────▶│ Root  NextHop    │
//	LinkUp/LinkDown  │ peers, gone, left      │           │ Nearest  Peers   │
//	───────────────▶ └──┬───────┬──────▲─────┘           └──────────────────┘
//	           verdicts │       │ links│ leaves, table         ▲ read by anyone,
//	                 peer/…     ▼ deaths                       │ lock-free
//	      detector (pure) each  overlay ── pastry (pure) ── Overlay, Route frames
//	      heartbeats, probes    courier ── links on demand
//
// # Two forms
//
// Up to Config.MeshMax nodes everybody links to everybody, every key is one hop
// away, and Routes know all roots: the mesh. Above it the ring is structured: a
// node knows its leaf set and a routing table, is linked to those and to whom its
// actors keep (Keep), and finds other roots by Locate, over several hops. Which
// form it is, the pastry core decides; it runs in both, in the actor
// iris/router/overlay, so that a network grows from one into the other as it runs.
// A node names no roots before it has its place in the ring (Routes.Active), nor
// after a pause of the process until its leaves have answered.
//
// The first node of a ring begins it alone: the one with the smallest id of those
// that are linked, once discovery is quiet and nobody of them has a place. If two
// begin, their rings merge as soon as one node of each has a link to the other.
//
// # Membership
//
// A node becomes a peer only by a link that is up: the handshake has proved its
// id and HELLO its incarnation. What seeds, discovery and the Peers frames of
// others say are candidates, held in one bounded table and dialled with jittered
// back-off (50 ms doubling to 30 s per candidate). Of two nodes that know each
// other the smaller id dials at once and the larger waits about 300 ms, so most
// pairs dial once. Peers exchange their tables when they link and then every
// 5 s with one at random, so all views converge. In the structured form, and with
// MeshMax links, hearsay is not dialled, but for one beacon a minute, by which
// rings that never knew of each other meet; what is exchanged then are leaves.
//
// A peer leaves the table in one of three ways: it announced LEAVE; there is
// definite evidence of its death (stateless reset, refused port); or suspicion
// was confirmed. A peer that others still reach stays, as a suspect: a cut
// between two nodes does not split the network. Lost peers are remembered (64)
// and tried again, so that partitions heal.
//
// # Links on demand
//
// In the structured form most nodes have no link. Keep says that an actor wants
// links to some nodes; Post sends a frame to a node, which waits for a link if
// there is none. The actor iris/router/courier finds and dials them, and closes
// links that nobody has used for long and nobody needs: see its files. Such an
// end is no death: the node is in Changed.Idle, not in Down.
//
// # Lifecycle
//
// New spawns the service iris/router and registers the frame handlers; the node
// then starts the endpoint with PID as its owner and calls Open. Leave announces departure and
// stops detection. The actors end with the System. After a crash of iris/router
// peers are learnt again from the links that are up, after the crash of a
// peer/<id> that one peer starts afresh as alive; after that of iris/router/overlay
// the node joins the ring anew while the Routes stay as they were.
//
// # Concurrency
//
// All methods of Router may be called from any goroutine and none blocks, except
// Leave. Routes and everything it returns are immutable or copies. Subscribers
// receive *Changed in order; each carries the whole snapshot, so one that was
// dropped by a full mailbox costs only its deltas (see Routes.Version).
//
// # Errors
//
// Nothing remote makes the router fail: frames about strangers are ignored,
// tables are bounded (1024 peers, 1024 candidates) and overflow is counted.
package router

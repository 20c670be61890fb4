// Package detector decides whether one peer is alive. It is a pure state
// machine: Step takes the time and an event and says what to do.
//
//	          unacknowledged, late, link lost            confirmed
//	┌───────┐ ─────────────────────────────▶ ┌─────────┐ ─────────▶ ┌──────┐
//	│ alive │                                │ suspect │            │ dead │
//	└───────┘ ◀───────────────────────────── └─────────┘            └──────┘
//	    │            answered, link up                                 ▲
//	    └── definite: left, restarted, port refused ───────────────────┘
//
// # Suspicion is cheap
//
// A suspect is avoided, nothing else. It takes 500 ms (or 8 RTT) of packets that
// nobody acknowledges, or a heartbeat answered later than max(1 s, 4*(SRTT +
// 4*deviation)), or the loss of the link. Heartbeats are sent on silence: if
// packets of the peer arrived in the last second and nothing of ours is
// unacknowledged none is due, but two seconds never pass without an answered
// one, because a link that is cut in one direction still brings packets.
// Every eighth heartbeat fills a packet, so a hole in the path MTU is noticed.
//
// # Death needs confirmation
//
// A suspect is dead after 3 s times the node's own health (1 to 8, see Health),
// shortened towards 2.5 s by others that cannot reach it either (SWIM, Das et
// al. 2002; Lifeguard, Dadgar et al. 2018, section IV). Somebody who reaches it
// vetoes for as long as that holds: then only our path is broken, the peer stays
// a suspect and the link is renewed. With nobody to ask the time alone decides.
// Definite evidence needs no confirmation.
//
// # A node that was stopped accuses nobody
//
// A late tick means that this process did not run: what looks like silence may
// be waiting in our own socket. All timers start again and lost links get a
// grace period.
//
// # Lifecycle, concurrency, errors
//
// One Peer per remote incarnation, one Health per node, each used by one
// goroutine at a time. Time enters only as an argument. There are no errors;
// unexpected events are ignored.
package detector

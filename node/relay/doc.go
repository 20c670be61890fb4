// Package relay lets programs in any language take part through the node on
// their host: they attach over TCP and speak the relay protocol, v1.0-draft2
// (package packet). Nothing they need to know is about Iris' own network.
//
//	 program ══ TCP ══ client, the actor iris/relay/<n>
//	                     │
//	packets ─▶ reader ───┼─▶ chores   publish, broadcast, subscribe, close: one
//	                     │            after the other, in the order they came
//	                     ├─▶ asks     requests, each on a goroutine ──▶ topics
//	                     ├─▶ serves   replies to requests served here
//	                     └─▶ pipes    chunks of tunnels ──▶ tunnels
//
//	packets ◀─ writer ◀─ outbox ◀─ the actor's mailbox ◀── topics, tunnels
//
// The actor is what the rest of the network sees: it is the member of the
// client's cluster and the reader of its topics, and gets its incoming tunnels.
// It only turns messages into packets, so it never waits. A payload is
// actor.Bytes on the one side and octets on the other. Events and broadcasts that
// came together from another node stay together, into the outbox.
//
// # Lifecycle
//
//	accept ─▶ greeting ─▶ member of its cluster ─▶ Welcome is sent ─▶ open
//	              │ 5 s, at most 4096 at a time         what came meanwhile follows
//	              ▼
//	           refused
//
//	open ─▶ leaving: out of the cluster and the topics, answers to requests that
//	  │        │       it serves are waited for, own requests end, tunnels flush
//	  │        ▼
//	  │     Closed is the last packet, then half of the connection closes; what
//	  │        │       the client still sends is read and dropped until it closes
//	  ▼        ▼
//	dropped ─▶ gone: the askers of requests that it served hear of it at once
//
// A client leaves by its Close, or by [Relay.Close], which gives the reason. It is
// dropped for a [packet.Violation], for reading too slowly, for not confirming a
// tunnel, and when its connection ends. RelayClientUp and RelayClientDown tell of
// each client, RelayClientRefused of those that never became one.
//
// # Bounds
//
// Per client: 48 MiB wait to be sent, with one message more (or a batch of 32 KiB), then it misses
// events and broadcasts, and requests go to other members; if it has read nothing
// for 5 s while 32 MiB wait, or 64 MiB of what must not be missed wait, it is dropped, but at 192 MiB only while it reads,
// and for the first second of a burst; 4096 requests of its own, with 64 MiB, then further ones are
// timed out at once; 1024 operations in order, with 4 MiB, then its packets wait in its socket until one is
// done, 5 s at most, and then its events and broadcasts are lost; 16384 requests
// that it serves, then the askers try another member; 1024 tunnels, each with one
// message at a time in either direction beside the windows, which are 4 MiB for 16 of them and 64 KiB for others; 4096 topics. A packet
// that has begun must go on within a minute. All clients together: messages of tunnels hold
// Config.Memory beyond the windows, and one message more; what waits to be sent holds as much, beyond 64 KiB
// of each. What finds no room there: events and broadcasts are missed, requests go to other members, results
// become timeouts, all counted; chunks of tunnels wait. While it is nearly used up, who holds some and reads less than
// 1 MiB in 5 s is dropped. Of clients:
// 8192. The oldest of more than 4096 connections that have not greeted yet is
// closed in favour of the newest.
//
// # Concurrency
//
// All methods of Relay may be called from any goroutine. Every goroutine of a
// client is waited for by the one that reads its connection, and those by Close.
//
// # Errors
//
// What a client does wrong ends its own connection and nothing else. Outcomes of
// requests become packets: an error of a handler a fault, everything else that the
// relay knows to have failed a timeout, at once.
package relay

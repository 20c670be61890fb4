// Package client attaches a Go program to a relay: the local endpoint by which
// programs in any language use the network of its node.
//
// It speaks the relay protocol v1.0-draft2 as any other binding does, knows
// nothing of nodes, and is what the command line is built on. A connection that
// names a cluster makes the program a member of it, with a Handler; without, it
// is a pure client.
//
//	Request ─┐                      socket                     ┌─► Request, Tunnel: who waits
//	Publish ─┤            ┌────────┐   │   ┌────────┐           ├─► pool of each subscription
//	Send    ─┼─► outbox ─►│ writer │──►│──►│ reader │── handle ─┼─► pool of broadcasts
//	Recv    ─┤  (octets   └────────┘   │   └────────┘  (never   ├─► pool of requests ── replies ─► outbox
//	replies ─┘  bounded)               │               waits)   └─► tunnels: what waits for Recv
//
// # Messages
//
// A request is answered by one member, or ErrTimeout: the relay owns the
// timeout, and the client waits 5 seconds longer for it at most. Broadcasts and
// events are sent and forgotten. A tunnel is an ordered stream of messages whose
// sender blocks when the receiver does not receive:
//
//	Send: cut into chunks ──► as far as the relay's credit goes ──► ...
//	... ──► chunks put together ──► at most 64 MiB wait ──► Recv: credit to the relay
//
// Whatever octets are given to this package must not be changed any more: they
// are not copied. Whatever it hands out belongs to the receiver.
//
// # Lifecycle
//
//	Dial ──► greeting ──► open ── Close ──► leaving ── relay's answer ──► ended
//	                       └── relay gone, or breaks the protocol ──► ended, Err says why
//
// When a connection ends, everything that waits on it returns an error that
// wraps ErrClosed. Done tells it. Broadcasts and events that have come are still
// handled, unless Close was called; requests are not.
//
// # Concurrency
//
// Every method may be called at any time by any goroutine, but Close of a
// connection not by its handlers. Each connection has a reader and a writer,
// goroutines for its handlers while there is something to handle, and one for
// each accepted tunnel. Close returns when all of them have.
//
// # Bounds
//
// What waits to be written is bounded: senders block beyond 512 KiB, and a relay
// that sends but does not read ends the connection. What waits for handlers is
// bounded by Config.Queue; beyond that requests are refused with a fault,
// broadcasts and events dropped, and Stats counts them.
//
// # Errors
//
// ErrTimeout, ErrClosed, ErrInvalid, *Fault, *Denied, those of a context, those
// of the network while dialling.
package client

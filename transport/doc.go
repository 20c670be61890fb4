// Package transport carries frames between nodes over QUIC.
//
// An Endpoint owns the UDP sockets of a node, one for links and one for tunnels. It
// listens and dials on them, and keeps at most one link per peer:
//
//	             Endpoint
//	                │                       on the socket for links:
//	iris/transport ─┼─ link/<peer>          a supervised actor per link
//	                │    ├ control  bidi    heartbeats, overlay, groups; its reader never blocks
//	                │    ├ direct   uni     requests, replies, messages to one actor
//	                │    ├ fanout   uni     events, broadcasts
//	                │    ├ transit  uni     frames forwarded for others
//	                │    └ bulk     uni     frames too large for a lane, in chunks
//	                │                       on the socket for tunnels, or the other where an end has none:
//	                └─ tunnel connection    second connection of the pair, a stream per tunnel
//
// # Sending
//
// [Link.Send] and [Link.TrySend] encode the frame on the caller's goroutine
// straight into the lane's buffer. One writer goroutine per lane swaps the
// buffer out and writes it, so frames batch under load without any timer. A
// lane's buffer is bounded in bytes: TrySend then fails with
// actor.ErrOverloaded, Send waits for its context.
//
// # Receiving
//
// One reader goroutine per lane decodes frames and calls the handler of the
// frame's kind (see [Endpoint.Handle]). Handlers must not block and must not
// keep the frame.
//
// # Lifecycle of a link
//
//	dial/accept ── TLS ── HELLO ── HELLO-ACK ──▶ up ──▶ closing ──▶ down
//	                 │       │                   │        │
//	              refused  refused             fault   drain, GOODBYE, ACK
//
// A link is up only after both HELLO-ACKs, because a TLS 1.3 dialler believes
// itself connected before the listener has judged its certificate. The owner
// given to [Endpoint.Start] receives a [LinkUp] and later exactly one
// [LinkDown] per link, in order.
//
// # Cost
//
// An idle link takes six goroutines, two of them quic-go's, and about 60 KiB with
// their stacks, most of it quic-go's and TLS's; a lane takes one more goroutine at
// each end once it was used. What lanes buffer is lent to them while they have
// something to send. All of it is bounded: lanes by [Limits].Lane and all
// together by [Limits].Memory, large frames
// under way to this node by four of [Limits].Message and the one that goes on,
// connections before HELLO, streams and tunnel connections in number.
//
// The socket for tunnels costs a node that has none five goroutines and 120 KiB;
// Config.TunnelPort -1 spares them.
//
// # Errors
//
// Sends fail with actor.ErrUnreachable when the link is gone (the frame was
// not sent) and actor.ErrOverloaded when the lane is full. Whatever was sent
// before a link died is lost or not: the sender cannot know.
package transport

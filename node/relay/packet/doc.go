// Package packet turns the packets of the relay protocol, v1.0-draft2, into
// octets and back.
//
// The protocol joins a program in any language, the client, to the relay of the
// node on its host, over one TCP connection. A packet is an opcode and its
// fields, with no length of its own: who reads must read every field to find
// the next packet.
//
//	 04     07     04 'echo'     05 'hello'     88 27
//	opcode  │      │ cluster     │ payload      timeout, 5000 ms
//	        │      └ varint length └ varint length
//	        └ request id, a varint
//
// The two directions share opcodes but not layouts, so each layout has a type:
//
//	op  client to relay           relay to client
//	00  Init                      Welcome
//	01                            Deny
//	02  Close                     Closed
//	03  Broadcast                 Delivery
//	04  Request                   Serve
//	05  Reply                     Result
//	06  Subscribe
//	07  Unsubscribe
//	08  Publish                   Publish
//	09  TunInit                   TunOffer
//	0a  TunConfirm                TunResult
//	0b  TunAllow                  TunAllow
//	0c  TunTransfer               TunTransfer
//	0d  TunClose                  TunClosed
//
// What goes out is appended to a slice, or to a Batch when it may hold large
// payloads; what comes in is read by a Reader, which knows whose packets it
// reads:
//
//	Packet ─► Append, Batch ─► octets ─► TCP ─► octets ─► Reader(Side) ─► Packet
//
// The messages of a tunnel cross in chunks: Chunks cuts them, an Assembly puts
// them together again.
//
// # Lifecycle
//
// A Reader lives as long as its connection. The first packet must be a
// greeting (Init of a client, Welcome or Deny of a relay), later ones must not
// be. A Reader that has returned an error is finished.
//
// # Concurrency and ownership
//
// The package is pure: no goroutine, no clock, no network; a Reader, a Batch
// and an Assembly serve one goroutine at a time. A packet that a Reader
// returned belongs to the caller, the memory of its payload included. Append
// keeps nothing of the packet; a Batch keeps large payloads, uncopied, until it
// is reset.
//
// # Memory
//
// A Reader's buffer grows with the traffic from 512 octets to 64 KiB. A length
// that the other side claims costs at most 64 KiB, or the number of octets that
// have come if that is more, before its octets come, and never more than the
// limit of its field: MaxName, MaxText, Limits.
//
// # Errors
//
// Next returns io.EOF where the connection ended between packets,
// io.ErrUnexpectedEOF where it ended inside one, a *Violation for what no
// honest peer sends, and errors of the connection as they are. Nothing that
// comes in causes a panic. Append cannot fail: names and payloads are checked
// where they come from, texts are cut to MaxText.
package packet

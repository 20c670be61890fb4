// Package wire turns the frames of the protocol into bytes and back.
// docs/protocol.md is its specification; where the two disagree, one is a bug.
//
// A frame on a stream is its length as a uvarint and then one msgpack array
// that begins with the frame's kind:
//
//	 5c    98 22 07 a4 'echo' cd 1388 c4 00 a4 'Ping' c4 .. ........ a0
//	length  │  │  │  cluster   ttl    key   type      data            trace
//	        │  │  └ id
//	        │  └ kind 34, Request
//	        └ array of 8
//
// Each lane of a link has a Writer at its head and a Reader at its tail:
//
//	*Tell, *Event, ... ─► Writer ─► bytes ─► stream ─► Reader ─► *Tell, *Event, ...
//	                        │                            │
//	                   dictionary ······ same ······ dictionary
//
// Names (of clusters, topics, types, zones and actors) cross a lane once as a
// str and from then on as a small integer, their place in the order of first
// use. Both ends count by the same rule and never speak about it, so a Writer
// must see every frame of its lane in order, and one that could not be encoded
// must leave no trace in the dictionary. Frames younger than that rule (Overlay,
// Route, those of trees) carry plain words instead: a peer that passes over a
// frame it does not know could not keep count. Encode and Decode are for single
// frames outside any lane; they use no dictionary.
//
// # Lifecycle
//
// A Writer and a Reader live exactly as long as their stream. A Reader that
// has returned a *ProtocolError is finished: close the link.
//
// # Concurrency and ownership
//
// The package is pure: no goroutine, no clock, no state but what is in a
// Writer or a Reader, each for one goroutine at a time. Append reads the frame
// and keeps nothing of it. A Reader owns the frames it returns and the memory
// of their byte slices; both are valid until its next call of Next.
//
// # Memory
//
// Encoding allocates nothing but the growth of the caller's buffer and, once
// for each, dictionary entries. Decoding the frames of the message lanes
// allocates nothing either once their names are known (of words a Reader
// remembers the latest), and a string for a trace or an error text. A Reader's buffer follows the bytes that have
// arrived, never the length that a peer claims, and holds at most one frame of
// the limit given to NewReader. Both dictionaries end at MaxNames names of
// MaxName bytes. A list takes at most 16 times the bytes that it came in.
//
// # Errors
//
// Writer.Append and Encode return ErrTooLarge or wrap ErrInvalid: the caller's
// mistake, the lane goes on. Reader.Next and Decode return a *ProtocolError:
// the peer's mistake, the lane is over. Nothing a peer sends causes a panic.
package wire

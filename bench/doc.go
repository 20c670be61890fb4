// Bench measures Iris beside the alternatives, in one run on one machine: nats-server
// with nats.go, Proto.Actor remote, and the raw limits, which are one QUIC stream and
// one TLS-over-TCP stream. It is a module of its own, so that what it compares with is
// no dependency of users.
//
//	cd bench
//	go run .                                   # everything, some ten minutes
//	go run . --quick                           # the same in short, below two minutes
//	go run . --only pub,cpu --size 16 --peers nats-tls --rounds 9
//	go run . --only request-p50 --busy-poll 200us # nodes that poll, see docs/performance.md
//	go run . --json                            # one object per row
//
// # Picture
//
// The program starts itself again for every part:
//
//	        ┌──────────────── driver ────────────────┐
//	        │ commands, JSON lines on stdin and stdout │
//	      near ═══════════ the peer's way ═══════════ far, far...
//	publishes, asks         (nats: broker)        counts, answers
//
// A near end and a far end, and a broker where the peer has one, live as long as a
// mode is measured. All encrypted peers use TLS 1.3 with certificates on both sides.
//
// # Method
//
// Each round runs every peer once, one after the other, so that whatever else the
// machine does meets all of them: A B C A B C. How many events a run has is found by
// warming up, so that runs of all peers take the same time. Events are timed from the
// first send to the moment in which the last one has been handled at the far end, by
// the machine's monotonic clock, which its processes share. The far end of Iris is a
// handler actor, as is that of Proto.Actor; that of NATS is a subscription with a
// callback. A row prints the median over the rounds of both sides and the median of
// the ratios within a round. Absolute values say little about other machines.
// With --busy-poll the nodes of Iris poll, which is not the default: the lines on the
// machine and every row of --json and --csv say so.
//
// # Concurrency
//
// The driver talks to one child at a time unless a mode says otherwise. A child does
// one command at a time.
//
// # Errors
//
// A child that fails ends the program with its message. Children end when their
// standard input does, are killed with the driver, and are always waited for.
package main

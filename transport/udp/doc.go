// Package udp opens the UDP socket of a node so that QUIC goes fast on it: large
// buffers in the kernel, and receive offload (UDP_GRO) where the kernel has it.
//
// With offload the kernel hands over packets of one sender that came one after the
// other as one piece, with one system call and one walk through its network stack.
// The socket takes the pieces apart again, so that quic-go sees packets as ever:
//
//	kernel ──recvmmsg──▶ pieces, at most 4 of 64 KiB        packets, one per message
//	                     ┌──────┬──────┬──────┬───┐         ┌──────┐
//	                     │ 1452 │ 1452 │ 1452 │ 9 │  ─────▶ │ 1452 │ …, each with the
//	                     └──────┴──────┴──────┴───┘         └──────┘ address and marks
//	                     marks: ECN, packet info, 1452               of its piece
//
// What [Listen] returns has every method that quic-go asks for, so that nothing of
// what it does with a bare *net.UDPConn is lost: congestion marks (ECN), many packets
// per system call both ways, no fragments.
//
// A socket that waits for packets holds no buffer of its own for them: 256 KiB are lent
// to it when packets are there, and go back when quic-go has taken them all.
// All sockets of the process borrow from the same place, which the garbage collector
// empties when nobody does.
//
// # Polling
//
// A socket may be told to poll: when its reader has taken all packets, it asks the
// kernel for more again and again for a while, before it sleeps.
//
//	packets ──▶ taken ──▶ ask, let other goroutines run, ask, ... ──▶ sleep ──▶ packets
//	              ▲                         │ packets
//	              └─────────────────────────┘
//
// What comes meanwhile is received without a thread or a processor that has to wake up
// for it. To the rest of the machine the poll is work, of up to one processor; and a
// process with no other processor hears of its other sockets only when the poll is over.
// The buffers are lent for as long as it lasts. A deadline or Close ends a read that
// polls when its poll is over.
//
// A socket may be written to and closed from any goroutine, like a bare one. It is read
// by one goroutine, that of quic-go, and with offload only through ReadBatch: other
// ways to read would get whole pieces.
package udp

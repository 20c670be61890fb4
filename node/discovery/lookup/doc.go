// Package lookup finds addresses of nodes by asking somebody: DNS, a program, or
// etcd. It is the part of discovery for clouds, where nobody hears a beacon.
//
//	             Found(addr)                        Addrs()
//	                 ^                                 |
//	   at most 64    |                                 v
//	.---------------------------- Runner ------------------------------.
//	|  per provider one goroutine:                                     |
//	|     register when due ──► look up when due ──► wait (pace, pure) |
//	'--------|----------------------|----------------------|-----------'
//	         v                      v                      v
//	   DNS: SRV, A, AAAA     Exec: a program's      Etcd: a lease with our
//	                         lines                  addresses, a list of others'
//
// # What is found
//
// Addresses and nothing more: who lives there proves itself in the handshake of
// transport, as for seeds, so a wrong address costs a few packets. A lookup yields
// at most 1024 addresses. Of these 64 at random are handed on: a node that reaches
// any other learns the rest from it, and nobody is made to scan a network.
//
// # Pace
//
// While the node is alone it asks after 1, 2, 4, 8 seconds, then every 10; with
// peers every Interval, each give or take a fifth: then it is only there to bring
// networks together that never knew of each other. A lookup may take 20 seconds.
//
// # Lifecycle, concurrency, errors
//
// Start begins the goroutines; Close ends them, takes this node out of where it
// registered (at most a second) and waits. Ready is closed when every provider has
// answered or failed once, or 2 seconds have passed. Found, Alone and Addrs are
// called by several goroutines and must not block. A provider that panics has
// failed like any other. The first failure in a row is logged as a warning, and the
// end of the row is logged too; Status counts all.
package lookup

// Package discovery finds the other nodes of a network on this host and on the
// local network without any address being configured. Beyond them it asks the
// providers of package lookup, if there are any.
//
// Every node says by authenticated beacons where it can be dialled. A beacon is
// a hint and nothing more: the handshake of transport decides who a peer is.
//
//	      Found(addr, id)                           Addrs()
//	           ^                                       |
//	           |                                       v
//	      .---------------- run goroutine ----------------.
//	      |  table        schedule        beacon, keyset  |   pure, tested alone
//	      '-------^----------------------------|----------'
//	              | bounded queue              v
//	reader, per socket: limiter, decode      send socket
//	              ^                            |
//	              |    shared UDP port         v
//	     broadcast 127.255.255.255 · multicast on lo · multicast on each interface
//
// # Where beacons travel
//
// All nodes of a network on a host share one UDP port and one multicast group,
// both derived from the beacon key, so that networks rarely meet. With Host,
// beacons go to 127.255.255.255 and to the group on the loopback interface, which
// works even when no other interface is up; with LAN, to the group on every
// interface that is up, can do multicast and has an IPv4 address, with TTL 1.
// Interfaces are listed again every 30 seconds. Beacons leave from a second
// socket with a port of its own, so that receivers can tell processes apart.
//
// During a rotation of keys a node listens on the ports of all keys and sends
// with the primary: of two nodes that share any key, at least one hears the other.
//
// # Beacon
//
// One datagram, at most 1200 bytes, big endian:
//
//	 0   3  "IRB"
//	 3   1  version, 1
//	 4   1  flags: 1 query, 2 reply; others are ignored
//	 5   1  number of addresses, 1 to 16
//	 6   6  tag of the beacon key
//	12  16  node id, not zero
//	28   8  incarnation
//	36   8  sequence number, growing with each datagram of this incarnation
//	44   8  wall clock, milliseconds since 1970
//	52   n  addresses, each: 4 or 16, so many bytes of IP, 2 bytes port
//	 .  16  HMAC-SHA256 of all before, truncated
//
// Addresses come from this payload only: the source address of a packet that
// came by loopback is often wrong. The sender puts in what a receiver of that
// very packet can dial: loopback on loopback, the interface's own on a LAN, or
// what it listens at if that is neither.
//
// # Accepting
//
// A datagram passes, in this order: a limit of 20 per second and source, a limit
// of 2000 per second in all, the strict decoder with its MAC, the clock (within 5
// minutes of ours unless the node is heard for the first time) and a window of 64
// sequence numbers per node. Everything dropped is counted, see Stats.
//
// # Schedule
//
//	start --> queries at 0, 50, 150, 350 ms --> every second, 5 times --> joined: every 15 s +- 20 %
//	                                                                      else:   every 5 s +- 20 %, query
//
// Who hears a query answers with a beacon to all after a short random delay,
// unless five others did first: the asker learns the rest from them. A node
// answers at most once per 100 ms. Nodes that start together hear each other's
// queries and need no answer.
//
// # Lifecycle, concurrency, errors
//
// Start opens the sockets and starts one goroutine per socket, one that runs the
// protocol and one per provider; Close ends them and waits. Found is called from the
// latter two, Addrs from the one of the protocol; they must not block. A host without usable sockets is no
// error: discovery says so in a warning, is quiet at once and tries again every
// 30 seconds.
package discovery

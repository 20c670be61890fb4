// Package doctor looks for what keeps a node from working well on this host and
// in its network, and names the command that mends it.
//
//	config file ──┐                        ┌── of the host: UDP buffers, offload, MTU, open files, clock source, IPv6
//	running node ─┼──► checks, one a file ─┼── of the configuration: mistakes, who can read the key, ports in use
//	this host ────┘         │              ├── of the way to others: broadcast, multicast, seeds and their key
//	                        ▼              └── of the network: clocks, versions
//	                    Findings: ok, warn, fail, skipped; what, why it matters, commands
//
// # Lifecycle, concurrency
//
// [Run] makes every check and returns; it keeps nothing. It sends a few datagrams:
// probes to the multicast group of the network, which nodes ignore, and handshakes
// to seeds, which make no links. It changes nothing on the host.
//
// # Seams
//
// Everything that is looked at comes from a [Host]: [ThisHost], or in tests one
// that was made up.
//
// # Errors
//
// A check that cannot be made is a finding of its own, skipped, and says why.
package doctor

// Package id holds the 128-bit identifiers of the overlay and their arithmetic.
//
// A node id and a key are the same kind of thing: a point on a ring of 2^128
// points. A node's point is the truncated hash of its public key, a name's
// point the truncated hash of the name; the node whose point is closest to a
// key is the root of that key (Pastry, Rowstron and Druschel 2001, section 2).
//
//	       0
//	   .-------.
//	 /    key   \        Distance runs the shorter way round,
//	|   x·····●  |       Closer breaks ties by the smaller id,
//	 \   dist   /        so every node names the same root.
//	   '-------'
//	     2^127
//
// The package is pure: values only, no state, safe for concurrent use.
package id

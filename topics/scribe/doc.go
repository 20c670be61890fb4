// Package scribe is one node's part in one dissemination tree: a stripe of a
// topic or cluster with more member nodes than a list serves well (Scribe,
// Castro et al., JSAC 2002; stripes as in SplitStream, SOSP 2003). It keeps the
// tree; what travels along it is the matter of package reliable.
//
//	                   root: the node nearest to the stripe's key
//	                 ┌──┴──┐      copies of its state on its nearest leaves
//	     join        F     F      forwarders, made on the way of a join
//	X ─────────▶ ┌───┴┐   ┌┴──┐
//	  next hop   M    M   M   M   at most 16 children each
//
// # Joining
//
// A node with local members sends [Join] to the overlay's next hop to the key.
// The receiver takes it as a child and, if it is not in the tree itself, joins in
// the same way: the reverse path becomes the tree. A node with 16 children
// answers [Redirect] and names them and its path. The joiner goes on where it is
// likely to end least deep, judged by the sizes of subtrees: first with the parent
// of the full node, for beside one that the overlay sends many to there are others
// with room, then with children. Of places as deep it takes the one on the shortest
// way from there. What it has no link to it does not measure: the way to a child is
// guessed from the ways to the full node and from that to its child.
//
// A node refuses whoever is on its own path to the root. Children hear the path with
// every [Ack] and again when it changes, so a loop made by two stale paths is seen
// by its members and broken.
//
// # Losing the parent
//
// An Ack also names backup parents: the grandparent (for children of the root the
// nodes that would be root next) and siblings, nearest first. When the parent
// dies the child sends one Join to the first of them: one round trip, no lookup.
// Only a node that has a root accepts such a join. The overlay is the fallback. A
// new root invites the children that it knows from its copy of the old root's
// state. A forwarder whose last child left leaves too.
//
// # Stripes
//
// A topic has k trees whose keys differ in the first digit ([StripeKey]), so that
// the nodes overlay routing makes interior in one are leaves of the others. A
// publisher, not a message, is bound to a stripe ([StripeOf]): its order holds.
//
// # From a list to trees and back
//
// Package tree keeps groups of up to 32 member nodes as a list. It is joined to
// this package at one point, [NextMode]: the root of the list calls it after each
// change of the number of member nodes.
//
//	list ──(more than 32)──▶ trees      list ◀──(24 or fewer)── trees
//
// To trees: at the 33rd join the root answers joins and lookups with mode "trees"
// and pushes it to askers; members hear it with the ack of their next refresh.
// The root keeps the list. A member told so steps its scribe machines with [Subscribe] and
// stays registered until all of its stripes are [Tree.Rooted]; only then it leaves
// the list. A publisher told so publishes into the tree, and also to whom the list
// that it was pushed last still names: receivers drop what they had, for both
// ways carry the same publisher, epoch and sequence.
//
// To a list: stripe 0 has the key of the list, so both have the same root, and
// [Tree.Members] of that root counts the member nodes. At 24 it announces mode
// "list" ([SetMode], [Ack].Mode) down the tree; members register with the list and
// unsubscribe from the trees a while after that is acknowledged. Publishers are told
// when nobody is left in the trees.
//
// Neither way is there a moment in which a member is in neither. Crossing 24..32
// changes nothing, so a group that breathes around one size does not flap.
//
// # Lifecycle, concurrency, errors
//
// A Machine is made by the first event for its stripe and is [Out.Idle] when
// nothing is left of it; then its owner forgets it. All of it is soft state:
// children refresh every 10 s and expire after 35 s, a machine made anew learns
// again. The package is pure: [Machine.Step] takes the time and one event, and is
// called by one goroutine at a time. Nothing that a peer sends fails or grows it
// past the bounds of [Config] and the constants here.
package scribe

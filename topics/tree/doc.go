// Package tree is one node's part in one group: a cluster or a topic whose
// members are kept as a list (the small-group mode of Scribe, Castro et al.,
// JSAC 2002). Topics with many members go on to the trees of package scribe.
//
// Every node may play several roles at once, all of them inside one [Machine]:
//
//	           join, leave, refresh                     lookup, ack of a push
//	member ───────────────────────────▶ root ◀─────────────────────────── asker
//	       ◀───────────────────────────   │   ───────────────────────────▶
//	           ack once every leased      │ replica        view with a lease,
//	           asker knows (<= 500 ms)    ▼                pushed on each change
//	                                    copies (the next nodes of the key: 2, structured 4)
//
// The root of a group is the node closest to the group's key, as the router
// sees it. It keeps one entry per member node, refreshed every third of a
// lease; hands leased copies to askers and pushes each change to all of them;
// acknowledges a join or a leave only when every asker whose lease lives has
// acknowledged the push or 500 ms have passed. So when a registration returns
// every asker with a live lease knows the member, and when leaving returns
// none of them chooses it.
//
// A node that becomes root knows nothing and must not say "no members" from
// ignorance: for a group it has not confirmed since the ring grew it first
// pulls from the nodes next to the key, its predecessor among them. The
// predecessor first takes back the leases it gave (a push with [CodeMoved]) and
// answers the pull when that is acknowledged, so the promise above survives a
// change of root. Members register anew with every new root at once.
//
// Answers to a pull are merged: what roots say of their own reign counts, of the
// copies only the newest reign, a node's word on its own membership always.
//
// # The structured form
//
// Where most nodes are strangers ([Ring].Structured) the ring shows the root only to
// nodes near the key. Members and askers elsewhere have it located by the overlay ([Out].Locate,
// [Located]): when they begin, when it denies to be root or gives up its reign, when it is
// lost, and every 30 s. Links come and go there, so it is a newcomer near the key, not
// any new peer, that makes a root ask what others know. A member that left just when the
// root changed does not hear of the new one, which may list it for a lease: who chooses it
// is refused and tries another.
//
// # From a list to trees and back
//
// A topic with more than 32 member nodes is kept by the trees of package scribe, and as a
// list again from 24 on; clusters are always lists, for requests need them.
//
//	root       members > 32: mode "trees" in acks and views ·········· <= 24 for 10 s: "list"
//	member     joins the trees ─▶ in all of them: leaves the list      told by the trees: joins
//	           the list ─▶ acknowledged: leaves the trees 2 s later
//	publisher  view says "trees": into the trees, and to whom the list still names, until
//	           nobody is in the trees
//
// At any time a member is where every publisher with a live view sends: on the list, or
// in the trees while views say "trees". Copies carry the mode, so a new root goes on with
// it; one that finds members in the trees does too. It believes a small number of them
// only 30 s after a change, when all have been counted.
//
// # Lifecycle
//
// A Machine is made by the first event for its group and reports Idle in [Out]
// when no role is left; its owner then forgets it. All remote state is soft: it
// expires unless it is refreshed, and a machine made anew learns it again.
//
// # Concurrency and errors
//
// The package is pure: [Machine.Step] takes the time and one event and appends
// what is to be done to an [Out]. It starts no goroutine, reads no clock and is
// owned by one goroutine at a time; the [View]s it publishes are immutable and
// may be read by anybody. Nothing a peer sends makes it fail or grow past the
// limits of [Config]; a refusal is a [Code] in the answer.
package tree

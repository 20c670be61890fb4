// Package tree is one node's part in one group: a cluster or a topic whose
// members are kept as a list (the small-group mode of Scribe, Castro et al.,
// JSAC 2002; issue 2 of the design adds the dissemination trees).
//
// Every node may play several roles at once, all of them inside one [Machine]:
//
//	           join, leave, refresh                     lookup, ack of a push
//	member ───────────────────────────▶ root ◀─────────────────────────── asker
//	       ◀───────────────────────────   │   ───────────────────────────▶
//	           ack once every leased      │ replica        view with a lease,
//	           asker knows (<= 500 ms)    ▼                pushed on each change
//	                                    copies (the 2 next nodes of the key)
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

// Package topics finds the members of clusters and the subscribers of topics,
// and sends to them.
//
// A cluster and a topic are the same thing underneath: a group, whose member
// list its rendezvous root keeps and leases to whoever sends (package tree).
// Control goes through actors, data through snapshots:
//
//	Register, Leave          iris/topics                    Request, Publish, Broadcast
//	       │                 one supervisor                    on the caller's goroutine
//	       ▼                      │ every Group frame             │ reads
//	   [group]  ◀── view ── tree/<kind>/<name>                    ▼
//	 local members           the machine of package tree     view snapshot, balancer
//	       ▲                 balancer/<cluster>                   │ link.Send / TrySend
//	       │                  member events                       ▼
//	lane reader: Request, Event, Broadcast frames  ◀─────── direct and fanout lanes
//
// Nobody asks an actor to send: a sender loads the view, picks (package balance,
// under a lock of a few hundred nanoseconds) and appends a frame to a lane. Only
// when there is no live view, on first use, the tree is asked; API calls wait for it
// by their context, sends of actors queue in the group in order (at most 16384
// of both, then ErrOverloaded). Leases are renewed while used and dropped after a
// minute of disuse; groups without any role vanish. Inbound frames go from the
// lane reader straight into the mailbox of the least loaded local member.
//
// # Any size
//
// In the structured form of the overlay most nodes have no link. The tree of a group has its
// root located, and the router keep links to the root and to the members of the view in
// use: of a cluster those that the balancer looks at, at most 128 of more than 1000.
// Senders that wait for a first view get it when these links are up, or after 1 s. What
// goes to a node without a link is posted: the router makes one and keeps the order.
//
// # What is promised
//
// When [Topics.Register] returns, every node with a live lease knows the members;
// when [Registration.Leave] returns, none chooses them and what they accepted is
// answered. (A node that does not acknowledge holds either up for at most 500
// ms.) Each message is delivered at most once, and in order per sender and
// receiver; a request is executed at most once unless it is Idempotent, and
// then still at most once per member node within 2 minutes. See [Topics.Request]
// for what is retried.
//
// # A slow subscriber
//
// The node of a subscriber never lets a lane wait for a handler: events that
// its mailbox does not hold are dead letters there. A publisher waits for full
// lanes, so peers that keep up get everything however fast it is. A peer that
// shows no sign of life for 50 ms, and a round trip more, while its lane is full has stopped: nobody
// waits for it until there is one. A peer that lives but whose lane stays full for
// 500 ms is slow for 2 s (4 s, 8 s, ... 64 s when that repeats), in which nobody waits for
// it. Events that a peer has no room for are then dropped with a counted dead
// letter. Overloaded is published when that begins and Relieved, after 1 s or more,
// when it ends. If no peer at all takes an event, Publish waits until one does or
// the context ends. Sends of actors never wait: they
// drop for full lanes, and fail with ErrOverloaded if nobody took the message.
//
// # Trees
//
// The reliable subscribers of a topic, and the subscribers of one that has more
// than 32 member nodes, are reached over two trees, its stripes (packages scribe
// and reliable). One actor keeps both and moves the events; here data does pass an
// actor, because its order and its memory are what makes it reliable:
//
//	Publish ──────┐           trees/<kind>/<name>
//	              ▼          ┌────────────────────┐
//	lane reader ▶ inbox ────▶│ scribe  stripe 0   │──▶ Router.Post, fanout lane ──▶ neighbours
//	 Tree, Topic  8192 items,│ scribe  stripe 1   │
//	 frames       4 MiB;     │ reliable           │──▶ mailboxes of the subscribers here
//	              64 MiB all └────────────────────┘
//
// The list of a topic decides whether plain events go by it or by the trees (package
// tree). When that changes a publisher holds its events back for a moment (100 ms, 300
// ms on the way back), so that those before it arrive before them: each subscriber
// gets every event once and in order, as long as no node dies and no lane is that late.
//
// Kind is topic for plain topics, reliable for the trees of reliable subscribers,
// which exist at any size. A publisher waits while the inbox or its own neighbours'
// lanes are full, as described above; forwarders never wait: what a full inbox or lane does
// not take is dropped, and in a reliable topic asked for again. Joins of others make
// forwarders, at most as many per peer as lists; they vanish when nothing is left of them.
// A restarted actor goes on where its subscribers are.
//
// A reliable event goes to plain subscribers as well, marked as a twin, which
// nodes with a reliable subscriber ignore: each subscriber hears it once. A broadcast to a
// cluster goes to its members directly, however many they are.
//
// # Lifecycle
//
// [New] before the endpoint starts; [Topics.Drain] leaves all groups at once;
// [Topics.Stop] does that and ends the actors. A tree or the supervisor that fails is
// restarted and learns again: remote state is soft, what this node wants to be
// is in the groups.
//
// # Concurrency and errors
//
// All methods may be called from any goroutine; those with a context block, the
// others do not. Errors wrap the sentinels of package actor with the name of the group and
// the node. What peers send is bounded: 10 000 groups per peer, 100 000 in all,
// members per list and names by package wire.
package topics

// Package actor runs handlers: actors with bounded mailboxes, supervised by a tree that never takes the process down.
// It is the only package that knows protoactor-go, which gives it lifecycle and parent-child bookkeeping; nothing
// exported here depends on the parts of that library that are broken.
//
//	                   ┌──────────────────────────── System (one per node) ────────────────────────────┐
//	Root, Context ──►  │ route ─┬─ local PID ──► mailbox ──► dispatcher ──► guard ──► Actor.Receive     │
//	                   │        ├─ $reply    ──► Replies ──► done                    │ panic             │
//	Deliver (inbound)─►│        ├─ name PID  ──► Names   (topics)                    ▼                   │
//	                   │        ├─ other node──► Remote  (transport)       supervisor: restart later,    │
//	                   │        └─ nowhere   ──► dead letter               stop, resume or escalate      │
//	                   │                              └──────► Events ◄────────┘                         │
//	                   └───────────────────────────────────────────────────────────────────────────────┘
//
// # Actors
//
// An [Actor] handles one message at a time; its state needs no locks. It is made by [Props], runs under a PID that stays
// the same over restarts, and reaches others only by PID: an actor here, on another node, or a name ([Cluster],
// [Members], [Topic]). Messages are immutable by contract: a local receiver gets the value itself. To travel, types are
// registered with [RegisterType]; [Bytes] travels as it is.
//
// # Tree
//
//	iris ─┬ user ── n              System.Spawn, Context.Spawn below it
//	      ├ clusters ── c ── n     made by the layers above with Service and SpawnUnder
//	      └ ...
//
// Other nodes may send to and watch what is below iris/user/ and iris/clusters/, may stop what is Exported there, and
// nothing else.
//
// # Failure
//
// A panic (or runtime.Goexit) in Receive fails one actor. Whoever waits for the message gets a *[RemoteError] at once,
// [HandlerFailed] is published, and the supervisor applies a [Strategy]: restart after an exponential back-off with
// the queue kept, and when the budget of the window is spent, stop or escalate. That makes the supervisor fail: it is
// restarted, and with it all its children, each in its place: with queue and watchers below a [Supervisor]; below another
// actor they end, and it makes new ones. Escalation ends at the root, which restarts for as long as it takes. A failure
// while stopping or restarting is reported and changes nothing.
//
// # Mailboxes
//
// Bounded in messages and bytes; the newest message is refused: its asker gets ErrOverloaded, a plain send becomes a
// [DeadLetter]. Lifecycle messages have a lane of their own that goes first and never refuses. What is queued when an
// actor stops is answered ErrNoActor or becomes a dead letter. Every drop is counted by reason ([System.Counters]).
//
// # Batches
//
// Events and broadcasts from another node that came together take one entry in each mailbox, a [Bundle], which all their
// receivers share:
//
//	lane reader ──► Gather ──► Bundle ──► mailbox (counts as its messages) ──► Receive, once for each message
//	                                                                      └──► Receive, once with a *Batch
//
// A handler notices nothing of it: it gets message after message, each its own to keep, and a panic fails one. A message is
// copied when the handler asks for it. Actors with [Props.Batches] get all in one [Batch] instead, whose bytes are
// lent until Receive returns; that spares the copies, and the calls:
//
//	n.Subscribe("prices", actor.Func(func(ctx actor.Context) {
//		if batch, ok := ctx.Message().(*actor.Batch); ok {
//			for i := range batch.Len() {
//				update(batch.At(i))
//			}
//		}
//	}).Batches())
//
// # Delivery
//
// A message is handled at most once; messages from one sender to one receiver stay in order. A request is answered
// exactly once to the function, channel or actor that waits: reply, error, ErrTimeout, ErrLost or ErrClosed.
// A request whose deadline passed in the queue is not executed.
//
// # Concurrency
//
// All methods of [System], [Root], [Events] and [Replies] may be called from any goroutine and do not block, except
// those that say so (Request, Stop, Poison, Service, Spawn..., Shutdown). A [Context] belongs to its handler. Handlers
// run on pooled workers; the pool grows when all are busy, so a handler may block: it stalls its own actor only.
// Actors with [Props.Brief], which never do, share a few workers, however many of them have work at once.
//
// # Lifecycle
//
// [NewSystem], then SetRemote and SetNames by the layers above, services in the order of their dependence, and in the
// end [System.Shutdown], which ends them in reverse order and leaves no goroutine.
//
// # Errors
//
// Sentinels tell whether a request may have been executed: ErrNoMembers, ErrOverloaded, ErrUnreachable (with ErrNoActor,
// ErrDraining) and ErrExpired were not; after ErrTimeout and ErrLost nobody knows; *RemoteError was. Test with
// errors.Is and errors.As.
package actor

package actor

import (
	"log/slog"
	"time"
)

// Actor handles messages one at a time. Receive is never called concurrently with itself; it may block, which stalls
// only this actor. A panic fails this actor alone: the asker of the message gets a *RemoteError at once and the
// supervisor decides what becomes of the actor. Unknown messages must be ignored: lifecycle messages arrive too.
type Actor interface {
	Receive(ctx Context)
}

// Context is what an actor may do while it handles a message. It is valid only inside Receive (and inside the
// functions passed to Ask), except Self, System and Logger, which are safe anywhere. None of its methods blocks.
type Context interface {
	// Self is the PID of this actor. It stays the same over restarts.
	Self() *PID
	// Parent is the supervising actor.
	Parent() *PID
	// Sender is whom Respond answers, nil if the message carried no sender.
	Sender() *PID
	// Message is the message being handled, and may be kept. It may be shared with the sender and other receivers: treat it
	// as immutable. (A *Batch, for actors whose Props ask for it, is lent and ends with Receive.)
	Message() any

	// Send delivers msg at most once, in order with other messages from this actor to the same target. What cannot be
	// delivered becomes a DeadLetter event.
	Send(to *PID, msg any)
	// Request is Send with this actor as the sender. The answer arrives as a message; if there can be none, a
	// *RequestFailed arrives where that is known (no such actor, full mailbox, panic, no link).
	Request(to *PID, msg any)
	// Respond answers the message being handled. An error value is answered as Fail does. Without a sender the
	// response becomes a dead letter.
	Respond(msg any)
	// Forward passes the message being handled on, with its sender.
	Forward(to *PID)
	// Ask sends msg and calls then later as this actor, exactly once, unless the actor restarted or stopped in between.
	// Inside then, Message, Sender and Respond are those of the message that was handled when Ask was called. A timeout of 0 means
	// DefaultTimeout.
	Ask(to *PID, msg any, timeout time.Duration, then func(reply any, err error))

	// Watch asks for one *Terminated when pid ends or its node is lost. Watching twice, or watching a child (whose end is
	// reported anyway), still gives one.
	Watch(pid *PID)
	// Unwatch ends that; no *Terminated of pid arrives after it returned.
	Unwatch(pid *PID)
	// Stop ends pid after the message it is working on; queued messages become dead letters.
	Stop(pid *PID)
	// Poison ends pid after the messages queued so far, and its children before it in the same way.
	Poison(pid *PID)

	// Spawn starts a child under a generated name.
	Spawn(p *Props) *PID
	// SpawnNamed starts the child Self/name; ErrNameExists, ErrBadName.
	SpawnNamed(p *Props, name string) (*PID, error)
	// Children lists the running children. The slice is the caller's own.
	Children() []*PID

	// SetReceiveTimeout makes a *ReceiveTimeout arrive whenever d passed without a message, again and again, until it is
	// set to 0 or the actor restarts.
	SetReceiveTimeout(d time.Duration)
	// After sends msg to this actor when d has passed, unless it was cancelled, restarted or stopped before. cancel may be
	// called from anywhere, more than once.
	After(d time.Duration, msg any) (cancel func())

	System() *System
	Logger() *slog.Logger
}

// DefaultTimeout is the time a request has when nothing else is said.
const DefaultTimeout = 5 * time.Second

// Mailbox bounds unless Props say otherwise.
const (
	DefaultMailbox      = 1 << 16  // messages
	DefaultMailboxBytes = 64 << 20 // bytes, of payloads whose size is known
)

// Props says how to make an actor. A Props value may be used for many actors; spawning copies it. Its methods change it
// and return it; they must not be called concurrently with a spawn.
type Props struct {
	make       func() Actor
	strategy   *Strategy
	messages   int // 0 = DefaultMailbox
	bytes      int // 0 = DefaultMailboxBytes
	exported   bool
	supervisor bool
	silent     bool
	batches    bool
	brief      bool
}

// Of makes actors with produce, called once per incarnation on the actor's own turn. A panic in it counts as a failure.
func Of(produce func() Actor) *Props {
	return &Props{make: produce}
}

// Func makes stateless actors out of one function.
func Func(receive func(Context)) *Props {
	a := funcActor(receive)
	return Of(func() Actor { return a })
}

type funcActor func(Context)

func (f funcActor) Receive(ctx Context) { f(ctx) }

// Clone returns a copy that can be changed without changing p.
func (p *Props) Clone() *Props {
	c := *p
	return &c
}

// DefaultLimits bounds the mailbox where Mailbox and MailboxBytes have not.
func (p *Props) DefaultLimits(messages, bytes int) *Props {
	if p.messages == 0 {
		p.Mailbox(messages)
	}
	if p.bytes == 0 {
		p.MailboxBytes(bytes)
	}
	return p
}

// Mailbox bounds the queue to n messages (at least 1). Overflow is answered with ErrOverloaded where someone waits for
// an answer, otherwise it is a dead letter; the newest message is the one refused.
func (p *Props) Mailbox(n int) *Props { p.messages = min(max(n, 1), maxMessages); return p }

// MailboxBytes bounds the payload bytes queued. A single message is always accepted by an empty queue.
func (p *Props) MailboxBytes(n int) *Props { p.bytes = int(min(int64(max(n, 1)), maxBytes)); return p }

// Batches makes events and broadcasts arrive as *Batch, as many in one as have come together: for handlers that spend
// little on each. All other messages arrive as ever. A panic fails all messages of the batch.
func (p *Props) Batches() *Props { p.batches = true; return p }

// Strategy says what happens when this actor fails, in place of its supervisor's strategy, and when its children do.
func (p *Props) Strategy(s Strategy) *Props { p.strategy = &s; return p }

// Wrap puts what wrap returns in the place of each actor made: for those who watch what handlers do, such as package
// node/tracing.
func (p *Props) Wrap(wrap func(Actor) Actor) *Props {
	produce := p.make
	p.make = func() Actor {
		a := produce()
		if a == nil {
			return nil // a mistake that is reported where actors are made
		}
		return wrap(a)
	}
	return p
}

// Exported lets other nodes stop and poison the actor.
func (p *Props) Exported() *Props { p.exported = true; return p }

// Silent leaves HandlerStarted and HandlerStopped of the actor and its children unpublished: for actors that come and go
// with something that has events of its own. Failures are always published.
func (p *Props) Silent() *Props { p.silent = true; return p }

// Brief is for actors of which there are many and whose Receive takes microseconds and never waits: not for the network, not
// for another actor, not for a lock that is held for long. They share as many goroutines as there are processors, so
// that work for all of them at once does not stand before everybody else's. One that waits all the same holds up the others.
func (p *Props) Brief() *Props { p.brief = true; return p }

// Supervisor makes an actor that does nothing but supervise: it takes children by System.SpawnUnder and restarts them
// by s. When it is restarted itself (after an escalation, or by command), all its children are restarted in their places.
func Supervisor(s Strategy) *Props {
	p := Of(func() Actor { return funcActor(func(Context) {}) })
	p.supervisor = true
	return p.Strategy(s)
}

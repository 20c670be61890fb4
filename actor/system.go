package actor

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	proto "github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"

	"iris/internal/budget"
)

// Options of a System.
type Options struct {
	Node        string       // address of this node's PIDs; empty means "local"
	Incarnation uint64       // of this process, for whoever asks
	Replies     int          // requests that may wait for an answer at one time; 0 = 1 048 576
	Mailboxes   int          // bytes of payloads that all mailboxes may hold together; 0 = no such bound
	Logger      *slog.Logger // nil discards
}

// System is the actors of one node. All methods are safe for concurrent use.
type System struct {
	node        string
	incarnation uint64
	logger      *slog.Logger
	proto       *proto.ActorSystem
	dispatcher  *dispatcher
	cells       *cells
	root        *cell
	events      *Events
	replies     *Replies
	watches     *watches
	letters     *letters
	mailboxes   *budget.Share
	census      census // for people who look
	count       counters
	remote      atomic.Pointer[Remote]
	names       atomic.Pointer[Names]
	nextName    atomic.Uint64
	begun       time.Time
	beat        atomic.Uint32 // see Beat
	waiters     sync.Pool     // of *waiter; per system because of testing/synctest
	timing      tally         // timers armed or firing
	closing     atomic.Bool   // nothing new is spawned

	mu       sync.Mutex // guards the following fields
	services []*PID     // in order of creation
	ended    chan struct{}
	endErr   error // valid when ended is closed
}

// NewSystem starts the root supervisor "iris" and below it "user", the parent of Spawn. The caller must Shutdown it.
func NewSystem(o Options) *System {
	if o.Node == "" {
		o.Node = "local"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &System{
		node: o.Node, incarnation: o.Incarnation, begun: time.Now(), logger: o.Logger, dispatcher: newDispatcher(), cells: newCells(),
		waiters: sync.Pool{New: newWaiter},
	}
	s.events = newEvents(s)
	s.letters = newLetters(s)
	s.mailboxes = mailboxShare(s, o.Mailboxes)
	s.watches = newWatches()
	s.replies = newReplies(o.Replies, func(from string, rep Reply) {
		s.count.sent.Add(1)
		s.letters.note(DeadLate, pidKey{s.node, replyID}, typeName(rep.Message), from, 1)
	})
	s.proto = newProto(s)
	if err := s.spawnRoot(); err != nil {
		panic("actor: root supervisor: " + err.Error()) // cannot be: the registry is empty
	}
	if _, err := s.Service("user", Supervisor(Strategy{})); err != nil {
		panic("actor: user supervisor: " + err.Error())
	}
	return s
}

// newProto makes the protoactor system so that none of its global habits is left: it logs through us at debug level,
// keeps no metrics, and its event stream has no subscriber but ours. The built-in ones would start goroutines that
// nobody waits for and send DeadLetterResponses to actors.
func newProto(s *System) *proto.ActorSystem {
	l := slog.New(demoted{s.logger.Handler()})
	p := proto.NewActorSystem(
		proto.WithLoggerFactory(func(*proto.ActorSystem) *slog.Logger { return l }),
		proto.WithDeadLetterThrottleCount(0),
		proto.WithDeadLetterRequestLogging(false),
	)
	p.ProcessRegistry.Address = s.node
	p.ProcessRegistry.RegisterAddressResolver(func(*PID) (proto.Process, bool) { return remoteProcess{s}, true })
	// The registry comes with 1024 buckets of 32 maps (2.8 MB), chosen by a remainder that is negative for half of the
	// names on 32-bit machines. Ours is what messages go through, so one bucket will do. The processes "deadletter" and
	// "eventstream" stay behind and cannot be addressed any more.
	pids := p.ProcessRegistry.LocalPIDs
	pids.LocalPIDs = append(pids.LocalPIDs[:0:0], pids.LocalPIDs[:1]...)
	p.EventStream = eventstream.NewEventStream()
	p.EventStream.Subscribe(func(ev any) {
		if d, ok := ev.(*proto.DeadLetterEvent); ok {
			s.protoDeadLetter(d.Message)
		}
	})
	return p
}

// Node is the address of this system's PIDs.
func (s *System) Node() string { return s.node }

// Incarnation is what Options said.
func (s *System) Incarnation() uint64 { return s.incarnation }

// Logger is what Options said.
func (s *System) Logger() *slog.Logger { return s.logger }

// Events is the event hub.
func (s *System) Events() *Events { return s.events }

// Replies is the table of requests waiting for an answer.
func (s *System) Replies() *Replies { return s.replies }

// Stats describes the system at one moment.
type Stats struct {
	Actors  int // running or stopping
	Queued  int // messages in all mailboxes
	Workers int // goroutines of the dispatcher
	Idle    int // of these, waiting for work
	Replies int // pending
	Watches int // across nodes, both directions
}

// Stats walks all actors; it is meant for people and metrics.
func (s *System) Stats() Stats {
	var st Stats
	s.cells.each(func(c *cell) {
		st.Actors++
		st.Queued += c.mb.UserMessageCount()
	})
	st.Workers, st.Idle = s.dispatcher.size()
	st.Replies = s.replies.len()
	st.Watches = s.watches.len()
	return st
}

// MailboxLen is the number of messages queued for a local actor, 0 if there is none.
func (s *System) MailboxLen(pid *PID) int {
	if c := s.local(pid); c != nil {
		return c.mb.UserMessageCount()
	}
	return 0
}

// Suspended reports whether a local actor has failed and waits for its restart: what it is sent waits with it.
func (s *System) Suspended(pid *PID) bool {
	c := s.local(pid)
	return c != nil && c.mb.resting.Load()
}

// demoted writes every record at debug level.
type demoted struct{ slog.Handler }

func (d demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.Handler.Enabled(ctx, slog.LevelDebug)
}

func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return d.Handler.Handle(ctx, r)
}

func (d demoted) WithAttrs(a []slog.Attr) slog.Handler { return demoted{d.Handler.WithAttrs(a)} }
func (d demoted) WithGroup(n string) slog.Handler      { return demoted{d.Handler.WithGroup(n)} }

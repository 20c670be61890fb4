package actor

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

type Options struct {
	Node        string
	Incarnation uint64
	Logger      *slog.Logger
}
type System struct {
	remote atomic.Pointer[Remote]
	names  atomic.Pointer[Names]
	count  counters
}

// Stats describes the system at one moment.
type Stats struct {
	Actors  int // running or stopping
	Workers int // goroutines of the dispatcher
	Idle    int // of these, waiting for work
	Replies int // pending
	Watches int // across nodes, both directions
}

func NewSystem(Options) *System                               { return &System{} }
func (s *System) Node() string                                { return "" }
func (s *System) Incarnation() uint64                         { return 0 }
func (s *System) Logger() *slog.Logger                        { return nil }
func (s *System) Root() *Root                                 { return nil }
func (s *System) Events() *Events                             { return nil }
func (s *System) Stats() Stats                                { return Stats{} }
func (s *System) Replies() *Replies                           { return nil }
func (s *System) Service(name string, p *Props) (*PID, error) { return nil, nil }
func (s *System) SpawnUnder(parent *PID, name string, p *Props) (*PID, error) {
	return nil, nil
}
func (s *System) Spawn(p *Props) *PID                                     { return nil }
func (s *System) SpawnNamed(p *Props, name string) (*PID, error)          { return nil, nil }
func (s *System) Stop(ctx context.Context, pid *PID) error                { return nil }
func (s *System) Poison(ctx context.Context, pid *PID) error              { return nil }
func (s *System) Shutdown(ctx context.Context) error                      { return nil }
func (s *System) Send(to, sender *PID, msg any)                           {}
func (s *System) Deliver(to *PID, in *Inbound) error                      { return nil }
func (s *System) DeliverRemote(targetID string, in *Inbound) error        { return nil }
func (s *System) RemoteWatch(from, watcherID, watcheeID string)           {}
func (s *System) RemoteUnwatch(from, watcherID, watcheeID string)         {}
func (s *System) RemoteTerminated(from, whoID, watcherID string, why int) {}
func (s *System) RemoteStop(from, targetID string, poison bool)           {}
func (s *System) NodeLost(node string)                                    {}
func (s *System) MailboxLen(pid *PID) int                                 { return 0 }

type Root struct{}

func (r *Root) Send(pid *PID, msg any)                                      {}
func (r *Root) Request(ctx context.Context, pid *PID, msg any) (any, error) { return nil, nil }

// Reply is the outcome of a request: Message, or Err if that is not nil.
type Reply struct {
	From    string
	Message any
	Err     error
	Load    *Load
}
type Replies struct{}

func (r *Replies) Open(node string, deadline time.Time, done func(Reply)) (uint32, error) {
	return 0, nil
}
func (r *Replies) Cancel(id uint32) bool                           { return false }
func (r *Replies) Complete(from string, id uint32, rep Reply) bool { return false }

type Events struct{}

func (e *Events) Subscribe(func(any)) (cancel func())        { return nil }
func (e *Events) Chan(ctx context.Context, n int) <-chan any { return nil }
func (e *Events) Publish(ev any)                             {}

package actor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync/atomic"
)

// Commands are events that ask for something. They are published like any other, by programs that supervise and by the
// administration of a node, and every subscriber sees them. Each is answered by exactly one CommandDone, which comes
// after it in the stream:
//
//	Publish(&Restart{...}) ──► subscribers                                ┌──► CommandDone ──► subscribers
//	                      └──► System (actors) or the node (all else) ────┴──► Do, if it waits
//
// By says who orders, in free text, such as "admin 127.0.0.1:5123"; it is what an audit finds.
type (
	// Restart gives an actor of this node a new incarnation now, whether it failed, waits for its back-off, or is well.
	// A supervisor gives one to all below it. It is done when the actor was told; HandlerStarted follows. Not for what
	// supervises connections: ErrDenied.
	Restart struct {
		At
		PID *PID
		By  string
	}
	// StopHandler ends an actor of this node for good. It is done when the actor was told; HandlerStopped follows. Not for
	// what the node consists of: ErrDenied.
	StopHandler struct {
		At
		PID *PID
		By  string
	}
	// Drain makes the node leave all clusters and topics. It stays in the network. Done when it has left them.
	Drain struct {
		At
		By string
	}
	// Disconnect drops the link to a peer. Either may link again.
	Disconnect struct {
		At
		Peer string
		By   string
	}
	// SetLogLevel changes the least severe level that a subsystem of the node logs; ConfigChanged follows.
	SetLogLevel struct {
		At
		Level     string // debug, info, warn, error
		Subsystem string // such as router; empty means all
		By        string
	}
	// CommandDone: a command was carried out, or was not.
	CommandDone struct {
		At
		Command string // the kind of the command
		Target  string // the PID, peer or subsystem it was for
		By      string // who ordered it
		Error   string // why it was not carried out; empty if it was

		command Command
	}
)

// Command is one of the commands, as a pointer.
type Command interface {
	order() (target, by string)
}

func (c *Restart) order() (target, by string)     { return address(c.PID), c.By }
func (c *StopHandler) order() (target, by string) { return address(c.PID), c.By }
func (c *Drain) order() (target, by string)       { return "", c.By }
func (c *Disconnect) order() (target, by string)  { return c.Peer, c.By }
func (c *SetLogLevel) order() (target, by string) { return c.Subsystem, c.By }

// Order is a command that waits for whoever carries it out.
type Order struct {
	Command Command

	sys  *System
	done atomic.Bool
}

// Done answers the order; nil says that it was carried out. Only the first call counts.
func (o *Order) Done(err error) {
	if o.done.Swap(true) {
		return
	}
	target, by := o.Command.order()
	ev := &CommandDone{Command: EventKind(o.Command), Target: target, By: by, command: o.Command}
	if err != nil {
		ev.Error = reasonText(err)
	}
	o.sys.logger.Info("command done", slog.String("command", ev.Command), slog.String("target", target), slog.String("by", by), slog.String("error", ev.Error))
	o.sys.events.Publish(ev)
	if wait, ok := o.sys.events.asked.LoadAndDelete(o.Command); ok {
		wait.(chan error) <- err // has room for it
	}
}

// Carry makes fn responsible for the commands that are not for actors. It is called in Publish: it must not block, and
// must see to it that Done of each order is called once. A second call replaces the function; nil means nobody.
func (e *Events) Carry(fn func(*Order)) { e.carrier.Store(&fn) }

// Do publishes a command and waits for its answer: nil when it was carried out, ctx's error when it ends first, though
// the command may still be carried out then. A command value is used once.
func (e *Events) Do(ctx context.Context, c Command) error {
	if v := reflect.ValueOf(c); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return errors.New("no command given")
	}
	wait := make(chan error, 1)
	if _, used := e.asked.LoadOrStore(c, wait); used {
		return fmt.Errorf("%s: this command was given before", EventKind(c))
	}
	defer e.asked.Delete(c)
	if !e.publish(c) {
		return ErrClosed
	}
	select {
	case err := <-wait:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// command carries out a command that is for an actor and hands the others on.
func (s *System) command(ev Command) {
	o := &Order{Command: ev, sys: s}
	switch m := ev.(type) {
	case *Restart:
		o.Done(s.order(m.PID, (*cell).keeps, func(c *cell) { c.mb.postSystem(&restartCommand{}) }))
	case *StopHandler:
		o.Done(s.order(m.PID, (*cell).fixed, func(c *cell) { c.stop("stopped by command") }))
	default:
		if fn := s.events.carrier.Load(); fn != nil && *fn != nil {
			(*fn)(o)
			return
		}
		o.Done(fmt.Errorf("%s: nobody here carries it out", EventKind(ev)))
	}
}

// order tells a local actor something, unless it is spared.
func (s *System) order(pid *PID, spared func(*cell) bool, tell func(*cell)) error {
	c := s.local(pid)
	switch {
	case c == nil:
		return fmt.Errorf("%q: %w", address(pid), ErrNoActor)
	case c.parent == nil || spared(c):
		return fmt.Errorf("%q is a part of the node: %w", address(pid), ErrDenied)
	}
	tell(c)
	return nil
}

// fixed reports whether the node is none without c: a service, what a service other than a supervisor has made for itself,
// and the supervisors that services have, such as that of a cluster. All else comes and goes: what programs have made, and
// members, readers, links, tunnels and clients of the relay.
func (c *cell) fixed() bool {
	service := c.branch()
	switch {
	case c == service || !service.props.supervisor:
		return true
	case service.pid.Id == userID:
		return false
	}
	return c.parent == service && c.props.supervisor
}

// keeps reports whether c supervises links, tunnels or clients of the relay: each is one connection, which a new incarnation
// would not have. What programs have made is made anew.
func (c *cell) keeps() bool {
	return c.props.supervisor && c.fixed() && !addressable(c.pid.Id+"/")
}

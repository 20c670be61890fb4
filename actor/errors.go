package actor

import (
	"errors"
	"fmt"
)

// Errors of requests. The first three promise that the message was not executed; after ErrTimeout and ErrLost nobody
// knows. ErrExpired is the one ErrTimeout that does promise it: the deadline passed while the message was queued.
var (
	ErrNoMembers   = errors.New("no members in cluster")
	ErrOverloaded  = errors.New("overloaded")
	ErrUnreachable = errors.New("unreachable")
	ErrTimeout     = errors.New("timeout")
	ErrLost        = errors.New("node lost")
	ErrClosed      = errors.New("closed")

	// ErrExpired wraps ErrTimeout.
	ErrExpired = fmt.Errorf("expired in queue: %w", ErrTimeout)
	// ErrNoActor wraps ErrUnreachable: the node is there, the actor is not.
	ErrNoActor = fmt.Errorf("no such actor: %w", ErrUnreachable)
	// ErrDraining wraps ErrUnreachable: the actor is going away and takes nothing new.
	ErrDraining = fmt.Errorf("draining: %w", ErrUnreachable)
	// ErrNameExists is returned when an actor of that name is running or still stopping.
	ErrNameExists = errors.New("actor name exists")
	// ErrBadName is returned for names that cannot be part of an actor id.
	ErrBadName = errors.New("bad actor name")
	// ErrDenied is returned for what a remote node may not do. It wraps ErrNoActor: peers learn nothing from it.
	ErrDenied = fmt.Errorf("denied: %w", ErrNoActor)
	// ErrUnknownType is wrapped by CodecError when a type or type name was not registered.
	ErrUnknownType = errors.New("unknown message type")
)

// Codes of RemoteError. They are the reply statuses of the wire protocol; the list is append-only.
const (
	CodeFailed  = 1 // the handler answered with an error
	CodePanic   = 6 // the handler panicked
	CodeUnknown = 7 // the message could not be decoded there
)

// RemoteError is what a handler answered instead of a reply, on this node or another one.
type RemoteError struct {
	Node  string // node the handler runs on
	Actor string // id of the handler, may be empty
	Code  int    // one of the Code constants
	Text  string // message of the error or of the panic
	Panic bool   // the handler panicked while it worked on the request
}

func (e *RemoteError) Error() string {
	what := "handler failed"
	if e.Panic {
		what = "handler panicked"
	}
	if e.Actor != "" {
		return fmt.Sprintf("%s: %s: %s", e.Actor, what, e.Text)
	}
	return what + ": " + e.Text
}

// RequestFailed is delivered to an actor whose Context.Request cannot be answered any more.
type RequestFailed struct {
	Target *PID  // whom the request was for
	Err    error // why; one of the errors of this package or a *RemoteError
}

// CodecError says which type could not be encoded or decoded and why.
type CodecError struct {
	Op   string // "encode" or "decode"
	Type string // Go type or registered name
	Err  error
}

func (e *CodecError) Error() string { return e.Op + " " + e.Type + ": " + e.Err.Error() }

// Unwrap gives the cause, for example ErrUnknownType.
func (e *CodecError) Unwrap() error { return e.Err }

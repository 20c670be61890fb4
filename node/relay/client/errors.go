package client

import (
	"errors"
	"fmt"
)

// Errors to test for with errors.Is.
var (
	// ErrClosed: the connection or the tunnel has ended. Errors that say why
	// wrap it.
	ErrClosed = errors.New("closed")
	// ErrTimeout: nobody answered in time, or nobody is there, or who was there
	// is gone or overloaded; the protocol does not tell these apart.
	ErrTimeout = errors.New("timed out")
	// ErrInvalid: the arguments cannot be sent. Nothing was.
	ErrInvalid = errors.New("invalid")
	// ErrSubscribed and ErrNotSubscribed: a connection subscribes to a topic
	// once.
	ErrSubscribed    = errors.New("already subscribed")
	ErrNotSubscribed = errors.New("not subscribed")
)

// Fault is the error that a member answered a request with.
type Fault struct{ Text string }

// Error implements error.
func (f *Fault) Error() string { return f.Text }

// Denied is a relay's refusal to attach the client.
type Denied struct{ Reason string }

// Error implements error.
func (d *Denied) Error() string { return "connection denied: " + d.Reason }

// dropped is why a connection or a tunnel ended before its time.
func dropped(why error) error { return fmt.Errorf("%w: connection dropped: %w", ErrClosed, why) }

package tunnels

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"iris/actor"
	"iris/transport/wire"
)

// ErrMessageTooLarge is the error of Recv for a message longer than
// Config.MaxMessage. The message is skipped; the tunnel stays usable and the
// next Recv returns the message after it.
var ErrMessageTooLarge = errors.New("message too large")

// ErrMidMessage is the error of Recv after the byte view has read a part of a
// message: the rest would look like a whole one. Read on with the byte view; at
// the end of the message Recv works again.
var ErrMidMessage = errors.New("in the middle of a message that the byte view has begun")

// ErrSendCancelled is in the error of a tunnel that was aborted because the
// context of a Send ended after a part of its message was already on its way.
var ErrSendCancelled = errors.New("send cancelled in the middle of a message")

// errHandlerStopped aborts a tunnel whose member has stopped.
var errHandlerStopped = errors.New("the member that served the tunnel has stopped")

// Error says why a tunnel ended. errors.Is finds actor.ErrClosed in all of
// them, actor.ErrLost when the link went, and the reason itself at the end that
// gave it.
type Error struct {
	Tunnel string    // the id at this end
	Peer   string    // the node at the other end, 32 hex digits
	Code   wire.Code // OK for an ordinary end and for Abort by the application
	Remote bool      // the other end decided
	What   string    // "aborted", "lost", "closed", "protocol violation"
	Reason string    // for humans; from the peer if Remote

	cause error // never from the peer
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tunnel %s: %s", e.Tunnel, e.What)
	if e.Remote {
		fmt.Fprintf(&b, " by %s", short(e.Peer))
	} else if e.What == whatLost {
		fmt.Fprintf(&b, ": link to %s", short(e.Peer))
	}
	if e.Code != wire.CodeOK {
		fmt.Fprintf(&b, " (%v)", e.Code)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// Unwrap makes errors.Is find the sentinels.
func (e *Error) Unwrap() []error {
	errs := []error{actor.ErrClosed}
	if e.What == whatLost {
		errs = append(errs, actor.ErrLost)
	}
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	return errs
}

// The values of Error.What.
const (
	whatAborted   = "aborted"
	whatClosed    = "closed"
	whatLost      = "lost"
	whatViolation = "protocol violation"
)

func short(node string) string { return node[:min(8, len(node))] }

// maxReason bounds the text of an abort or refusal on the wire, in bytes.
const maxReason = 1 << 10

// reasonText is the text of err for the wire: bounded valid UTF-8.
func reasonText(err error) string {
	if err == nil {
		return ""
	}
	return boundedText(err.Error())
}

func boundedText(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason]
		for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
			s = s[:len(s)-1]
		}
	}
	return strings.ToValidUTF8(s, "?")
}

// interrupted is the error of a call whose context ended.
func interrupted(what string, ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("tunnel %s: %w: %w", what, actor.ErrTimeout, cause)
	}
	return fmt.Errorf("tunnel %s: %w", what, cause)
}

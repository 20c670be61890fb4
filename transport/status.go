package transport

import (
	"errors"
	"fmt"

	"iris/actor"
	"iris/transport/wire"
)

// Status returns how err travels in a reply. A nil error is wire.StatusOK.
func Status(err error) (status uint16, text string) {
	if err == nil {
		return wire.StatusOK, ""
	}
	var remote *actor.RemoteError
	var codec *actor.CodecError
	switch {
	case errors.As(err, &remote) && remote.Panic:
		return wire.StatusPanic, remote.Text
	case errors.As(err, &remote) && remote.Code == actor.CodeUnknown:
		return wire.StatusDecode, remote.Text
	case errors.As(err, &remote):
		return wire.StatusError, remote.Text
	case errors.As(err, &codec):
		return wire.StatusDecode, err.Error()
	case errors.Is(err, actor.ErrOverloaded):
		return wire.StatusOverloaded, ""
	case errors.Is(err, actor.ErrDraining):
		return wire.StatusDraining, ""
	case errors.Is(err, actor.ErrExpired):
		return wire.StatusExpired, ""
	case errors.Is(err, actor.ErrUnreachable), errors.Is(err, actor.ErrNoMembers):
		return wire.StatusNoTarget, ""
	}
	return wire.StatusError, err.Error()
}

// ErrorOf is the inverse of Status: the error of a reply that node sent, nil
// for wire.StatusOK.
func ErrorOf(node string, status uint16, text string) error {
	switch status {
	case wire.StatusOK:
		return nil
	case wire.StatusOverloaded:
		return fmt.Errorf("node %s: %w", short(node), actor.ErrOverloaded)
	case wire.StatusNoTarget:
		return fmt.Errorf("node %s: %w", short(node), actor.ErrNoActor)
	case wire.StatusDraining:
		return fmt.Errorf("node %s: %w", short(node), actor.ErrDraining)
	case wire.StatusExpired:
		return fmt.Errorf("node %s: %w", short(node), actor.ErrExpired)
	case wire.StatusPanic:
		return &actor.RemoteError{Node: node, Code: actor.CodePanic, Text: text, Panic: true}
	case wire.StatusDecode:
		return &actor.RemoteError{Node: node, Code: actor.CodeUnknown, Text: text}
	}
	return &actor.RemoteError{Node: node, Code: actor.CodeFailed, Text: text}
}

func short(node string) string { return node[:min(8, len(node))] }

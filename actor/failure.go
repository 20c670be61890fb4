package actor

import (
	"errors"

	proto "github.com/asynkron/protoactor-go/actor"
)

// wireFailure is a RequestFailed on its way to an actor of another node.
type wireFailure struct {
	Node, ID string // target
	Code     int    // of RemoteError; 0 = unreachable
	Text     string
	Panic    bool
}

// wireFailureType is its name on the wire; users cannot register names that begin with '$'.
const wireFailureType = "$failed"

// Codes of failures that are not a RemoteError; numbers are those of reply statuses.
const (
	codeUnreachable = 0
	codeOverloaded  = 2
	codeNoActor     = 3
	codeDraining    = 4
	codeExpired     = 5
)

// sentinels maps the codes to errors, more special ones first.
var sentinels = []struct {
	code int
	err  error
}{
	{codeExpired, ErrExpired},
	{codeOverloaded, ErrOverloaded},
	{codeDraining, ErrDraining},
	{codeNoActor, ErrNoActor},
	{codeUnreachable, ErrUnreachable},
}

func failureOf(target *PID, err error) *wireFailure {
	f := &wireFailure{Code: CodeFailed, Text: err.Error()}
	if target != nil {
		f.Node, f.ID = target.Address, target.Id
	}
	var re *RemoteError
	if errors.As(err, &re) {
		f.Code, f.Text, f.Panic = re.Code, re.Text, re.Panic
		return f
	}
	var codec *CodecError
	if errors.As(err, &codec) {
		f.Code = CodeUnknown
		return f
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			f.Code = s.code
			break
		}
	}
	return f
}

func (f *wireFailure) failed() *RequestFailed {
	out := &RequestFailed{Target: &PID{Address: f.Node, Id: f.ID}}
	for _, s := range sentinels {
		if f.Code == s.code {
			out.Err = s.err
			return out
		}
	}
	out.Err = &RemoteError{Node: f.Node, Actor: f.ID, Code: f.Code, Text: f.Text, Panic: f.Panic}
	return out
}

// unwrap takes a local message out of its envelope.
func unwrap(msg any) (any, *PID) {
	if e, ok := msg.(*proto.MessageEnvelope); ok {
		return e.Message, e.Sender
	}
	return msg, nil
}

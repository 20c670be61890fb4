package topics

import (
	"errors"
	"fmt"

	"iris/actor"
)

// dropped counts n messages that were given up because of err as dead letters, unless
// they are counted already. (What a mailbox refuses is counted by package actor.)
func (t *Topics) dropped(err error, target, typ string, n uint64) {
	if !actor.IsCounted(err) {
		t.sys.Dropped(reasonOf(err), target, typ, "", n)
	}
}

// errNobody is the error of a message to several that all have refused.
var errNobody = actor.Counted(actor.ErrOverloaded)

func reasonOf(err error) actor.DeadReason {
	var codec *actor.CodecError
	switch {
	case errors.As(err, &codec):
		return actor.DeadCodec
	case errors.Is(err, actor.ErrOverloaded):
		return actor.DeadOverflow
	case errors.Is(err, actor.ErrNoMembers):
		return actor.DeadUnnamed
	case errors.Is(err, actor.ErrNoActor):
		return actor.DeadNoActor
	case errors.Is(err, actor.ErrClosed):
		return actor.DeadClosed
	}
	return actor.DeadUnreachable
}

// typeName is for dead letters.
func typeName(msg any) string { return fmt.Sprintf("%T", msg) }

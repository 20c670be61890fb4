package topics

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"iris/actor"
)

// letters reports messages that were given up here with restraint: the first
// of a reason and target at once, then at most one event a second with the
// number since. (What a mailbox refuses is reported by package actor.)
type letters struct {
	events *actor.Events

	mu     sync.Mutex // guards the following field
	recent map[letter]*lost
}

type letter struct {
	reason actor.DeadReason
	target string
}

// lost is what is known of one kind of dead letter.
type lost struct {
	count uint64 // since the last event
	last  time.Time
	typ   string
}

const maxLetters = 1024 // kinds told apart; beyond it they share one per reason

// dropped counts n messages that were given up because of err.
func (t *Topics) dropped(err error, target, typ string, n uint64) {
	now := time.Now()
	key := letter{reasonOf(err), target}
	l := &t.letters
	l.mu.Lock()
	d := l.recent[key]
	if d == nil {
		if len(l.recent) >= maxLetters {
			key.target = "(others)"
			d = l.recent[key]
		}
		if d == nil {
			d = &lost{}
			l.recent[key] = d
		}
	}
	d.count += n
	d.typ = typ
	var ev *actor.DeadLetter
	if now.Sub(d.last) >= time.Second {
		ev = d.event(key)
		d.last = now
	}
	l.mu.Unlock()
	if ev != nil {
		l.events.Publish(ev)
	}
}

func (d *lost) event(key letter) *actor.DeadLetter {
	ev := &actor.DeadLetter{Reason: key.reason, Target: key.target, MessageType: d.typ, Count: d.count}
	d.count = 0
	return ev
}

// flush reports what was counted since the last event; the supervisor calls it
// now and then, and Stop at the end.
func (l *letters) flush() {
	var due []*actor.DeadLetter
	l.mu.Lock()
	for key, d := range l.recent {
		if d.count > 0 {
			due = append(due, d.event(key))
		}
		delete(l.recent, key)
	}
	l.mu.Unlock()
	for _, ev := range due {
		l.events.Publish(ev)
	}
}

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

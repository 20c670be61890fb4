package actor

import (
	"errors"
	"sync"
	"time"
)

// letters counts dead letters exactly and reports them with restraint: the first of a reason and target at once, the
// others once a second, summed up.
type letters struct {
	sys     *System
	samples samples

	mu     sync.Mutex // guards the following fields
	recent map[letterKey]*DeadLetter
	timer  *timer // armed while recent is not empty
	closed bool
}

type letterKey struct {
	reason DeadReason
	pidKey // of the target
}

func (k letterKey) target() string {
	if k.node == "" {
		return k.id
	}
	return k.node + "/" + k.id
}

const (
	letterInterval = time.Second
	maxLetterKeys  = 1024 // targets told apart in one interval; the others share one entry per reason
)

func newLetters(s *System) *letters { return &letters{sys: s, recent: map[letterKey]*DeadLetter{}} }

// add records one dead letter. to and sender may be nil.
func (l *letters) add(r DeadReason, to, sender *PID, msg any) {
	key := letterKey{reason: r}
	if to != nil {
		key.pidKey = keyOf(to)
	}
	l.record(key, 1, func() (string, string) { return typeName(msg), address(sender) })
}

// note records n dead letters of which only texts are known.
func (l *letters) note(r DeadReason, target pidKey, typ, sender string, n uint64) {
	l.record(letterKey{r, target}, n, func() (string, string) { return typ, sender })
}

// record counts; describe is called only for what will be part of an event.
func (l *letters) record(key letterKey, n uint64, describe func() (typ, sender string)) {
	l.sys.count.dropped[key.reason].Add(n)
	var first *DeadLetter
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	d := l.recent[key]
	if d == nil && len(l.recent) >= maxLetterKeys {
		key.pidKey = pidKey{"", "(others)"}
		d = l.recent[key]
	}
	switch {
	case d == nil:
		first = &DeadLetter{Reason: key.reason, Target: key.target(), Count: n}
		first.MessageType, first.Sender = describe()
		l.recent[key] = &DeadLetter{Reason: key.reason, Target: first.Target}
		if l.timer == nil {
			l.timer = l.sys.after(letterInterval, l.flush)
		}
	case d.Count == 0:
		d.MessageType, d.Sender = describe()
		fallthrough
	default:
		d.Count += n
	}
	l.mu.Unlock()
	if first != nil {
		l.report(first)
	}
}

// report publishes what is complete and remembers it.
func (l *letters) report(d *DeadLetter) {
	l.sys.events.Publish(d)
	l.samples.note(d)
}

// Counted is err for a message that is in the books already: it is a dead letter for everybody who did not get it. Who gets
// such an error counts nothing more. The text is that of err, which errors.Is and errors.As find behind it.
func Counted(err error) error { return &counted{err} }

// IsCounted reports whether err is, or wraps, one made by Counted.
func IsCounted(err error) bool {
	var c *counted
	return errors.As(err, &c)
}

type counted struct{ error }

func (c *counted) Unwrap() error { return c.error }

// address is a readable form of a PID.
func address(p *PID) string {
	if p == nil {
		return ""
	}
	return p.Address + "/" + p.Id
}

// flush reports what was summed up and forgets what was quiet.
func (l *letters) flush() {
	l.mu.Lock()
	var due []*DeadLetter
	for key, d := range l.recent {
		if d.Count == 0 {
			delete(l.recent, key)
			continue
		}
		due = append(due, d)
		l.recent[key] = &DeadLetter{Reason: key.reason, Target: d.Target}
	}
	l.timer = nil
	if len(l.recent) > 0 && !l.closed {
		l.timer = l.sys.after(letterInterval, l.flush)
	}
	l.mu.Unlock()
	for _, d := range due {
		l.report(d)
	}
}

// close reports what is left.
func (l *letters) close() {
	l.mu.Lock()
	l.closed = true
	if l.timer != nil {
		l.timer.stop()
	}
	l.mu.Unlock()
	l.flush()
}

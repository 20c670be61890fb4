package actor

import (
	"sync"
	"time"
)

// letters counts dead letters exactly and reports them with restraint: the first of a reason and target at once, the
// others once a second, summed up.
type letters struct {
	sys *System

	mu     sync.Mutex // guards the following fields
	recent map[letterKey]*DeadLetter
	timer  *timer // armed while recent is not empty
	closed bool
}

type letterKey struct {
	reason DeadReason
	pidKey // of the target
}

func (k letterKey) target() string { return k.node + "/" + k.id }

const (
	letterInterval = time.Second
	maxLetterKeys  = 1024 // targets told apart in one interval; the others share one entry per reason
)

func newLetters(s *System) *letters { return &letters{sys: s, recent: map[letterKey]*DeadLetter{}} }

// add records one dead letter. to and sender may be nil.
func (l *letters) add(r DeadReason, to, sender *PID, msg any) {
	l.sys.count.dropped[r].Add(1)
	key := letterKey{reason: r}
	if to != nil {
		key.pidKey = keyOf(to)
	}
	var first *DeadLetter
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	d := l.recent[key]
	if d == nil && len(l.recent) >= maxLetterKeys {
		key.pidKey = pidKey{"*", "*"}
		d = l.recent[key]
	}
	if d == nil {
		first = &DeadLetter{Reason: r, Target: key.target(), MessageType: typeName(msg), Sender: address(sender), Count: 1}
		l.recent[key] = &DeadLetter{Reason: r, Target: key.target()}
		if l.timer == nil {
			l.timer = l.sys.after(letterInterval, l.flush)
		}
	} else {
		d.Count++
		if d.Count == 1 {
			d.MessageType, d.Sender = typeName(msg), address(sender)
		}
	}
	l.mu.Unlock()
	if first != nil {
		l.sys.events.Publish(first)
	}
}

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
		l.recent[key] = &DeadLetter{Reason: key.reason, Target: key.target()}
	}
	l.timer = nil
	if len(l.recent) > 0 && !l.closed {
		l.timer = l.sys.after(letterInterval, l.flush)
	}
	l.mu.Unlock()
	for _, d := range due {
		l.sys.events.Publish(d)
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

package logs

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// A message of a subsystem is written repeatBurst times within repeatWindow: enough
// for the news of a full mesh. Of repeatKeys messages the repetitions are counted at
// one time, each of repeatLength bytes at most; others are always written.
const (
	repeatBurst  = 256
	repeatWindow = time.Minute
	repeatKeys   = 256
	repeatLength = 256
)

// repeats holds lines back that come again and again.
//
//	first of its kind ──► window begins ──► 256 lines ──► the others are counted
//	                      window ends ──► one line with the count, if there is one
type repeats struct {
	mu     sync.Mutex // guards the following fields
	seen   map[repeatKey]*repeated
	timer  *time.Timer // armed while lines are held back
	closed bool
}

type repeatKey struct {
	subsystem, message string
	level              slog.Level
}

type repeated struct {
	since   time.Time
	written int
	held    int
	to      slog.Handler // of the last line held back
}

func newRepeats() *repeats { return &repeats{seen: map[repeatKey]*repeated{}} }

// admit reports whether the line may be written.
func (r *repeats) admit(h *handler, rec *slog.Record) bool {
	if len(rec.Message) > repeatLength {
		return true
	}
	key := repeatKey{h.subsystem, rec.Message, rec.Level}
	now := time.Now()
	var due []slog.Handler
	var news []slog.Record
	r.mu.Lock()
	defer func() {
		r.mu.Unlock()
		tell(due, news)
	}()
	if r.closed {
		return true
	}
	x := r.seen[key]
	if x == nil || now.Sub(x.since) >= repeatWindow {
		due, news = r.expire(now)
		if len(r.seen) >= repeatKeys {
			return true
		}
		x = &repeated{since: now}
		r.seen[key] = x
	}
	if x.written < repeatBurst {
		x.written++
		return true
	}
	x.held++
	x.to = h.next
	if r.timer == nil {
		r.timer = time.AfterFunc(x.since.Add(repeatWindow).Sub(now), r.flush)
	}
	return false
}

// expire forgets the windows that have ended at now, or all at the end, and returns
// what to say of them. Called with mu held.
func (r *repeats) expire(now time.Time) (to []slog.Handler, news []slog.Record) {
	for key, x := range r.seen {
		if now.Sub(x.since) < repeatWindow && !r.closed {
			continue
		}
		delete(r.seen, key)
		if x.held > 0 {
			rec := slog.NewRecord(now, key.level, "repeated", 0)
			rec.AddAttrs(slog.String("message", key.message), slog.Int("times", x.held))
			to, news = append(to, x.to), append(news, rec)
		}
	}
	return to, news
}

func tell(to []slog.Handler, news []slog.Record) {
	for i, h := range to {
		_ = h.Handle(context.Background(), news[i]) // a log that cannot be written has nobody to tell
	}
}

// flush is the end of the earliest window with lines held back.
func (r *repeats) flush() {
	now := time.Now()
	r.mu.Lock()
	to, news := r.expire(now)
	r.timer = nil
	wait := time.Duration(-1)
	for x := range maps.Values(r.seen) {
		if left := x.since.Add(repeatWindow).Sub(now); x.held > 0 && (wait < 0 || left < wait) {
			wait = left
		}
	}
	if wait >= 0 && !r.closed {
		r.timer = time.AfterFunc(wait, r.flush)
	}
	r.mu.Unlock()
	tell(to, news)
}

func (r *repeats) close() {
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	to, news := r.expire(time.Now())
	r.mu.Unlock()
	tell(to, news)
}

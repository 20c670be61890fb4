package actor

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// beatLength is what times of mailboxes are counted in. Turns are far shorter, and reading the clock for each would cost a
// tenth of a wake-up; a turn counts as one beat if it meets the end of one, so the sum over many is right on average.
const beatLength = 100 * time.Millisecond

// Beat is to be called every 100 ms by whoever has a timer anyway. Without it actors are reported as never busy.
func (s *System) Beat() {
	s.strike(s.beats())
}

// beats is how many there have been.
func (s *System) beats() uint32 { return uint32(time.Since(s.begun) / beatLength) }

func (s *System) strike(beat uint32) {
	s.beat.Store(beat)
	s.census.expire()
}

// Beat is System.Beat for an actor, whose own turn would else always meet the end of a beat.
func Beat(ctx Context) {
	s := ctx.System()
	beat := s.beats()
	if g, ok := ctx.(*guard); ok {
		put(&g.cell.mb.meter.turn, beat) // before anybody can see that the turn meets the end of a beat
	}
	s.strike(beat)
}

// meter is what a mailbox tells about itself, see System.Look. Only the runner writes.
type meter struct {
	shown atomic.Uint64 // messages handled, as of the last turn
	busy  atomic.Uint32 // beats of turns that have ended
	turn  atomic.Uint32 // the beat at which the latest turn began
	since atomic.Uint32 // the beat before which no message came that is still waiting
	batch uint32        // the beat at which those being handled were taken
}

// begin notes a turn: took says that it begins with messages just taken, fresh that there were none before. What was taken
// came after those before it were.
func (m *meter) begin(now uint32, took, fresh bool) {
	put(&m.turn, now)
	switch {
	case fresh:
		put(&m.since, now)
		m.batch = now
	case took:
		put(&m.since, m.batch)
		m.batch = now
	}
}

// end notes the end of a turn.
func (m *meter) end(now uint32) {
	if began := m.turn.Load(); now > began {
		m.busy.Store(m.busy.Load() + now - began)
	}
}

// rest ends the meter's turn, if it runs. Called by the runner under mu.
func (m *mailbox) rest() {
	if m.working {
		m.meter.end(m.cell.sys.beat.Load())
		m.working = false
	}
}

// conclude makes the figures of an actor that handles nothing any more final. Called by the runner.
func (m *mailbox) conclude() {
	m.count()
	m.mu.Lock()
	m.rest()
	m.mu.Unlock()
}

// times are how long turns have taken, the one under way included, and since when messages wait. The first never
// becomes less.
func (m *mailbox) times(now uint32) (busy, oldest time.Duration) {
	began := m.meter.turn.Load() // before busy: the turns before that one are in it
	beats := m.meter.busy.Load()
	if now > began {
		m.mu.Lock()
		beats = m.meter.busy.Load()
		if began = m.meter.turn.Load(); m.working && now > began {
			beats += now - began
		}
		m.mu.Unlock()
	}
	since := m.meter.since.Load()
	return time.Duration(beats) * beatLength, time.Duration(max(now, since)-since) * beatLength
}

// work is what c has done so far.
func (c *cell) work() work {
	busy, _ := c.mb.times(c.sys.beat.Load())
	return work{handled: c.mb.meter.shown.Load(), busy: busy}
}

// put stores what has changed: that is rare, and a store costs many times what a load does.
func put(v *atomic.Uint32, to uint32) {
	if v.Load() != to {
		v.Store(to)
	}
}

// trouble is what became of the incarnations of an actor that had any. It is replaced, not changed.
type trouble struct {
	failures uint64
	restarts int
	last     string // reason of the latest failure
}

// blame replaces the trouble of an actor. Called by the runner.
func (c *cell) blame(change func(*trouble)) {
	var t trouble
	if old := c.trouble.Load(); old != nil {
		t = *old
	}
	change(&t)
	c.trouble.Store(&t)
}

// kinds are the names of types of actors, by reflect.Type or, of those made by Func, by the function's entry. Bounded by the
// code of the program.
var kinds sync.Map

var supervising = "supervisor"

// kindOf names the Go type of an actor, or its function.
func kindOf(p *Props, a Actor) *string {
	if p.supervisor {
		return &supervising
	}
	var key any
	t := reflect.TypeOf(a)
	f, function := a.(funcActor)
	if key = t; function {
		key = reflect.ValueOf(f).Pointer()
	}
	if name, ok := kinds.Load(key); ok {
		return name.(*string)
	}
	name := t.String()
	if function {
		if f := runtime.FuncForPC(key.(uintptr)); f != nil {
			name = f.Name()
		}
	}
	kept, _ := kinds.LoadOrStore(key, &name)
	return kept.(*string)
}

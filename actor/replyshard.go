package actor

import (
	"errors"
	"sync"
	"time"
)

// replyShard holds every sixteenth id. Ids follow each other, so an id finds its slot by its lower bits; an id whose
// slot is still taken is passed over.
type replyShard struct {
	table *Replies
	base  time.Time // tick 0 of the wheel

	mu     sync.Mutex // guards the following fields
	slots  []pending  // a power of two, at most half of them in use; nil until the first request
	used   int
	wheel  wheel // of the numbers of slots
	timer  *time.Timer
	armed  int64 // tick at which the timer fires; 0: it is not set
	closed bool
}

// pending is one request.
type pending struct {
	id   uint32 // 0: the slot is free
	node string // that was asked, the only one whose answer counts
	done func(Reply)
}

const (
	fewestSlots = 16
	idleSlots   = 64 // kept when nothing is pending
	replyTick   = time.Millisecond
)

// errTaken says that the slot of an id is in use.
var errTaken = errors.New("slot taken")

// tick is the first tick that does not begin before t.
func (s *replyShard) tick(t time.Time) int64 {
	d := t.Sub(s.base)
	tick := int64(d / replyTick)
	if d%replyTick > 0 { // adding first would overflow for the most distant
		tick++
	}
	return tick
}

func (s *replyShard) slot(id uint32) int { return int(id/replyShards) & (len(s.slots) - 1) }

// find returns the slot of a pending request, -1 if there is none.
func (s *replyShard) find(id uint32) int {
	if s.used == 0 || id == 0 { // free slots have the id 0
		return -1
	}
	if i := s.slot(id); s.slots[i].id == id {
		return i
	}
	return -1
}

func (s *replyShard) open(p pending, deadline time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if 2*(s.used+1) > len(s.slots) {
		s.grow()
	}
	i := s.slot(p.id)
	if s.slots[i].id != 0 {
		return errTaken
	}
	s.slots[i] = p
	s.used++
	due := s.tick(deadline)
	s.wheel.add(i, due)
	if s.armed == 0 || due < s.armed {
		s.arm(due)
	}
	return nil
}

// grow doubles the slots. Ids that had slots of their own have so among more.
func (s *replyShard) grow() {
	old, wheel := s.slots, s.wheel
	s.slots = make([]pending, max(2*len(old), fewestSlots))
	s.wheel.resize(len(s.slots))
	for i := range old {
		if old[i].id != 0 {
			j := s.slot(old[i].id)
			s.slots[j] = old[i]
			s.wheel.add(j, wheel.entries[i].due)
		}
	}
}

// arm sets the timer to a tick.
func (s *replyShard) arm(tick int64) {
	s.armed = max(tick, 1)
	left := time.Until(s.base.Add(time.Duration(tick) * replyTick))
	if s.timer == nil {
		s.timer = time.AfterFunc(left, s.expire)
	} else {
		s.timer.Reset(left)
	}
}

// expire is what the timer does: it ends what is due.
func (s *replyShard) expire() {
	var ended []func(Reply)
	s.mu.Lock()
	s.armed = 0
	s.wheel.advance(int64(time.Since(s.base)/replyTick), func(i int) { ended = append(ended, s.clear(i)) })
	if tick, ok := s.wheel.next(); ok && !s.closed {
		s.arm(tick)
	} else if len(s.slots) > idleSlots {
		s.slots = nil
		s.wheel.resize(0)
	}
	s.mu.Unlock()
	for _, done := range ended {
		done(Reply{Err: ErrTimeout})
	}
}

// clear frees a slot whose number is not in the wheel.
func (s *replyShard) clear(i int) func(Reply) {
	done := s.slots[i].done
	s.slots[i] = pending{}
	s.used--
	s.table.count.Add(-1)
	return done
}

// end ends request id if it waits for node.
func (s *replyShard) end(id uint32, node string) (done func(Reply), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 || s.slots[i].node != node {
		return nil, false
	}
	s.wheel.remove(i)
	return s.clear(i), true
}

// cancel ends request id whoever was asked.
func (s *replyShard) cancel(id uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 {
		return false
	}
	s.wheel.remove(i)
	s.clear(i)
	return true
}

// endAll ends all requests that match.
func (s *replyShard) endAll(match func(*pending) bool, closing bool) (ended []func(Reply)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = s.closed || closing
	for i := range s.slots {
		if s.slots[i].id != 0 && match(&s.slots[i]) {
			s.wheel.remove(i)
			ended = append(ended, s.clear(i))
		}
	}
	if s.closed && s.timer != nil {
		s.timer.Stop()
	}
	return ended
}

// each calls do for each pending request.
func (s *replyShard) each(do func(*pending)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slots {
		if s.slots[i].id != 0 {
			do(&s.slots[i])
		}
	}
}

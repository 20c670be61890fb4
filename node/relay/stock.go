package relay

import (
	"errors"
	"slices"
	"sync"
	"time"

	"iris/internal/budget"
)

// stock is the memory for messages of tunnels that clients have sent, as far as their octets
// were granted back before they went on: what is beyond the windows. All clients share it.
//
// Who gets no more waits for it, within its window, but for one pipe, which leads: its message
// goes on in any case, or many half ones could wait for each other. When it has gone the next one
// leads. While some wait those that do not go on are ended.
//
// Every pipe that leads or holds some of the share is in holders; none that waits leads.
type stock struct {
	share *budget.Share

	mu      sync.Mutex // guards the following fields, and those of pipes and clients that say so
	holders map[*pipe]struct{}
	lead    *pipe   // nil if none has to
	waiting []*pipe // in the order in which they came
	swept   bool    // a sweep is to come
}

func newStock(bytes int, tell func(over bool, refused uint64)) *stock {
	return &stock{share: budget.New(int64(bytes), tell), holders: map[*pipe]struct{}{}}
}

// take reports whether n octets more of p may be granted back. If not, p is woken when it is
// worth another try, should it want to wait.
func (s *stock) take(p *pipe, n uint64, wait bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch all := &p.c.pipes.stocked; {
	case p.stockless:
		return false
	case s.lead == p: // beside the share
	case s.share.Take(int(*all), int(n)):
		*all += n
		p.stocked += n
	case !wait:
		return false
	case s.lead == nil:
		s.lead = p
	default:
		if !slices.Contains(s.waiting, p) {
			s.waiting = append(s.waiting, p)
			s.sweepLater()
		}
		return false
	}
	p.advanced = time.Now()
	s.holders[p] = struct{}{}
	return true
}

// give gives back what p holds: its message has gone.
func (s *stock) give(p *pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, p); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	if _, ok := s.holders[p]; !ok {
		return
	}
	delete(s.holders, p)
	s.share.Give(int(p.stocked))
	p.c.pipes.stocked -= p.stocked
	p.stocked = 0
	woken := s.waiting
	if s.lead == p {
		s.lead = nil
		if len(woken) > 0 {
			s.lead = woken[0]
			s.lead.advanced = time.Now()
			s.holders[s.lead] = struct{}{}
		}
	}
	s.waiting = nil // they come again if it was in vain
	for _, w := range woken {
		signal(w.wake)
	}
}

// end gives back what p holds, and gives it no more.
func (s *stock) end(p *pipe) {
	s.mu.Lock()
	p.stockless = true
	s.mu.Unlock()
	s.give(p)
}

// sweepLater looks after those that wait. Called with mu.
func (s *stock) sweepLater() {
	if !s.swept {
		s.swept = true
		time.AfterFunc(stockTimeout, s.sweep)
	}
}

// sweep ends the pipes that keep others waiting and do not go on.
func (s *stock) sweep() {
	for _, p := range s.idle() {
		p.breakOff(errStock)
	}
}

// idle returns the pipes that a sweep is to end, and sees to the next sweep.
func (s *stock) idle() (list []*pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept = false; len(s.waiting) == 0 {
		return nil
	}
	s.sweepLater()
	for p := range s.holders {
		if time.Since(p.advanced) >= stockTimeout {
			list = append(list, p)
		}
	}
	return list
}

var errStock = errors.New("the relay is short of memory, and a message did not go on for two minutes")

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
// leads. While some wait, those of the others that hold something and hardly go on are ended:
// less than stockPace octets of them came from their client, or left for the other end, in
// stockTimeout. Who waits is not among them: it is the relay that keeps it from going on.
//
// Every pipe that leads or holds some of the share is in holders; none that waits leads.
type stock struct {
	share *budget.Share

	mu      sync.Mutex // guards the following fields, and those of pipes and clients that say so
	holders map[*pipe]struct{}
	lead    *pipe       // nil if none has to
	waiting []*pipe     // in the order in which they came
	sweeper *time.Timer // nil if no sweep is to come
}

// pace is how a pipe that holds some of the stock goes on.
type pace struct {
	came  uint64    // octets that it was granted
	from  uint64    // octets that had moved when the period began that counts
	since time.Time // when that was
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
		s.forget(p)
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
	s.forget(p)
	s.hold(p)
	p.pace.came += n
	return true
}

// forget notes that p does not wait any more: if it holds something it has to go on from now on.
// Called with mu.
func (s *stock) forget(p *pipe) {
	if i := slices.Index(s.waiting, p); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		p.begin()
	}
}

// hold makes p one of those that have to go on. Called with mu.
func (s *stock) hold(p *pipe) {
	if _, ok := s.holders[p]; !ok {
		s.holders[p] = struct{}{}
		p.begin()
	}
}

// give gives back what p holds: its message has gone.
func (s *stock) give(p *pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(p)
	if _, ok := s.holders[p]; !ok {
		return
	}
	delete(s.holders, p)
	s.share.Give(int(p.stocked))
	p.c.pipes.stocked -= p.stocked
	p.stocked = 0
	woken := slices.Clone(s.waiting) // they go on waiting if it is in vain
	if s.lead == p {
		s.lead = nil
		if len(woken) > 0 {
			s.lead = woken[0]
			s.forget(s.lead)
			s.hold(s.lead)
		}
	}
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
	if s.sweeper == nil {
		s.sweeper = time.AfterFunc(stockTimeout, s.sweep)
	}
}

// stop ends the sweeps. No pipe is left.
func (s *stock) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sweeper != nil {
		s.sweeper.Stop()
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
	if s.sweeper = nil; len(s.waiting) == 0 {
		return nil
	}
	s.sweepLater()
	for p := range s.holders {
		switch {
		case slices.Contains(s.waiting, p):
		case p.moved()-p.pace.from >= stockPace:
			p.begin()
		case time.Since(p.pace.since) >= stockTimeout:
			list = append(list, p)
		}
	}
	return list
}

// moved returns how many octets have come or left since p began. Called with the mu of the stock.
func (p *pipe) moved() uint64 { return p.pace.came + p.tun.Sent() }

// begin begins a period in which p has to go on. Called with the mu of the stock.
func (p *pipe) begin() { p.pace.from, p.pace.since = p.moved(), time.Now() }

var errStock = errors.New("the relay is short of memory, and a message hardly went on for two minutes")

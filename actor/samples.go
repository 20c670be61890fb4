package actor

import "sync"

// SampledLetters is how many dead letters of each reason are remembered.
const SampledLetters = 16

// samples are the latest reports of dead letters, by reason. They cost nothing but when there is a report.
type samples struct {
	mu   sync.Mutex // guards the following fields
	list [deadReasons][]*DeadLetter
	next [deadReasons]int // index of the oldest, once the list is full
}

func (s *samples) note(d *DeadLetter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := &s.list[d.Reason]
	if len(*list) < SampledLetters {
		*list = append(*list, d)
		return
	}
	(*list)[s.next[d.Reason]] = d
	s.next[d.Reason] = (s.next[d.Reason] + 1) % SampledLetters
}

// DeadLetters returns the latest reports of dead letters for a reason, at most SampledLetters, oldest first. They are
// shared: read only.
func (s *System) DeadLetters(r DeadReason) []*DeadLetter {
	if r >= deadReasons {
		return nil
	}
	l := &s.letters.samples
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]*DeadLetter(nil), l.list[r][l.next[r]:]...), l.list[r][:l.next[r]]...)
}

// DeadReasons lists all reasons.
func DeadReasons() []DeadReason {
	list := make([]DeadReason, deadReasons)
	for i := range list {
		list[i] = DeadReason(i)
	}
	return list
}

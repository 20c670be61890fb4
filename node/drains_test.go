package node

import (
	"errors"
	"testing"

	"iris/actor"
)

// However many order a drain, one is under way, and its result is that of all; a bounded
// number waits.
func TestDrainsShareOneResult(t *testing.T) {
	s := actor.NewSystem(actor.Options{})
	begun := 0
	d := newDrains(func(chan<- error) { begun++ })
	s.Events().Carry(d.take)
	answers := s.Events().Chan(t.Context(), 4*maxOrders)
	for range maxOrders + 3 {
		s.Events().Publish(&actor.Drain{})
	}
	d.done(errors.New("it broke"))
	s.Events().Publish(&actor.Drain{})
	d.over <- nil
	d.end()
	d.end() // nothing is under way
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	got := map[string]int{}
	for ev := range answers {
		if c, ok := ev.(*actor.CommandDone); ok {
			got[c.Error]++
		}
	}
	if begun != 2 || got["it broke"] != maxOrders || got["overloaded"] != 3 || got[""] != 1 {
		t.Errorf("%d drains, answers %v", begun, got)
	}
}

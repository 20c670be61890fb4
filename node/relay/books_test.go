package relay_test

import (
	"testing"

	"iris/actor"
)

// What a program misses because it does not read is in the books by itself: the messages are
// delivered to the actor that stands for it, or dropped, never both.
func TestBooksOfAProgramThatDoesNotRead(t *testing.T) {
	const messages, others = 120, 40 // those of the node's own actors meanwhile, at most
	h := houses(t, 1)[0]
	h.attach(t, "c")
	missed := actor.DeadRelay.String()
	before := h.System().Counters()
	booked := func() (n uint64) {
		c := h.System().Counters()
		for reason, dropped := range c.Dropped {
			if reason != missed {
				n += dropped - before.Dropped[reason]
			}
		}
		return n + c.Delivered - before.Delivered
	}
	for n := range uint64(messages) {
		if err := h.Broadcast(t.Context(), "c", make(actor.Bytes, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if n%8 == 7 { // fewer than the mailbox takes
			eventually(t, "the messages in the books", func() bool { return booked() > n })
		}
	}
	lost := func() uint64 { return h.System().Counters().Dropped[missed] }
	eventually(t, "the program to miss some", func() bool { return lost() > others })
	if n := booked(); n > messages+others {
		t.Errorf("%d messages were delivered or dropped, want %d; %d were lost at the relay", n, messages, lost())
	}
}

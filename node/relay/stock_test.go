package relay

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// holds returns what all pipes hold of s, and checks what must be so at any time.
func (s *stock) holds(t *rapid.T, all []*pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum, of := uint64(0), map[*client]uint64{}
	for _, p := range all {
		_, holder := s.holders[p]
		if waits := slices.Contains(s.waiting, p); p.stocked > 0 && !holder || s.lead == p && (!holder || waits) {
			t.Fatalf("%d octets held, is a holder: %v, leads: %v, waits: %v", p.stocked, holder, s.lead == p, waits)
		}
		sum += p.stocked
		of[p.c] += p.stocked
	}
	for c, n := range of {
		if c.pipes.stocked != n {
			t.Fatalf("a client holds %d, counted are %d", n, c.pipes.stocked)
		}
	}
	if s.share.Used() != int64(sum) {
		t.Fatalf("%d octets are held, %d are counted", sum, s.share.Used())
	}
	if len(s.waiting) > 0 && s.lead == nil {
		t.Fatal("some wait and nobody leads")
	}
}

func somePipes(s *stock, clients, each int) (all []*pipe) {
	for range clients {
		c := &client{r: &Relay{stock: s}}
		for range each {
			all = append(all, &pipe{c: c, wake: make(chan struct{}, 1)})
		}
	}
	return all
}

func unheard(bool, uint64) {}

// Whatever pipes do, the account is exact, and of those that wait one goes on.
func TestStockModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			s := newStock(1<<20, unheard)
			all := somePipes(s, 3, 4)
			for range rapid.IntRange(1, 100).Draw(rt, "steps") {
				p := all[rapid.IntRange(0, len(all)-1).Draw(rt, "pipe")]
				switch rapid.IntRange(0, 5).Draw(rt, "what") {
				case 0:
					s.give(p)
				case 1:
					if rapid.IntRange(0, 9).Draw(rt, "ends") == 0 {
						s.end(p)
					}
				case 2:
					s.take(p, 50_000, false)
				default:
					s.take(p, 50_000, true)
				}
				s.holds(rt, all)
			}
			for _, p := range all {
				s.end(p)
			}
			s.holds(rt, all)
			if s.share.Used() > 0 || s.lead != nil || len(s.waiting) > 0 || len(s.holders) > 0 {
				rt.Fatalf("%d octets are left, %d wait, %d hold", s.share.Used(), len(s.waiting), len(s.holders))
			}
			pass(2 * stockTimeout) // timers
		})
	})
}

// One goes on in any case, and when its message has gone the next does.
func TestStockHasALead(t *testing.T) {
	s := newStock(1<<20, unheard)
	all := somePipes(s, 1, 3)
	for all[0].stocked < 1<<17 {
		s.take(all[0], 1<<14, false)
		if all[0].stocked == 0 {
			t.Fatal("nothing to be had")
		}
		if !s.take(all[0], 1<<14, false) {
			break
		}
	}
	for range 1000 {
		if !s.take(all[1], 1<<14, true) {
			t.Fatal("the first that waits does not lead")
		}
	}
	for range 3 {
		if s.take(all[2], 1<<14, true) {
			t.Fatal("two lead")
		}
	}
	s.give(all[1])
	select {
	case <-all[2].wake:
	default:
		t.Error("the next one was not woken")
	}
	if !s.take(all[2], 1<<14, true) {
		t.Error("the next one does not lead")
	}
}

// While others wait, those that do not go on are found after a while.
func TestStockFindsTheIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStock(1<<20, unheard)
		all := somePipes(s, 1, 3)
		s.take(all[2], 1<<14, false)
		for s.take(all[0], 1<<14, false) {
		}
		if s.take(all[0], 1<<14, true); s.swept {
			t.Error("nobody waits for anything")
		}
		if s.take(all[1], 1<<14, true) || !s.swept {
			t.Error("nobody looks after the one that waits")
		}
		pass(stockTimeout - time.Second)
		s.take(all[0], 1<<14, true) // the lead goes on
		<-time.After(time.Second / 2)
		if idle := s.idle(); len(idle) > 0 {
			t.Errorf("%d are idle too early", len(idle))
		}
		<-time.After(time.Second / 2)
		if idle := s.idle(); len(idle) != 1 || idle[0] != all[2] {
			t.Errorf("%d are idle", len(idle))
		}
		for _, p := range all {
			s.end(p)
		}
		if pass(2 * stockTimeout); s.swept {
			t.Error("somebody looks after nobody")
		}
	})
}

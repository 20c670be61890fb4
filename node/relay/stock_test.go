package relay

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"iris/tunnels"
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
			all = append(all, &pipe{c: c, tun: new(tunnels.Tunnel), wake: make(chan struct{}, 1)})
		}
	}
	return all
}

func unheard(bool, uint64) {}

// Whatever pipes do, the account is exact, and of those that wait one goes on; when the others
// have gone all have.
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
			s.runOut(rt, all)
			for _, p := range all {
				s.end(p)
			}
			s.holds(rt, all)
			if s.share.Used() > 0 || s.lead != nil || len(s.waiting) > 0 || len(s.holders) > 0 {
				rt.Fatalf("%d octets are left, %d wait, %d hold", s.share.Used(), len(s.waiting), len(s.holders))
			}
			pass(2 * stockTimeout)
			if s.sweeper != nil {
				rt.Fatal("somebody looks after nobody")
			}
		})
	})
}

// runOut lets the message of the lead go until nobody waits: each of those that wait is woken and
// goes on when it leads, at the latest.
func (s *stock) runOut(t *rapid.T, all []*pipe) {
	for n := 0; len(s.waiting) > 0; n++ {
		if n > len(all) {
			t.Fatalf("%d still wait", len(s.waiting))
		}
		for _, p := range all {
			select {
			case <-p.wake:
			default:
			}
		}
		next := s.waiting[0]
		s.give(s.lead)
		select {
		case <-next.wake:
		default:
			t.Fatal("who is next was not woken")
		}
		if !s.take(next, 50_000, true) {
			t.Fatal("who is next does not go on")
		}
		s.holds(t, all)
	}
}

// exhaust takes from the share until p gets no more.
func (s *stock) exhaust(p *pipe) {
	for s.take(p, 1<<14, false) {
	}
}

// One goes on in any case, and when its message has gone the next does, whosever they are.
func TestStockHasALead(t *testing.T) {
	for _, clients := range []int{1, 3} {
		s := newStock(1<<20, unheard)
		all := somePipes(s, clients, 3/clients)
		for _, p := range all {
			s.exhaust(p)
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
		if s.lead != all[2] {
			t.Error("the next one does not lead")
		}
		for range 1000 {
			if !s.take(all[2], 1<<14, true) {
				t.Fatal("the next one does not go on")
			}
		}
		for _, p := range all {
			s.end(p)
		}
		s.stop()
	}
}

// queued runs f with a pipe that leads, one that waits and holds something, and one that only
// holds something, each of another client, at the moment when the second began to wait.
func queued(t *testing.T, f func(s *stock, lead, waits, holds *pipe)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		s := newStock(1<<20, unheard)
		all := somePipes(s, 3, 1)
		for _, p := range all {
			s.exhaust(p)
		}
		if s.take(all[0], 1<<14, true); s.sweeper != nil {
			t.Error("nobody waits for anything")
		}
		if s.take(all[1], 1<<14, true) || s.sweeper == nil {
			t.Error("nobody looks after the one that waits")
		}
		f(s, all[0], all[1], all[2])
		for _, p := range all {
			s.end(p)
		}
		if pass(2 * stockTimeout); s.sweeper != nil {
			t.Error("somebody looks after nobody")
		}
	})
}

// idles returns whom a sweep would end now, without the next one.
func (s *stock) idles() []*pipe {
	s.stop()
	return s.idle()
}

// While others wait, those that do not go on are found after a while, and not those that wait.
func TestStockFindsTheIdle(t *testing.T) {
	queued(t, func(s *stock, lead, waits, holds *pipe) {
		pass(stockTimeout - time.Second)
		s.take(lead, stockPace, true)
		if idle := s.idles(); len(idle) > 0 {
			t.Errorf("%d are idle too early", len(idle))
		}
		pass(time.Second)
		if idle := s.idles(); len(idle) != 1 || idle[0] != holds {
			t.Errorf("%d are idle", len(idle))
		}
		pass(stockTimeout - time.Second)
		if idle := s.idles(); len(idle) != 2 || slices.Contains(idle, waits) {
			t.Errorf("%d are idle when the lead stands still as well", len(idle))
		}
	})
}

// A lead that goes on by an octet now and then does not keep the others waiting.
func TestStockIsNotHeldByDrops(t *testing.T) {
	queued(t, func(s *stock, lead, waits, _ *pipe) {
		for range stockTimeout / time.Second {
			pass(time.Second)
			s.take(lead, 1, true)
		}
		if idle := s.idles(); !slices.Contains(idle, lead) {
			t.Error("the lead may go on like that")
		}
		s.end(lead)
		if idle := s.idles(); s.lead != waits || slices.Contains(idle, waits) {
			t.Error("the next has no time to go on")
		}
	})
}

// Who waited while the lead went on has as much time as all others when its turn comes.
func TestStockSparesThoseThatWait(t *testing.T) {
	queued(t, func(s *stock, lead, waits, other *pipe) {
		s.take(other, 1<<14, true)
		for range 10 {
			pass(stockTimeout)
			s.take(lead, stockPace, true)
			if idle := s.idles(); slices.Contains(idle, waits) || slices.Contains(idle, lead) {
				t.Fatal("the lead, or who waits for it, is to be ended")
			}
		}
		s.take(waits, 1<<14, false) // its message is whole: it waits for nothing
		pass(stockTimeout - time.Millisecond)
		if slices.Contains(s.idles(), waits) {
			t.Error("it had less time than the others")
		}
		pass(time.Millisecond)
		if !slices.Contains(s.idles(), waits) {
			t.Error("it does not go on and is not found")
		}
	})
}

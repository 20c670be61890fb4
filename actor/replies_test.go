package actor

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Deadlines are kept to within two milliseconds, in whatever order they come, near ones after far ones.
func TestDeadlinesOfReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		rnd := rand.New(rand.NewPCG(1, 2))
		start := time.Now()
		const requests = 500
		var ended atomic.Int32
		for range requests {
			d := time.Duration(rnd.Int64N(int64(10 * time.Millisecond)))
			if rnd.IntN(2) == 0 {
				d *= 1000
			}
			_, err := s.Replies().Open("n2", start.Add(d), func(r Reply) {
				if late := time.Since(start) - d; late < 0 || late > 2*time.Millisecond || !errors.Is(r.Err, ErrTimeout) {
					t.Errorf("a deadline of %v was kept %v late: %v", d, late, r.Err)
				}
				ended.Add(1)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(11 * time.Second)
		synctest.Wait()
		if ended.Load() != requests || s.Replies().len() != 0 {
			t.Errorf("%d of %d ended, %d left", ended.Load(), requests, s.Replies().len())
		}
	})
}

// A request that came in time for an earlier one's timer has a timer of its own; one whose deadline has passed ends at
// once.
func TestDeadlineAfterRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		for _, d := range []time.Duration{time.Hour, time.Millisecond, 5 * time.Second, -time.Second} {
			start := time.Now()
			took := make(chan time.Duration, 1)
			if _, err := s.Replies().Open("n2", start.Add(d), func(Reply) { took <- time.Since(start) }); err != nil {
				t.Fatal(err)
			}
			if got := <-took; got < d || got > max(d, 0)+2*time.Millisecond {
				t.Errorf("%v took %v", d, got)
			}
			<-time.After(time.Minute)
		}
	})
}

// Requests that wait for long do not stand in the way of those behind them, however the table grows.
func TestRepliesOfManyAges(t *testing.T) {
	s := newTestSystem(t)
	r := s.Replies()
	rnd := rand.New(rand.NewPCG(3, 4))
	waiting := map[uint32]int{}
	got := map[int]bool{}
	for i := range 20_000 {
		id, err := r.Open("n2", time.Now().Add(time.Hour), func(rep Reply) {
			if got[i] || rep.Message != i {
				t.Errorf("request %d got %v", i, rep.Message)
			}
			got[i] = true
		})
		if err != nil || waiting[id] != 0 {
			t.Fatal(id, err)
		}
		waiting[id] = i
		if n := rnd.IntN(100); n > 0 { // one of a hundred stays
			r.Complete("n2", id, Reply{Message: i})
			delete(waiting, id)
		}
	}
	if r.len() != len(waiting) {
		t.Errorf("%d pending, want %d", r.len(), len(waiting))
	}
	for id, i := range waiting {
		r.Complete("n2", id, Reply{Message: i})
	}
	if len(got) != 20_000 || r.len() != 0 {
		t.Errorf("%d answered, %d left", len(got), r.len())
	}
}

// The table gives its memory back when it is empty.
func TestRepliesGiveMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		for range 10_000 {
			if _, err := s.Replies().Open("n2", time.Time{}, func(Reply) {}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(DefaultTimeout + time.Second)
		synctest.Wait()
		for i := range s.Replies().shards {
			if n := len(s.Replies().shards[i].slots); n > idleSlots {
				t.Errorf("an empty shard keeps %d slots", n)
			}
		}
	})
}

func TestRepliesDoNotAllocate(t *testing.T) {
	r := newTestSystem(t).Replies()
	done := func(Reply) {}
	deadline := time.Now().Add(time.Hour)
	for range 1000 { // room
		id, _ := r.Open("n2", deadline, done)
		r.Cancel(id)
	}
	if n := testing.AllocsPerRun(1000, func() {
		id, _ := r.Open("n2", deadline, done)
		r.Complete("n2", id, Reply{Message: r})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReplies(b *testing.B) {
	s := NewSystem(Options{Node: "n1"})
	done := func(Reply) {}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id, _ := s.Replies().Open("n2", time.Now().Add(DefaultTimeout), done)
			s.Replies().Complete("n2", id, Reply{})
		}
	})
	b.StopTimer()
	if err := s.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// Free slots have the id 0, which is nobody's.
func TestNoRequestHasTheIDZero(t *testing.T) {
	r := newReplies(1000, func(string, Reply) {})
	defer r.close()
	for range 2 * replyShards { // every shard holds something
		if _, err := r.Open("node", time.Time{}, func(Reply) {}); err != nil {
			t.Fatal(err)
		}
	}
	before := r.len()
	if r.Cancel(0) || r.len() != before {
		t.Fatalf("cancelled nobody's request: %d of %d are left", r.len(), before)
	}
}

// A deadline may be as distant as a time can be.
func TestDistantDeadlinesOfReplies(t *testing.T) {
	s := replyShard{base: time.Now()}
	if tick := s.tick(s.base.Add(math.MaxInt64)); tick != int64(math.MaxInt64/replyTick)+1 {
		t.Fatalf("the most distant deadline is in tick %d", tick)
	}
}

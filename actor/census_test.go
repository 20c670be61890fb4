package actor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A census that was much work is used again for 64 times that time, and let go when nobody looks any more.
func TestACensusIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{})
		defer func() { _ = s.Shutdown(context.Background()) }()
		count := func() (n int) {
			s.look(func(all []figures, _ map[string]work) { n = len(all) })
			return n
		}
		before := count()
		s.Spawn(Func(func(Context) {}))
		if n := count(); n != before+1 {
			t.Errorf("%d actors, want %d: taking it took no time", n, before+1)
		}
		s.census.took = time.Second
		s.Spawn(Func(func(Context) {}))
		<-time.After(63 * time.Second)
		if n := count(); n != before+1 {
			t.Errorf("%d actors after 63 s, want %d as before", n, before+1)
		}
		s.Beat()
		if s.census.list == nil {
			t.Error("let go while it is good")
		}
		<-time.After(2 * time.Second)
		s.Beat()
		if s.census.list != nil {
			t.Error("kept when nobody looks")
		}
		if n := count(); n != before+2 {
			t.Errorf("%d actors, want %d", n, before+2)
		}
	})
}

// However often somebody looks, actors that have ended are not kept, nor is the room for them.
func TestACensusForgetsTheEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{})
		defer func() { _ = s.Shutdown(context.Background()) }()
		const many = 4000
		var pids []*PID
		for range many {
			pids = append(pids, s.Spawn(Func(func(Context) {})))
		}
		for _, left := range []int{many, many - 100, many / 10, 0} {
			for _, pid := range pids[left:] {
				if err := s.Stop(t.Context(), pid); err != nil {
					t.Fatal(err)
				}
			}
			pids = pids[:left]
			s.census.took = 0 // it is taken anew
			s.Level(rootName, "", 10)
			list := s.census.list
			if most := 2*len(list) + censusSlack; cap(list) > most && left < many {
				t.Errorf("%d actors: room for %d, want %d at most", len(list), cap(list), most)
			}
			for _, f := range list[len(list):cap(list)] {
				if f.c != nil || f.parent != nil {
					t.Fatalf("%d actors: %s is kept", len(list), f.id)
				}
			}
		}
	})
}

func BenchmarkLook(b *testing.B) {
	s := NewSystem(Options{})
	defer func() { _ = s.Shutdown(context.Background()) }()
	p := Func(func(Context) {})
	for range 100_000 {
		s.Spawn(p)
	}
	b.Run("level", func(b *testing.B) {
		for b.Loop() {
			s.Level(rootName, "", 100)
		}
	})
	b.Run("sorted", func(b *testing.B) {
		for b.Loop() {
			if _, _, _, err := s.Sorted("iris/user", ActorOrder{By: ByQueued}, "", 100); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("deep", func(b *testing.B) {
		for b.Loop() {
			if _, _, _, err := s.Sorted(rootName, ActorOrder{By: ByBusy, Down: true, Deep: true}, "", 100); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("census", func(b *testing.B) {
		for b.Loop() {
			s.census.took = 0
			s.look(func([]figures, map[string]work) {})
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/actor")
	})
}

package actor

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inspected is a system in a bubble whose beats come by themselves.
func inspected(t *testing.T, f func(t *testing.T, s *System)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{})
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-time.After(beatLength):
					s.Beat()
				case <-done:
					return
				}
			}
		}()
		f(t, s)
		close(done)
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func supervisor(t *testing.T, s *System, under *PID, name string) *PID {
	t.Helper()
	pid, err := s.SpawnUnder(under, name, Supervisor(Strategy{}))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestLevelSumsUpWhatIsBelow(t *testing.T) {
	inspected(t, func(t *testing.T, s *System) {
		clusters, err := s.Service("clusters", Supervisor(Strategy{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c"} {
			g := supervisor(t, s, clusters, name)
			for i := range 5 {
				pid, err := s.SpawnUnder(g, fmt.Sprint(i), Func(func(Context) {}))
				if err != nil {
					t.Fatal(err)
				}
				s.Send(pid, nil, "hello")
			}
		}
		synctest.Wait()
		list, total := s.Level(clusters.Id, "", 2)
		if total != 3 || len(list) != 2 {
			t.Fatalf("got %d of %d", len(list), total)
		}
		for i, want := range []string{"iris/clusters/a", "iris/clusters/b"} {
			a := list[i]
			if a.ID != want || a.Children != 5 || a.Actors != 6 || a.Handled != 5 {
				t.Errorf("%s: %+v", want, a)
			}
		}
		rest, _ := s.Level(clusters.Id, list[1].ID, 2)
		if len(rest) != 1 || rest[0].ID != "iris/clusters/c" {
			t.Errorf("the rest is %+v", rest)
		}
		if a, ok := s.Look("iris/clusters/c/3"); !ok || a.Cluster != "c" || a.Handled != 1 || a.Actors != 1 || a.State != "running" {
			t.Errorf("one alone: %+v", a)
		}
		if _, ok := s.Look("iris/nobody"); ok {
			t.Error("nobody was found")
		}
	})
}

// An actor that works for 3 s on one of two messages was busy for that, and the other one waits as long.
func TestActorsTellHowBusyTheyAre(t *testing.T) {
	inspected(t, func(t *testing.T, s *System) {
		slow := s.Spawn(Func(func(ctx Context) {
			if d, ok := ctx.Message().(time.Duration); ok {
				<-time.After(d)
			}
		}))
		idle := s.Spawn(Func(func(Context) {}))
		<-time.After(time.Second)
		for range 3 {
			s.Send(slow, nil, 3*time.Second)
		}
		<-time.After(2 * time.Second)
		a, _ := s.Look(slow.Id)
		if near(a.Busy, 2*time.Second) && near(a.Oldest, 2*time.Second) && a.Queued == 2 {
			list, next, total, err := s.Sorted("iris", ActorOrder{By: ByBusy, Down: true, Deep: true}, "", 2)
			if err != nil || total < 3 || len(list) != 2 || list[0].ID != slow.Id || next == "" {
				t.Errorf("the busiest of %d are %+v, then %q, %v", total, list, next, err)
			}
		} else {
			t.Errorf("at work: %+v", a)
		}
		<-time.After(8 * time.Second)
		if a, _ = s.Look(slow.Id); !near(a.Busy, 9*time.Second) || a.Oldest != 0 || a.Queued != 0 || a.Handled != 3 {
			t.Errorf("after work: %+v", a)
		}
		if a, _ = s.Look(idle.Id); a.Busy != 0 {
			t.Errorf("idle: %+v", a)
		}
	})
}

func near(got, want time.Duration) bool { return (got - want).Abs() <= 2*beatLength }

func TestActorsTellOfTheirTroubles(t *testing.T) {
	inspected(t, func(t *testing.T, s *System) {
		pid := s.Spawn(Of(func() Actor { return &fragile{} }).Strategy(Strategy{BackoffMin: 4 * time.Second, BackoffMax: 4 * time.Second}))
		s.Send(pid, nil, "break")
		s.Send(pid, nil, "wait")
		<-time.After(2 * time.Second)
		a, _ := s.Look(pid.Id)
		if a.State != "waiting" || a.Failures != 1 || a.Restarts != 0 || a.LastError != "broken" || a.Queued != 1 || !near(a.Oldest, 2*time.Second) {
			t.Errorf("in its back-off: %+v", a)
		}
		<-time.After(3 * time.Second)
		if a, _ = s.Look(pid.Id); a.State != "running" || a.Restarts != 1 || a.Queued != 0 || a.Type != "*actor.fragile" {
			t.Errorf("restarted: %+v", a)
		}
		if list, _, _, err := s.Sorted("iris", ActorOrder{By: ByFailures, Down: true, Deep: true}, "", 1); err != nil || len(list) != 1 || list[0].ID != pid.Id {
			t.Errorf("failing: %+v, %v", list, err)
		}
	})
}

type fragile struct{}

func (*fragile) Receive(ctx Context) {
	if ctx.Message() == "break" {
		panic("broken")
	}
}

// branchOf is what Level says of iris/name.
func branchOf(t *testing.T, s *System, name string) ActorInfo {
	t.Helper()
	list, _ := s.Level(rootName, "", 100)
	for _, a := range list {
		if a.ID == rootName+"/"+name {
			return a
		}
	}
	t.Fatalf("no %s among %+v", name, list)
	panic("unreachable")
}

// What actors did stays in the sum of their branch when they have ended, however they end.
func TestWhatTheEndedDidIsCounted(t *testing.T) {
	inspected(t, func(t *testing.T, s *System) {
		clusters, err := s.Service("clusters", Supervisor(Strategy{}))
		if err != nil {
			t.Fatal(err)
		}
		work := Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case time.Duration:
				<-time.After(m)
			case string:
				if m == "exit" {
					runtime.Goexit()
				}
				panic(m)
			}
		}).Strategy(Strategy{Decide: func(Failure) Directive { return DirectiveStop }})
		for i := range 20 {
			g := supervisor(t, s, clusters, fmt.Sprint(i))
			pid, err := s.SpawnUnder(g, "1", work)
			if err != nil {
				t.Fatal(err)
			}
			s.Send(pid, nil, time.Second)
			switch i % 4 {
			case 0:
				err = s.Poison(t.Context(), g)
			case 1:
				s.Send(pid, nil, "boom")
			case 2:
				s.Send(pid, nil, "exit")
			case 3:
				<-time.After(2 * time.Second)
				err = s.Stop(t.Context(), pid)
			}
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(2 * time.Second)
			if _, ok := s.Look(pid.Id); ok {
				t.Fatalf("%d has not ended", i)
			}
		}
		a := branchOf(t, s, "clusters")
		if want := 20 * time.Second; a.Handled != 30 || (a.Busy-want).Abs() > 2*20*beatLength {
			t.Errorf("%d handled in %v, want 30 in about %v", a.Handled, a.Busy, want)
		}
		if a := branchOf(t, s, "user"); a.Handled != 0 || a.Busy != 0 {
			t.Errorf("another branch: %+v", a)
		}
	})
}

// The sums of a branch never become less, whenever somebody looks: a counter that does is taken for one that began anew.
func TestSumsOfABranchOnlyGrow(t *testing.T) {
	s := newTestSystem(t)
	const rounds, workers = 200, 4
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range rounds {
				pid := s.Spawn(Func(func(ctx Context) {
					runtime.Gosched()
					ctx.Respond("done")
				}))
				for range 5 {
					s.Send(pid, nil, "hello")
				}
				stop := s.Poison
				if i%2 == 0 {
					if _, err := s.Root().Request(t.Context(), pid, "the last"); err != nil {
						t.Error(err)
					}
					stop = s.Stop
				}
				if err := stop(t.Context(), pid); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	var last ActorInfo
	for more := true; more; {
		select {
		case <-done:
			more = false
		default:
		}
		s.beat.Add(1) // far faster than time
		s.census.took = 0
		a := branchOf(t, s, "user")
		if a.Handled < last.Handled || a.Busy < last.Busy {
			t.Errorf("%d in %v, before %d in %v", a.Handled, a.Busy, last.Handled, last.Busy)
			<-done
			return
		}
		last = a
	}
	if got, want := last.Handled, s.Counters().Delivered; got != want {
		t.Errorf("%d handled, %d delivered", got, want)
	}
}

// Every page of every order together is all there is, each once and in order: what all is sorted by by hand.
func TestSortedPagesAreOneOrder(t *testing.T) {
	inspected(t, func(t *testing.T, s *System) {
		clusters, err := s.Service("clusters", Supervisor(Strategy{}))
		if err != nil {
			t.Fatal(err)
		}
		work := func() *Props {
			return Func(func(ctx Context) {
				switch ctx.Message() {
				case "break":
					panic("broken")
				case "wait":
					<-time.After(time.Hour)
				}
			})
		}
		for i := range 12 {
			g := supervisor(t, s, clusters, fmt.Sprintf("%02d", i))
			for k := range i % 5 {
				pid, err := s.SpawnUnder(g, fmt.Sprint(k), work())
				if err != nil {
					t.Fatal(err)
				}
				for range 7 * i % 6 {
					s.Send(pid, nil, "hello")
				}
				if i%3 == 0 {
					s.Send(pid, nil, "break")
				}
				if i%4 == 2 {
					s.Send(pid, nil, "wait")
					s.Send(pid, nil, "later")
				}
			}
		}
		<-time.After(time.Minute)
		column := map[ActorColumn]func(ActorInfo) int64{
			ByID: func(ActorInfo) int64 { return 0 }, ByActors: func(a ActorInfo) int64 { return int64(a.Actors) },
			ByQueued: func(a ActorInfo) int64 { return int64(a.Queued) }, ByBytes: func(a ActorInfo) int64 { return a.Bytes },
			ByOldest: func(a ActorInfo) int64 { return int64(a.Oldest) }, ByHandled: func(a ActorInfo) int64 { return int64(a.Handled) },
			ByBusy: func(a ActorInfo) int64 { return int64(a.Busy) }, ByFailures: func(a ActorInfo) int64 { return int64(a.Failures) },
			ByRestarts: func(a ActorInfo) int64 { return int64(a.Restarts) },
		}
		for by, of := range column {
			for _, order := range []ActorOrder{{By: by}, {By: by, Down: true}, {By: by, Deep: true}, {By: by, Down: true, Deep: true}} {
				for _, above := range []string{"iris", clusters.Id} {
					all := pagesOf(t, s, above, order, 1000)
					if got := pagesOf(t, s, above, order, 5); !slices.EqualFunc(got, all, func(a, b ActorInfo) bool { return a.ID == b.ID }) {
						t.Errorf("%+v below %s: in pages %+v, at once %+v", order, above, got, all)
					}
					sorted := slices.IsSortedFunc(all, func(a, b ActorInfo) int {
						c := cmp.Compare(of(a), of(b))
						if order.Down {
							c = -c
						}
						if by == ByID && order.Down {
							return cmp.Compare(b.ID, a.ID)
						}
						return cmp.Or(c, cmp.Compare(a.ID, b.ID))
					})
					if !sorted || len(all) < 2 {
						t.Errorf("%+v below %s: %+v", order, above, all)
					}
				}
			}
		}
		if _, _, _, err := s.Sorted("iris", ActorOrder{}, "nothing that was said", 5); err == nil {
			t.Error("a page after nothing")
		}
	})
}

// pagesOf gathers a list page by page.
func pagesOf(t *testing.T, s *System, above string, order ActorOrder, limit int) (all []ActorInfo) {
	t.Helper()
	for after := ""; ; {
		list, next, total, err := s.Sorted(above, order, after, limit)
		if err != nil || len(list) > limit {
			t.Fatalf("%d, %v", len(list), err)
		}
		all = append(all, list...)
		if next == "" {
			if len(all) != total {
				t.Errorf("%+v below %s: %d of %d", order, above, len(all), total)
			}
			return all
		}
		after = next
	}
}

// What is under way when somebody looks is looked at without a race.
func TestLookingWhileActorsComeAndGo(t *testing.T) {
	s := NewSystem(Options{})
	stop := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			pid := s.Spawn(Of(func() Actor { return &fragile{} }))
			s.Send(pid, nil, []string{"break", "go on"}[i%2])
			if i%3 == 0 {
				_ = s.Stop(t.Context(), pid)
			}
		}
	}()
	for range 200 {
		s.Beat()
		s.Level("iris", "", 10)
		list, _, total, err := s.Sorted("iris", ActorOrder{By: ByBusy, Down: true, Deep: true}, "", 5)
		if err != nil || len(list) > total || !slices.IsSortedFunc(list, func(a, b ActorInfo) int { return int(b.Busy - a.Busy) }) {
			t.Fatalf("%d of %d: %+v", len(list), total, list)
		}
	}
	close(stop)
	<-gone
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDeadLettersAreSampled(t *testing.T) {
	s := NewSystem(Options{Node: "here"})
	for i := range SampledLetters + 4 {
		s.Send(NewPID("here", fmt.Sprint("nobody/", i)), nil, "hello")
	}
	list := s.DeadLetters(DeadNoActor)
	if len(list) != SampledLetters || list[0].Target != "here/nobody/4" || list[SampledLetters-1].Target != "here/nobody/19" || list[0].Time.IsZero() {
		t.Errorf("got %d, first %+v", len(list), list[0])
	}
	if n := len(s.DeadLetters(DeadLate)) + len(s.DeadLetters(deadReasons)); n != 0 {
		t.Errorf("%d letters that were not", n)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who beats is not busy for that.
func TestBeatingIsNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{})
		pid := s.Spawn(Func(func(ctx Context) {
			if ctx.Message() == "beat" {
				Beat(ctx)
			}
		}))
		for range 20 {
			<-time.After(beatLength)
			s.Send(pid, nil, "beat")
			synctest.Wait()
		}
		if i, _ := s.Look(pid.Id); i.Busy != 0 {
			t.Errorf("busy for %v with nothing but beats", i.Busy)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

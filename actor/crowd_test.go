package actor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A thousand subscribers, half of them stuck or panicking: publishers are not held up, the others miss nothing as long as
// they are not more than EventQueue behind, and the log is not flooded.
func TestCrowdOfSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer // written under the handler's lock, read when all is quiet
		s := NewSystem(Options{Node: "n1", Logger: slog.New(slog.NewTextHandler(&log, nil))})
		const each, published = 250, 2 * EventQueue
		release := make(chan struct{})
		var seen [2 * each]int
		var panicked atomic.Int64
		for i := range 2 * each {
			s.Events().Subscribe(func(ev any) {
				if c, ok := ev.(*Converged); ok {
					if c.Peers != seen[i] {
						t.Errorf("subscriber %d: event %d after %d", i, c.Peers, seen[i])
					}
					seen[i]++
				}
			})
			if i%2 == 0 {
				s.Events().Subscribe(func(any) { <-release })
			} else {
				s.Events().Subscribe(func(any) { panicked.Add(1); panic("observer") })
			}
		}
		for i := range published {
			s.Events().Publish(&Converged{Peers: i})
			if i%EventQueue == EventQueue-1 {
				synctest.Wait() // else they would have no room
			}
		}
		for i, n := range seen {
			if n != published {
				t.Errorf("subscriber %d saw %d events of %d", i, n, published)
			}
		}
		if got := panicked.Load(); got != each*published {
			t.Errorf("%d panics, want %d: who panics is called again", got, each*published)
		}
		if got, want := s.Counters().EventsLost, uint64(each*(published-1-EventQueue)); got != want {
			t.Errorf("%d lost, want %d: all that the stuck ones have no room for, though they do not know yet", got, want)
		}
		lines := func() int { return strings.Count(log.String(), "event subscriber panicked") }
		if lines() != 1 {
			t.Errorf("%d lines about panics within %v", lines(), panicInterval)
		}
		mustAsk(t, s, s.Spawn(echo()), "hi")
		<-time.After(2 * panicInterval)
		s.Events().Publish(&Converged{Peers: published})
		close(release)
		synctest.Wait()
		if lines() != 2 {
			t.Errorf("%d lines about panics, want one more after %v", lines(), panicInterval)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Publish does the same work however many subscribers there are.
func BenchmarkPublishSubscribers(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		for _, kind := range []string{"healthy", "half stuck"} {
			b.Run(fmt.Sprintf("%d/%s", n, kind), func(b *testing.B) {
				s := NewSystem(Options{})
				release := make(chan struct{})
				for i := range n {
					if kind == "half stuck" && i%2 == 0 {
						s.Events().Subscribe(func(any) { <-release })
					} else {
						s.Events().Subscribe(func(any) {})
					}
				}
				ev := &Converged{}
				b.ReportAllocs()
				for b.Loop() {
					s.Events().Publish(ev)
				}
				b.StopTimer()
				close(release)
				if err := s.Shutdown(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
	}
}

// While subscribers come and go and some end their goroutine, those that stay see every event or are told how many they
// missed, in the order of each publisher: nobody is left asleep.
func TestSubscribersComeAndGo(t *testing.T) {
	s := NewSystem(Options{Node: "n1"})
	const publishers, each, staying = 4, 3000, 6
	type stay struct {
		seen, lost uint64
		last       [publishers]int
	}
	var stays [staying]stay // each of its subscriber, until Shutdown
	for i := range stays {
		s.Events().Subscribe(func(ev any) {
			switch ev := ev.(type) {
			case *PeerUp:
				from, n := int(ev.Peer[0]-'a'), int(ev.Incarnation)
				if n <= stays[i].last[from] {
					t.Errorf("subscriber %d: %d after %d of publisher %d", i, n, stays[i].last[from], from)
				}
				stays[i].last[from] = n
				stays[i].seen++
			case *EventsLost:
				stays[i].lost += ev.Count
			}
		})
	}
	var publishing, coming sync.WaitGroup
	done := make(chan struct{})
	for from := range publishers {
		publishing.Go(func() {
			for n := range each {
				s.Events().Publish(&PeerUp{Peer: string(rune('a' + from)), Incarnation: uint64(n + 1)})
			}
		})
	}
	for i := range 4 {
		coming.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				switch i {
				case 0:
					ctx, cancel := context.WithCancel(t.Context())
					ch := s.Events().Chan(ctx, 1)
					<-ch
					cancel()
					for range ch { // until it is closed
					}
				case 1:
					gone := make(chan struct{})
					s.Events().Subscribe(func(any) { defer close(gone); runtime.Goexit() })
					s.Events().Publish(&NodeStopping{})
					<-gone
				default:
					s.Events().Subscribe(func(any) {})()
				}
				s.Events().Publish(&NodeStopping{}) // for the channels of others
			}
		})
	}
	publishing.Wait()
	close(done)
	idle := make(chan struct{})
	go func() { // who still waits for an event gets one
		defer close(idle)
		coming.Wait()
	}()
	for waiting := true; waiting; {
		select {
		case <-idle:
			waiting = false
		default:
			s.Events().Publish(&NodeStopping{})
			runtime.Gosched()
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range stays {
		x := &stays[i]
		for from, n := range x.last {
			if n != each && x.lost == 0 {
				t.Errorf("subscriber %d saw %d of %d of publisher %d", i, n, each, from)
			}
		}
		if x.seen < publishers*each && x.lost == 0 || x.seen > publishers*each {
			t.Errorf("subscriber %d saw %d and missed %d of %d", i, x.seen, x.lost, publishers*each)
		}
	}
	if n := len(s.events.subs) + len(s.events.asleep); n != 0 {
		t.Errorf("%d subscribers are left in the books", n)
	}
}

// An event wakes each subscriber at most once, and those who have read it wake nobody.
func TestAnEventWakesEachSubscriberOnce(t *testing.T) {
	for _, n := range []int{1, 2, 5, 10, 100} {
		synctest.Test(t, func(t *testing.T) {
			s := NewSystem(Options{})
			var heard atomic.Int64
			for range n {
				s.Events().Subscribe(func(any) { heard.Add(1) })
			}
			synctest.Wait()
			const events = 20
			for range events {
				s.Events().Publish(&PeerUp{})
				synctest.Wait()
			}
			s.events.mu.Lock()
			woken := s.events.woken
			s.events.mu.Unlock()
			if heard.Load() != int64(n*events) || woken > uint64(n*events) {
				t.Errorf("%d subscribers, %d events: %d heard, %d wake-ups", n, events, heard.Load(), woken)
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDoWantsACommand(t *testing.T) {
	s := newTestSystem(t)
	for _, c := range []Command{nil, (*Restart)(nil)} {
		if err := s.Events().Do(t.Context(), c); err == nil {
			t.Errorf("%T was carried out", c)
		}
	}
}

package actor

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
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

// Publish costs the same however many subscribers wait.
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

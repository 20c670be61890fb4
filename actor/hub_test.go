package actor

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A subscriber of protoactor's event stream that blocks, blocks actors; one that panics during supervision kills the
// process.
func TestObserversHarmNobody(t *testing.T) {
	s := newTestSystem(t)
	release := make(chan struct{})
	s.Events().Subscribe(func(any) { panic("observer") })
	s.Events().Subscribe(func(any) { <-release })
	w := watchEvents(s)
	pid := s.Spawn(echo().Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
	for range 5 {
		_, _ = ask(t, s, pid, "boom")
	}
	mustAsk(t, s, pid, "hi")
	awaitEvent(t, w, all[*HandlerFailed])
	close(release)
}

func TestSlowSubscriberLosesTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		release := make(chan struct{})
		var got []any
		cancel := s.Events().Subscribe(func(ev any) {
			<-release
			got = append(got, ev)
		})
		const published = EventQueue + 100
		for i := range published {
			s.Events().Publish(&ConfigChanged{What: string(rune('a' + i%26))})
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		lost, ok := got[1].(*EventsLost) // one was in the handler, then the gap
		if !ok || lost.Count != 99 || lost.Node != "n1" {
			t.Errorf("second event is %+v", got[1])
		}
		if len(got) != EventQueue+2 {
			t.Errorf("%d events, want %d", len(got), EventQueue+2)
		}
		if n := s.Counters().EventsLost; n != 99 {
			t.Errorf("counted %d", n)
		}
		cancel()
		cancel()
		s.Events().Publish(&ConfigChanged{})
		synctest.Wait()
		if len(got) != EventQueue+2 {
			t.Error("an event after cancel")
		}
	})
}

func TestEventsAreStampedAndInOrder(t *testing.T) {
	s := newTestSystem(t)
	ctx, cancel := context.WithCancel(t.Context())
	ch := s.Events().Chan(ctx, 10)
	for i := range 10 {
		s.Events().Publish(&Converged{Peers: i})
	}
	s.Events().Publish(nil)
	for i := range 10 {
		c := receive(t, ch).(*Converged)
		if c.Peers != i || c.Node != "n1" || c.Time.IsZero() {
			t.Errorf("event %d = %+v", i, c)
		}
	}
	s.Events().Publish("any value")
	if v := receive(t, ch); v != "any value" {
		t.Errorf("got %v", v)
	}
	cancel()
	for range ch { // closed, whatever came before
	}
}

func TestEventsBeforeShutdownAreDelivered(t *testing.T) {
	s := NewSystem(Options{Node: "n1"})
	var n atomic.Int32
	s.Events().Subscribe(func(ev any) {
		if _, ok := ev.(*NodeStopping); ok {
			n.Add(1)
		}
	})
	full := s.Events().Chan(t.Context(), 2) // nobody reads it
	for range 500 {
		s.Events().Publish(&NodeStopping{})
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n.Load() != 500 {
		t.Errorf("%d of 500 delivered", n.Load())
	}
	if len(full) != 2 {
		t.Errorf("the channel has %d events, want 2", len(full))
	}
	s.Events().Publish(&NodeStopped{})
	s.Events().Subscribe(func(any) { t.Error("an event after shutdown") })()
	if _, ok := <-s.Events().Chan(t.Context(), 1); ok {
		t.Error("an event after shutdown")
	}
}

func TestDeadLettersAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		ch := s.Events().Chan(t.Context(), 100)
		for range 1000 {
			s.Send(NewPID("n1", "iris/user/none"), nil, "x")
		}
		<-time.After(10 * time.Second)
		s.Send(NewPID("n1", "iris/user/none"), nil, "x")
		synctest.Wait()
		var counts []uint64
		for len(ch) > 0 {
			if d, ok := (<-ch).(*DeadLetter); ok {
				counts = append(counts, d.Count)
				if d.Reason != DeadNoActor || d.Target != "n1/iris/user/none" || d.MessageType != "string" {
					t.Errorf("dead letter = %+v", d)
				}
			}
		}
		if len(counts) != 3 || counts[0] != 1 || counts[1] != 999 || counts[2] != 1 {
			t.Errorf("counts = %v, want 1 999 1", counts)
		}
		if n := s.Counters().Dropped[DeadNoActor.String()]; n != 1001 {
			t.Errorf("counted %d", n)
		}
	})
}

func TestDeadLetterTargetsAreBounded(t *testing.T) {
	s := newTestSystem(t)
	for i := range 3 * maxLetterKeys {
		s.Send(NewPID("n1", "iris/user/x"+time.Duration(i).String()), nil, "x")
	}
	s.letters.mu.Lock()
	n := len(s.letters.recent)
	s.letters.mu.Unlock()
	if n > maxLetterKeys+int(deadReasons) {
		t.Errorf("%d targets remembered", n)
	}
}

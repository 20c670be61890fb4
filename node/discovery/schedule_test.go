package discovery

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func testRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// play runs a schedule for a time and writes what it does, rounded to 10 ms.
func play(s *schedule, from, until time.Duration) string {
	var out []string
	for {
		at := s.next()
		if at.After(epoch.Add(until)) {
			return strings.Join(out, " ")
		}
		if at.Before(epoch.Add(from)) {
			at = epoch.Add(from)
		}
		a := s.step(at)
		what := ""
		for _, p := range []struct {
			on   bool
			text string
		}{{a.quiet, "quiet"}, {a.answer, "answer"}, {a.send && a.query, "query"}, {a.send && !a.query && !a.answer, "beacon"}} {
			if p.on {
				what += p.text
			}
		}
		if what == "" {
			what = "nothing"
		}
		out = append(out, fmt.Sprintf("%v:%s", at.Sub(epoch).Round(10*time.Millisecond), what))
	}
}

func TestScheduleOfALoneNode(t *testing.T) {
	s := newSchedule(epoch, testRand())
	s.echo()
	want := "0s:query 50ms:query 150ms:quietquery 350ms:query 1.35s:query 2.35s:query 3.35s:query 4.35s:query 5.35s:query"
	if got := play(s, 0, 9*time.Second); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if gap := s.due.Sub(epoch) - 5350*time.Millisecond; gap < 4*time.Second || gap > 6*time.Second {
		t.Errorf("searches again after %v", gap)
	}
	s.setJoined(true, epoch.Add(9*time.Second))
	for range 50 {
		before := s.due
		if a := s.step(before); !a.send || a.query {
			t.Fatalf("%+v", a)
		}
		if gap := s.due.Sub(before); gap < 12*time.Second || gap > 18*time.Second {
			t.Fatalf("idle for %v", gap)
		}
	}
	now := s.due.Add(-time.Second)
	s.setJoined(false, now)
	if a := s.step(now); !a.query {
		t.Error("a node that lost its place does not ask")
	}
}

func TestScheduleOfAJoinedNode(t *testing.T) {
	s := newSchedule(epoch, testRand())
	s.echo()
	s.step(epoch)
	s.setJoined(true, epoch)
	want := "50ms:query 150ms:quietquery 350ms:query 1.35s:beacon 2.35s:beacon 3.35s:beacon 4.35s:beacon 5.35s:beacon"
	if got := play(s, 0, 15*time.Second); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLateTimerDoesNotCatchUp(t *testing.T) {
	s := newSchedule(epoch, testRand())
	if got, want := play(s, time.Minute, time.Minute), "1m0s:quietquery"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestQuiet(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		do   func(*schedule)
		want time.Duration
	}{
		{"lone", (*schedule).echo, 150 * ms},
		{"not even an echo", func(*schedule) {}, 400 * ms},
		{"nothing can be heard", func(s *schedule) { s.deaf(epoch) }, 0},
		{"somebody at once", func(s *schedule) { s.echo(); s.found(epoch.Add(2 * ms)) }, 152 * ms},
		{"somebody late", func(s *schedule) { s.echo(); s.found(epoch.Add(140 * ms)) }, 290 * ms},
		{"always somebody new", func(s *schedule) { s.echo(); s.found(epoch.Add(990 * ms)) }, time.Second},
	} {
		s := newSchedule(epoch, testRand())
		c.do(s)
		if got := max(0, s.quietAt().Sub(epoch)); got != c.want {
			t.Errorf("%s: quiet after %v, want %v", c.name, got, c.want)
		}
		if a := s.step(epoch.Add(c.want)); !a.quiet {
			t.Errorf("%s: not said", c.name)
		}
		if a := s.step(epoch.Add(c.want)); a.quiet {
			t.Errorf("%s: said twice", c.name)
		}
	}
}

func TestAnswers(t *testing.T) {
	settled := func() *schedule {
		s := newSchedule(epoch, testRand())
		s.setJoined(true, epoch)
		play(s, 0, 10*time.Second)
		return s
	}
	now := epoch.Add(10 * time.Second)
	t.Run("soon, once for all who ask", func(t *testing.T) {
		s := settled()
		for range 10 {
			s.query(now, 3)
		}
		if d := s.next().Sub(now); d < 0 || d > 13*time.Millisecond {
			t.Errorf("answers after %v", d)
		}
		if a := s.step(s.next()); !a.send || !a.answer || a.query {
			t.Errorf("%+v", a)
		}
		if a := s.step(now.Add(50 * time.Millisecond)); a.send {
			t.Errorf("answers twice: %+v", a)
		}
	})
	t.Run("at most ten per second", func(t *testing.T) {
		s := settled()
		n := 0
		for at := now; at.Before(now.Add(time.Second)); at = at.Add(time.Millisecond) {
			s.query(at, 3)
			if s.step(at).answer {
				n++
			}
		}
		if n < 8 || n > 10 {
			t.Errorf("%d answers", n)
		}
	})
	t.Run("not if others did", func(t *testing.T) {
		s := settled()
		s.query(now, 200)
		for i := range enoughOthers {
			if got := s.reply(); got != (i == enoughOthers-1) {
				t.Errorf("reply %d: %v", i, got)
			}
		}
		if s.next().Before(now.Add(time.Second)) {
			t.Error("the answer is still pending")
		}
		if s.reply() {
			t.Error("suppressed what was not pending")
		}
	})
	t.Run("many nodes spread out", func(t *testing.T) {
		s := settled()
		var most time.Duration
		for range 200 {
			s.answerAt = time.Time{}
			s.query(now, 1000)
			most = max(most, s.answerAt.Sub(now))
		}
		if most < 80*time.Millisecond || most > answerMax {
			t.Errorf("up to %v", most)
		}
	})
}

package actor

import (
	"testing"
	"testing/synctest"
	"time"
)

// A failure that its supervisor hears of when it has renewed all members, for another's sake, is not another failure of the
// supervisor: that member has a new incarnation already. What the new ones do is.
func TestStaleFailureDoesNotEscalate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		w := watchEvents(s)
		gate := make(chan bool)
		tr := newTroupe(t, s, slowly)
		var err error
		tr.group, err = s.SpawnUnder(tr.outer, "held", Supervisor(Strategy{Decide: func(f Failure) Directive {
			if f.PID.Id == tr.members[2].Id {
				<-gate // the supervisor is held while it decides
			}
			return DirectiveEscalate
		}}))
		if err != nil {
			t.Fatal(err)
		}
		member := func(name string) {
			t.Helper()
			pid, err := s.SpawnUnder(tr.group, name, echo())
			if err != nil {
				t.Fatal(err)
			}
			tr.members = append(tr.members, pid)
		}
		for _, name := range []string{"a", "b", "c"} {
			member(name)
		}
		failures := func(of *PID) int {
			return countEvents(w, func(f *HandlerFailed) bool { return Same(f.PID, of) })
		}
		tr.fail(t, tr.members[0])
		tr.fail(t, tr.members[2])
		<-time.After(time.Minute) // the renewal waits behind what the supervisor decides
		tr.fail(t, tr.members[1]) // and this failure behind the renewal
		gate <- true
		for _, pid := range tr.members {
			mustAsk(t, s, pid, "hi") // at once
		}
		if n, of := failures(tr.group), failures(tr.members[1]); n != 1 || of != 1 {
			t.Errorf("the supervisor failed %d times, the late member %d times, want 1 and 1", n, of)
		}
		member("d")
		for i, pid := range []*PID{tr.members[1], tr.members[3]} { // one that was renewed, and one that was not there then
			tr.fail(t, pid)
			if n := failures(tr.group); n != i+2 {
				t.Errorf("the supervisor failed %d times, want %d", n, i+2)
			}
			<-time.After(time.Minute)
			mustAsk(t, s, pid, "hi")
		}
	})
}

package detector

import (
	"testing"
	"time"

	"iris/internal/id"
)

var epoch = time.Unix(1_000_000, 0)

// rig drives one Peer by hand: at steps the time on in ticks of 100 ms.
type rig struct {
	t       *testing.T
	p       *Peer
	now     time.Time
	link    Sample
	factor  int
	others  int
	answers bool // heartbeats are answered at once
	silent  bool // packets of ours are retransmitted, none arrive
	beats   int
	full    int
	changes []string
	out     Out // of the last step
	sum     Out // Ask, Tell, Refusal, Redial, Relink of all steps
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return &rig{t: t, p: NewPeer(epoch), now: epoch, factor: 1, answers: true, link: Sample{RTT: time.Millisecond}}
}

func (r *rig) step(e Event) {
	r.t.Helper()
	r.p.Step(r.now, e, &r.out)
	if !r.p.valid() {
		r.t.Fatalf("invalid state after %T: %+v", e, r.p)
	}
	if r.out.Change != None {
		r.changes = append(r.changes, r.out.Change.String()+": "+r.out.Reason)
	}
	if r.out.Wake.IsZero() != (r.p.state == Dead) {
		r.t.Fatalf("wake %v in state %d", r.out.Wake, r.p.state)
	}
	r.sum.Ask += r.out.Ask
	r.sum.Tell = r.sum.Tell || r.out.Tell
	r.sum.Refusal = r.sum.Refusal || r.out.Refusal
	r.sum.Redial = r.sum.Redial || r.out.Redial
	r.sum.Relink = r.sum.Relink || r.out.Relink
	if r.out.Beat {
		r.beats++
		if r.out.Full {
			r.full++
		}
		r.link.Sent++
		if r.answers {
			r.link.Received++
			r.step(Answered{r.out.Seq})
		}
	}
}

// run ticks for d.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(TickEvery)
		if r.silent {
			r.link.Sent++
		}
		r.step(Tick{Link: r.link, Factor: r.factor, Others: r.others})
	}
}

// until ticks until the n-th change has happened and returns how long it took.
func (r *rig) until(n int, limit time.Duration) time.Duration {
	r.t.Helper()
	from := r.now
	for len(r.changes) < n {
		if r.now.Sub(from) > limit {
			r.t.Fatalf("changes %q after %v, want %d", r.changes, limit, n)
		}
		r.run(TickEvery)
	}
	return r.now.Sub(from)
}

func (r *rig) want(changes ...string) {
	r.t.Helper()
	if len(r.changes) != len(changes) {
		r.t.Fatalf("changes = %q, want %q", r.changes, changes)
	}
	for i, c := range changes {
		if r.changes[i] != c {
			r.t.Fatalf("changes = %q, want %q", r.changes, changes)
		}
	}
}

func between(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s after %v, want %v to %v", what, got, least, most)
	}
}

func TestIdleLinkBeatsOncePerSecond(t *testing.T) {
	r := newRig(t)
	r.run(80 * time.Second)
	r.want()
	if r.beats < 70 || r.beats > 82 {
		t.Errorf("%d heartbeats in 80 s, want about one per second", r.beats)
	}
	if r.full < r.beats/fullEvery || r.full > r.beats/fullEvery+1 {
		t.Errorf("%d of %d heartbeats were full, want every eighth", r.full, r.beats)
	}
}

func TestBusyLinkBeatsEveryTwoSeconds(t *testing.T) {
	r := newRig(t)
	answered := r.now
	for range 600 {
		r.link.Received++
		r.link.Sent++
		before := r.beats
		r.run(TickEvery)
		if r.beats > before {
			between(t, "answered heartbeat", r.now.Sub(answered), 0, 2*time.Second)
			answered = r.now
		}
	}
	r.want()
	if r.beats < 28 || r.beats > 36 {
		t.Errorf("%d heartbeats in a busy minute, want about 30", r.beats)
	}
}

func TestFarPeersBeatLess(t *testing.T) {
	r := newRig(t)
	for range 1000 {
		r.now = r.out.Wake
		if r.now.IsZero() {
			r.now = epoch.Add(TickEvery)
		}
		if r.now.Sub(epoch) > 100*time.Second {
			break
		}
		r.step(Tick{Link: r.link, Every: 10 * time.Second})
	}
	if r.beats < 9 || r.beats > 12 {
		t.Errorf("%d heartbeats in 100 s, want about 10", r.beats)
	}
}

func TestUnacknowledgedTrafficIsSuspectSoonAndDiesLater(t *testing.T) {
	r := newRig(t)
	r.run(5 * time.Second)
	r.answers, r.silent = false, true
	between(t, "suspect", r.until(1, 2*time.Second), unackedMin, 700*time.Millisecond)
	if !r.sum.Tell || r.sum.Ask != confirmers || !r.sum.Refusal {
		t.Errorf("a suspect must be told, others asked, its port tried: %+v", r.sum)
	}
	between(t, "dead", r.until(2, 5*time.Second), suspicionMax, suspicionMax+TickEvery)
	r.want("suspected: traffic unacknowledged", "died: silent")
	r.step(Answered{})
	r.step(LinkUp{})
	r.run(time.Second)
	r.want("suspected: traffic unacknowledged", "died: silent")
}

func TestLongRTTStretchesUnacknowledged(t *testing.T) {
	r := newRig(t)
	r.link.RTT = 100 * time.Millisecond
	r.run(5 * time.Second)
	r.silent, r.answers = true, false
	between(t, "suspect", r.until(1, 2*time.Second), 800*time.Millisecond, time.Second)
}

func TestBareAcknowledgementsAreNotUnacknowledged(t *testing.T) {
	r := newRig(t)
	for range 50 {
		r.link.Received++
		r.run(TickEvery)
		r.link.Sent += 2 // delayed acknowledgements of what arrived
		r.run(TickEvery)
		r.run(1300 * time.Millisecond)
	}
	r.want()
}

func TestOneWayCutIsNoticedThoughPacketsArrive(t *testing.T) {
	r := newRig(t)
	r.run(5*time.Second + 300*time.Millisecond)
	r.answers = false
	for len(r.changes) == 0 && r.now.Sub(epoch) < time.Minute {
		r.link.Received++
		r.run(TickEvery)
	}
	between(t, "suspect", r.now.Sub(epoch)-5*time.Second, answerMin, 4*time.Second)
	r.want("suspected: heartbeat unanswered")
}

func TestAnyAnswerRecovers(t *testing.T) {
	for _, seq := range []uint64{0, 1, 1 << 60} {
		r := newRig(t)
		r.run(2 * time.Second)
		r.answers, r.silent = false, true
		r.until(1, 2*time.Second)
		r.run(2 * time.Second)
		r.silent = false
		r.step(Answered{seq})
		r.answers = true
		r.run(10 * time.Second)
		r.want("suspected: traffic unacknowledged", "recovered: answered")
	}
}

func TestTwoSecondsOfStandstillAreSurvived(t *testing.T) {
	r := newRig(t)
	for range 20 {
		r.run(3 * time.Second)
		r.answers, r.silent = false, true
		r.step(Accused{By: id.ID{Lo: 1}})
		for i := range 4 {
			r.run(500 * time.Millisecond)
			r.step(Indirect{By: id.ID{Lo: uint64(i)}})
		}
		r.answers, r.silent = true, false
	}
	r.run(time.Second)
	for _, c := range r.changes {
		if c[:4] == "died" {
			t.Fatalf("changes = %q", r.changes)
		}
	}
}

func TestConfirmationsShorten(t *testing.T) {
	for _, c := range []struct {
		by   []uint64
		want time.Duration
	}{
		{nil, 3 * time.Second},
		{[]uint64{1, 1, 1}, 2750 * time.Millisecond},
		{[]uint64{1, 2}, 2604 * time.Millisecond},
		{[]uint64{1, 2, 3, 4, 5}, 2500 * time.Millisecond},
	} {
		r := newRig(t)
		r.others = 5
		r.answers, r.silent = false, true
		r.until(1, 2*time.Second)
		for _, by := range c.by {
			r.step(Indirect{By: id.ID{Lo: by}})
		}
		between(t, "dead", r.until(2, 5*time.Second), c.want, c.want+TickEvery)
	}
}

func TestOwnHealthStretches(t *testing.T) {
	r := newRig(t)
	r.factor = 4
	r.answers, r.silent = false, true
	// A heartbeat is late after 4 s, unacknowledged traffic after 1 s.
	between(t, "suspect", r.until(1, 10*time.Second), time.Second, 1200*time.Millisecond)
	between(t, "dead", r.until(2, 20*time.Second), 12*time.Second, 12100*time.Millisecond)
}

func TestSomebodyWhoReachesItVetoesDeath(t *testing.T) {
	r := newRig(t)
	r.others = 2
	r.answers, r.silent = false, true
	r.until(1, 2*time.Second)
	for range 60 {
		r.run(time.Second)
		r.step(Indirect{By: id.ID{Lo: 2}})
		r.step(Indirect{By: id.ID{Lo: 1}, Reached: true})
	}
	r.want("suspected: traffic unacknowledged")
	if !r.sum.Relink {
		t.Error("a link that does not work to a living peer must be renewed")
	}
	r.until(2, 4*time.Second) // nobody reaches it any more
	r.want("suspected: traffic unacknowledged", "died: silent, unconfirmed")
}

func TestDefiniteEvidence(t *testing.T) {
	for _, c := range []struct {
		events []Event
		want   []string
	}{
		{[]Event{LinkLost{Left}}, []string{"died: left"}},
		{[]Event{LinkLost{Restarted}}, []string{"died: restarted"}},
		{[]Event{LinkLost{Silent}, Refused{}}, []string{"suspected: link lost", "died: port refused"}},
		{[]Event{LinkLost{Silent}, LinkUp{}, Refused{}}, []string{"suspected: link lost", "recovered: link up"}},
		{[]Event{Paused{}, LinkLost{Restarted}}, nil},
		{[]Event{Paused{}, LinkLost{Silent}}, nil},
		{[]Event{LinkLost{Closed}}, nil},
		{[]Event{LinkLost{Closed}, Refused{}}, nil},
	} {
		r := newRig(t)
		r.run(2 * time.Second)
		for _, e := range c.events {
			r.step(e)
		}
		r.want(c.want...)
	}
}

func TestClosedByALivingPeerHasGrace(t *testing.T) {
	r := newRig(t)
	r.run(2 * time.Second)
	r.step(LinkLost{Closed})
	if !r.out.Redial {
		t.Error("a lost link must be redialled")
	}
	between(t, "suspect", r.until(1, 5*time.Second), grace, grace+TickEvery)
	r.step(LinkUp{})
	r.run(5 * time.Second)
	r.want("suspected: link lost", "recovered: link up")

	r.step(LinkLost{Closed})
	r.until(4, 6*time.Second)
	r.want("suspected: link lost", "recovered: link up", "suspected: link lost", "died: silent")
}

func TestSuspectWithoutLinkIsRedialledUntilDeath(t *testing.T) {
	r := newRig(t)
	r.run(2 * time.Second)
	r.step(LinkLost{Silent})
	r.sum = Out{}
	r.until(2, 4*time.Second)
	if !r.sum.Redial || !r.sum.Refusal || r.sum.Ask == 0 {
		t.Errorf("nothing was tried: %+v", r.sum)
	}
	if r.beats > 4 {
		t.Errorf("%d heartbeats without a link", r.beats)
	}
}

func TestOwnPauseAccusesNobody(t *testing.T) {
	r := newRig(t)
	r.run(5 * time.Second)
	beats := r.beats
	r.now = r.now.Add(8 * time.Second) // stopped
	r.link.Sent++                      // the stack woke first
	r.step(Tick{Link: r.link, Factor: 1})
	if r.beats != beats+1 {
		t.Error("after a pause a heartbeat must go out at once")
	}
	r.run(5 * time.Second)
	r.want()

	// Stopped as a suspect was nearly dead: it gets the whole time again.
	r.answers, r.silent = false, true
	r.until(1, 2*time.Second)
	r.run(2900 * time.Millisecond)
	r.now = r.now.Add(8 * time.Second)
	between(t, "dead", r.until(2, 5*time.Second), suspicionMax, suspicionMax+2*TickEvery)
}

// A tick that was not due for long cannot tell a pause by being late; the owner
// does and says so.
func TestPauseToldByTheOwner(t *testing.T) {
	r := newRig(t)
	r.run(5 * time.Second)
	r.answers = false
	r.until(1, 5*time.Second)
	r.step(Paused{})
	r.step(Answered{})
	r.want("suspected: heartbeat unanswered", "recovered: answered")
}

func TestAccusedByOthersLooksAtOnce(t *testing.T) {
	r := newRig(t)
	r.run(5 * time.Second)
	r.now = r.now.Add(400 * time.Millisecond)
	r.step(Tick{Link: r.link, Every: 10 * time.Second})
	before := r.beats
	r.step(Accused{By: id.ID{Lo: 1}})
	if r.beats != before+1 {
		t.Error("no heartbeat after an accusation")
	}
	r.step(Accused{By: id.ID{Lo: 2}})
	if r.beats != before+1 {
		t.Error("an answer just came, another heartbeat is waste")
	}
}

func TestOwnDoubtLooksAtOnceAndConfirmsNothing(t *testing.T) {
	r := newRig(t)
	r.run(5 * time.Second)
	r.now = r.now.Add(400 * time.Millisecond)
	r.step(Tick{Link: r.link, Every: 10 * time.Second})
	before := r.beats
	r.step(Accused{})
	if r.beats != before+1 {
		t.Error("no heartbeat after a doubt")
	}
	r.answers, r.silent = false, true
	for r.p.State() == Alive {
		r.run(100 * time.Millisecond)
	}
	r.step(Accused{})
	if r.p.confirms != 0 {
		t.Errorf("%d confirmations by nobody", r.p.confirms)
	}
}

func TestStepsOfAnIdlePeerDoNotAllocate(t *testing.T) {
	p := NewPeer(epoch)
	now := epoch
	var o Out
	var link Sample
	n := testing.AllocsPerRun(1000, func() {
		now = now.Add(TickEvery)
		p.Step(now, Tick{Link: link}, &o)
		if o.Beat {
			p.Step(now, Answered{o.Seq}, &o)
		}
	})
	if n > 2 { // the events themselves, boxed
		t.Errorf("%v allocations per tick", n)
	}
}

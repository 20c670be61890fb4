package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

var epoch = time.Unix(1_000_000, 0)

func nodeID(lo uint64) id.ID { return id.ID{Lo: lo} }

func testBook(self uint64) (*book, map[id.ID]bool) {
	linked := map[id.ID]bool{}
	return newBook(nodeID(self), rand.New(rand.NewPCG(1, 2)), func(n id.ID) bool { return linked[n] }), linked
}

// rounds returns when addr is dialled within d, in steps of 10 ms.
func rounds(b *book, from time.Time, d time.Duration, fail bool) (at []time.Duration) {
	for t := time.Duration(0); t < d; t += 10 * time.Millisecond {
		for _, x := range b.due(from.Add(t)) {
			at = append(at, t)
			if fail {
				b.failed(x.addr, x.want)
			}
		}
	}
	return at
}

func TestSmallerIDDialsAtOnceLargerLater(t *testing.T) {
	for _, c := range []struct {
		self, peer  uint64
		fresh       bool
		least, most time.Duration
	}{
		{1, 2, true, 0, 0},
		{2, 1, true, 200 * time.Millisecond, 400 * time.Millisecond},
		{2, 1, false, 70 * time.Millisecond, 150 * time.Millisecond}, // the other may not know
		{2, 0, true, 0, 0}, // unknown: at once
	} {
		b, _ := testBook(c.self)
		b.add(epoch, hint{peer: nodeID(c.peer), addrs: []string{"a:1"}, from: heard, fresh: c.fresh})
		at := rounds(b, epoch, time.Second, false)
		if len(at) == 0 || at[0] < c.least || at[0] > c.most {
			t.Errorf("%d dials %d at %v, want %v to %v", c.self, c.peer, at, c.least, c.most)
		}
	}
}

func TestBackOffDoublesUpToHalfAMinute(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{addrs: []string{"a:1"}, from: seed})
	at := rounds(b, epoch, 5*time.Minute, true)
	if at[1]-at[0] > 150*time.Millisecond {
		t.Errorf("second dial after %v", at[1]-at[0])
	}
	last := at[len(at)-1] - at[len(at)-2]
	if last < 20*time.Second || last > 40*time.Second {
		t.Errorf("at last every %v, want about 30 s", last)
	}
	if len(at) < 12 || len(at) > 45 {
		t.Errorf("%d dials in 5 min", len(at))
	}
	for i := 1; i < len(at) && at[i] < seedEarly; i++ {
		if gap := at[i] - at[i-1]; gap > 2*seedUp {
			t.Errorf("a seed that is new is left alone for %v", gap)
		}
	}
}

func TestLostPeersAreRedialledQuicklyDeadOnesSlowly(t *testing.T) {
	for _, c := range []struct {
		from        origin
		least, most int // dials in the first minute
		late        time.Duration
	}{
		{lost, 25, 60, 2 * time.Second},
		{gone, 10, 25, 15 * time.Second},
	} {
		b, _ := testBook(1)
		b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: c.from})
		at := rounds(b, epoch, time.Minute, true)
		if len(at) < c.least || len(at) > c.most {
			t.Errorf("origin %d: %d dials in a minute, want %d to %d", c.from, len(at), c.least, c.most)
		}
		for i := 1; i < len(at); i++ {
			if at[i]-at[i-1] > 6*time.Second {
				t.Errorf("origin %d: %v without a dial in the first minute", c.from, at[i]-at[i-1])
			}
		}
		more := rounds(b, epoch.Add(time.Minute), 10*time.Minute, true)
		if gap := more[len(more)-1] - more[len(more)-2]; gap < c.late/2 || gap > c.late*3/2 {
			t.Errorf("origin %d: at last every %v, want about %v", c.from, gap, c.late)
		}
	}
}

func TestTheDeadAreForgottenInTheEnd(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: lost})
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: gone})
	if len(b.entries) != 1 || b.entries[0].from != gone {
		t.Fatalf("entries %+v, want one, gone", b.entries)
	}
	b.due(epoch.Add(goneFor + time.Second))
	if len(b.entries) != 0 {
		t.Error("still remembered")
	}
}

func TestAddressesOfACandidateAreTriedInTurn(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1", "bad", "b:0", "b:2", "a:1", ":3"}, from: heard})
	var got []string
	for d := time.Duration(0); d < 300*time.Millisecond; d += 10 * time.Millisecond {
		for _, x := range b.due(epoch.Add(d)) {
			got = append(got, x.addr)
		}
	}
	if !slices.Equal(got, []string{"a:1", "b:2"}) {
		t.Errorf("dialled %v", got)
	}
	if !b.pending() {
		t.Error("no outcome yet, so it is pending")
	}
	b.failed("a:1", id.ID{})
	b.failed("b:2", id.ID{})
	if b.pending() {
		t.Error("all failed, so it was tried")
	}
}

func TestADialWithoutOutcomeCountsAsTriedInTime(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{addrs: []string{"a:1"}, from: seed})
	b.due(epoch)
	if !b.pending() {
		t.Error("just begun")
	}
	b.due(epoch.Add(tried + time.Millisecond))
	if b.pending() {
		t.Errorf("still pending after %v", tried)
	}
}

func TestALinkSettlesCandidatesAndNamesSeeds(t *testing.T) {
	b, linked := testBook(1)
	b.add(epoch, hint{addrs: []string{"10.0.0.2:7"}, from: heard})
	b.add(epoch, hint{addrs: []string{"seed.example:8"}, from: seed})
	b.add(epoch, hint{peer: nodeID(4), addrs: []string{"10.0.0.4:9"}, from: heard})
	b.due(epoch)
	for n, addr := range map[uint64]string{2: "10.0.0.2:7", 3: "10.0.0.3:8", 4: "10.0.0.4:9"} {
		linked[nodeID(n)] = true
		b.up(nodeID(n), []string{addr})
	}
	if b.pending() || len(b.entries) != 1 || b.entries[0].peer != nodeID(3) {
		t.Fatalf("entries %+v, want the seed, with its id", b.entries)
	}
	if at := rounds(b, epoch, time.Minute, true); len(at) > 0 {
		t.Errorf("a linked seed was dialled at %v", at)
	}
	// Its node is gone and another one lives there now.
	linked[nodeID(3)] = false
	b.add(epoch, hint{peer: nodeID(3), addrs: []string{"10.0.0.3:8"}, from: gone})
	for _, d := range b.due(epoch.Add(10 * time.Second)) {
		if !d.want.IsZero() {
			t.Errorf("a seed must take whoever lives there, not %v", d.want)
		}
	}
	linked[nodeID(5)] = true
	b.up(nodeID(5), []string{"10.0.0.5:8", "10.0.0.3:8"})
	if b.entries[0].peer != nodeID(5) {
		t.Errorf("the seed is still %v", b.entries[0].peer)
	}
}

func TestWhatIsNoCandidate(t *testing.T) {
	b, linked := testBook(1)
	linked[nodeID(2)] = true
	b.leave(epoch, nodeID(3), 7)
	b.add(epoch, hint{peer: nodeID(1), addrs: []string{"a:1"}, from: heard})
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:2"}, from: heard})
	b.add(epoch, hint{peer: nodeID(3), incarnation: 7, addrs: []string{"a:3"}, from: heard})
	b.add(epoch, hint{peer: nodeID(3), addrs: []string{"a:3"}, from: heard, fresh: true})
	b.add(epoch, hint{peer: nodeID(4), from: heard})
	if len(b.entries) != 0 {
		t.Errorf("entries %+v", b.entries[0])
	}
	b.add(epoch, hint{peer: nodeID(3), incarnation: 8, addrs: []string{"a:3"}, from: heard})
	if len(b.entries) != 1 {
		t.Error("a new incarnation of one that left is welcome")
	}
	b.due(epoch.Add(leftFor + time.Second))
	if len(b.left) != 0 {
		t.Error("departures are not remembered for ever")
	}
}

func TestSelfAsSeedIsForgotten(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{addrs: []string{"me:1"}, from: seed})
	b.due(epoch)
	b.failed("me:1", nodeID(1))
	if len(b.entries) != 0 || b.pending() {
		t.Error("still a candidate")
	}
}

func TestOwnAddressesAreNotDialled(t *testing.T) {
	b, _ := testBook(1)
	b.own = []string{"10.0.0.1:7", "127.0.0.1:7"}
	b.add(epoch, hint{addrs: []string{"10.0.0.1:7"}, from: seed})
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"10.0.0.2:7", "127.0.0.1:7"}, from: heard})
	var got []string
	for d := time.Duration(0); d < 240*time.Millisecond; d += 10 * time.Millisecond {
		for _, x := range b.due(epoch.Add(d)) {
			got = append(got, x.addr)
			b.failed(x.addr, x.want)
		}
	}
	if b.pending() {
		t.Error("nothing is left to try")
	}
	for _, a := range got {
		if a != "10.0.0.2:7" {
			t.Errorf("dialled %s", a)
		}
	}
	if len(got) == 0 {
		t.Error("the other's address was not dialled")
	}
}

func TestLoopbackOfAnotherHostIsUseless(t *testing.T) {
	addrs := []string{"10.0.0.2:7", "127.0.0.1:7", "[::1]:7", "host:7"}
	if got := reachable(addrs, false); !slices.Equal(got, []string{"10.0.0.2:7", "host:7"}) {
		t.Errorf("from another host: %v", got)
	}
	if got := reachable(addrs, true); !slices.Equal(got, addrs) {
		t.Errorf("from this host: %v", got)
	}
}

func TestAFreshHintDialsAtOnce(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: heard})
	rounds(b, epoch, time.Minute, true)
	now := epoch.Add(time.Minute)
	b.add(now, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: heard})
	if len(b.due(now)) != 0 {
		t.Error("hearsay does not shorten the back-off")
	}
	b.add(now, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: heard, fresh: true})
	if len(b.due(now)) != 1 {
		t.Error("a beacon of the node itself does")
	}
}

func TestHearsayIsForgottenSeedsAreNot(t *testing.T) {
	b, _ := testBook(1)
	b.add(epoch, hint{peer: nodeID(2), addrs: []string{"a:1"}, from: heard})
	b.add(epoch, hint{addrs: []string{"a:2"}, from: seed})
	rounds(b, epoch, 3*time.Minute, true)
	if len(b.entries) != 1 || b.entries[0].from != seed {
		t.Errorf("%d entries, want the seed", len(b.entries))
	}
}

// Invariants of the table under any sequence of hints: bounds hold, seeds stay,
// nothing that is linked is dialled.
func TestBookIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, linked := testBook(1)
		b.add(epoch, hint{addrs: []string{"seed:1"}, from: seed})
		now := epoch
		n := rapid.IntRange(0, 1500).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for i := range n {
			now = now.Add(time.Duration(rng.IntN(50)) * time.Millisecond)
			p := nodeID(rng.Uint64N(1400))
			switch rng.IntN(12) {
			case 0:
				b.add(now, hint{peer: p, addrs: []string{fmt.Sprintf("h:%d", p.Lo+1)}, from: gone})
			case 1:
				linked[p] = true
				b.up(p, []string{fmt.Sprintf("h:%d", p.Lo+1)})
			case 2:
				linked[p] = false
				b.leave(now, p, 1)
			case 3:
				for _, d := range b.due(now) {
					if linked[d.want] && !d.want.IsZero() {
						t.Fatalf("dialled %v, which is linked", d)
					}
				}
			default:
				b.add(now, hint{peer: p, addrs: []string{fmt.Sprintf("h:%d", i+1)}, from: heard})
			}
		}
		dead := 0
		for _, e := range b.entries {
			if e.from == gone {
				dead++
			}
			if len(e.addrs) > maxAddrs {
				t.Fatalf("%d addresses", len(e.addrs))
			}
		}
		if len(b.entries) > maxCandidates || dead > maxGone || len(b.left) > maxLeft {
			t.Fatalf("%d entries, %d gone, %d left", len(b.entries), dead, len(b.left))
		}
		if !slices.ContainsFunc(b.entries, func(e *entry) bool { return e.from == seed }) {
			t.Fatal("the seed was forgotten")
		}
	})
}

func TestAFullBookPrefersWhatMatters(t *testing.T) {
	b, _ := testBook(1)
	for i := range maxCandidates {
		b.add(epoch, hint{addrs: []string{fmt.Sprintf("h:%d", i+1)}, from: heard})
	}
	b.add(epoch, hint{addrs: []string{"late:1"}, from: heard})
	if b.full != 1 {
		t.Errorf("full = %d, want the newcomer refused and counted", b.full)
	}
	b.add(epoch, hint{peer: nodeID(9), addrs: []string{"lost:1"}, from: lost})
	if b.find(nodeID(9), nil) == nil || len(b.entries) != maxCandidates {
		t.Error("a lost peer matters more than hearsay")
	}
}

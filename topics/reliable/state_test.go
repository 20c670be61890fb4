package reliable

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"iris/internal/id"
)

// again puts a new machine in the place of the one of b, which failed.
func (b *bench) again(s State) {
	b.m = New(b.m.cfg)
	b.step(0, Restore{s})
	b.step(0, Local{true})
	b.step(0, Place{Stripe: 0, InTree: true, Parent: peer})
}

func TestAMachineThatTakesOver(t *testing.T) {
	b := newBench(t, Config{})
	b.data(peer, 1, 2, 4) // 3 is missing: 4 waits, and is lost with the machine
	b.step(0, Publish{})
	b.again(b.m.State())
	b.step(0, Attach{0, peer})
	if s := sentTo[*Sync](b, peer); len(s) != 1 || s[0].Fresh || !slices.Contains(s[0].Marks, Mark{s1, 2, 2}) {
		t.Errorf("resumes with %+v", b.out.Sends)
	}
	b.data(peer, 3, 4, 5)
	b.step(0, Publish{}) // its own numbers go on
	if want := "1 2 1 3 4 5 2"; b.got() != want {
		t.Errorf("got %s, want %s", b.got(), want)
	}
}

func TestAFreshMachineThatFails(t *testing.T) {
	b := newBench(t, Config{})
	b.step(0, Publish{})
	s := New(b.m.cfg).State()
	b.again(s)
	if b.m.Based(0) {
		t.Error("based on nothing")
	}
}

func TestPublishedAndForgottenByAFailure(t *testing.T) {
	b := newBench(t, Config{})
	b.step(0, Publish{})
	b.again(b.m.State())
	b.step(0, Recv{peer, &Sync{Stripe: 0, Fresh: true}})
	b.step(0, Place{Stripe: 1, InTree: true, Parent: other})
	b.step(1100*time.Millisecond, Tick{})
	if d := sentTo[*Digest](b, other); len(d) != 1 || d[0].Marks[0].High != 1 {
		t.Errorf("the other stripe hears %+v", d)
	}
}

func TestWhatWasLostOnAnEdgeIsTold(t *testing.T) {
	b := newBench(t, Config{})
	b.step(0, Publish{})
	b.wait(4 * time.Second)
	b.step(1100*time.Millisecond, Tick{})
	if d := sentTo[*Digest](b, peer); len(d) != 0 {
		t.Fatalf("a neighbour was told %+v", d)
	}
	b.step(0, Lost{peer})
	b.step(0, Lost{other}) // no neighbour
	b.step(60*time.Millisecond, Tick{})
	if d := sentTo[*Digest](b, peer); len(d) != 1 || d[0].Marks[0].High != 1 {
		t.Errorf("told %+v", d)
	}
	b.step(1100*time.Millisecond, Tick{})
	if d := sentTo[*Digest](b, peer); len(d) != 0 {
		t.Errorf("told again %+v", d)
	}
}

// TestListAndTreeTogether is a member of a plain topic that changes its mode:
// events come from the publisher itself and by the tree.
func TestListAndTreeTogether(t *testing.T) {
	b := &bench{t: t, m: New(Config{Self: self, Rand: rand.New(rand.NewPCG(1, 1))})}
	b.step(0, Local{true})
	b.data(pub, 1, 2)
	if len(b.out.Sends) != 0 {
		t.Errorf("sent on %+v", b.out.Sends)
	}
	b.step(0, Place{InTree: true, Parent: peer, Children: []id.ID{other}})
	b.data(peer, 2, 3)
	b.data(pub, 3, 4)
	if d := sentTo[*Data](b, other); len(d) != 1 {
		t.Errorf("flooded %+v", d)
	}
	b.step(0, Place{})
	b.data(pub, 4, 5)
	if want := "1 2 3 4 5"; b.got() != want {
		t.Errorf("got %s, want %s", b.got(), want)
	}
}

func TestIdle(t *testing.T) {
	b := &bench{t: t, m: New(Config{Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1))})}
	if !b.m.Idle() {
		t.Error("new and not idle")
	}
	b.step(0, Place{Entry: peer})
	b.step(0, Publish{})
	if b.m.Idle() {
		t.Error("idle with a message to replay")
	}
	b.wait(3 * time.Minute)
	if !b.m.Idle() {
		t.Error("not idle after a long silence")
	}
}

// TestTheEndOfAStreamIsTold: a neighbour to whom the last message was lost may have
// nobody else in its trees who knows of it.
func TestTheEndOfAStreamIsTold(t *testing.T) {
	for _, c := range []struct {
		name     string
		from     id.ID // who brought the stream; zero: it is our own
		to, away bool  // whether peer and other hear of its end
	}{
		{"our own", id.ID{}, true, true},
		{"of one neighbour", peer, false, true},
		{"of the other", other, true, false},
		{"of the publisher", pub, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Config{})
			b.step(0, Place{Stripe: 0, InTree: true, Root: true, Children: []id.ID{peer, other}})
			stripe := b.m.stripeOf(self)
			b.step(0, Place{Stripe: stripe, InTree: true, Root: true, Children: []id.ID{peer, other}})
			told := map[id.ID]int{}
			ticks := func(d time.Duration) {
				for end := b.at + d; b.at < end; {
					b.step(50*time.Millisecond, Tick{})
					for _, n := range []id.ID{peer, other} {
						for _, f := range sentTo[*Digest](b, n) {
							if f.Marks[0].High != 20 {
								t.Errorf("%v: the end is %v", n.Short(), f.Marks)
							}
							told[n]++
						}
					}
				}
			}
			for seq := range uint64(20) {
				if c.from.IsZero() {
					b.step(0, Publish{})
				} else {
					b.data(c.from, seq+1)
				}
				ticks(300 * time.Millisecond)
			}
			if len(told) != 0 {
				t.Errorf("told while it goes on: %v", told)
			}
			ticks(15 * time.Second)
			for n, want := range map[id.ID]bool{peer: c.to, other: c.away} {
				if (told[n] > 0) != want || told[n] > 3 {
					t.Errorf("%v was told %d times, want %v", n.Short(), told[n], want)
				}
			}
		})
	}
}

func TestWhatIsToldAfterALongCut(t *testing.T) {
	t.Run("over an edge", func(t *testing.T) { // the link is new, the stream has been silent for longer than rings last
		b := newBench(t, Config{})
		b.data(other, 1)
		b.wait(20 * time.Second)
		b.step(0, Lost{peer})
		b.step(60*time.Millisecond, Tick{})
		if d := sentTo[*Digest](b, peer); len(d) != 1 || d[0].Marks[0].High != 1 {
			t.Errorf("told %+v", d)
		}
	})
	t.Run("to the entry", func(t *testing.T) { // nothing says that there is a way again
		b := &bench{t: t, m: New(Config{Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1))})}
		b.step(0, Place{Stripe: b.m.stripeOf(self), Entry: other})
		b.step(0, Publish{})
		b.wait(15 * time.Second)
		told := 0
		for range 20 {
			b.step(time.Second, Tick{})
			told += len(sentTo[*Digest](b, other))
		}
		if told < 1 || told > 3 {
			t.Errorf("told %d times in 20 s", told)
		}
		b.wait(3 * time.Minute)
		if !b.m.Idle() || !b.out.Wake.IsZero() {
			t.Errorf("something is left: %+v", b.out)
		}
	})
}

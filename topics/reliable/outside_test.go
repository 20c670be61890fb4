package reliable

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"iris/internal/id"
)

// TestADoorThatLeadsBack: the node that a publisher was told to send to has left the
// tree, and its way to the key leads through the publisher.
func TestADoorThatLeadsBack(t *testing.T) {
	for _, reliable := range []bool{true, false} {
		m := New(Config{Self: self, Reliable: reliable, Rand: rand.New(rand.NewPCG(1, 1))})
		b := &bench{t: t, m: m}
		stripe, door := m.stripeOf(self), peer
		b.step(0, Place{Stripe: stripe, Entry: other})
		b.step(0, Recv{door, &Enter{stripe}})
		b.step(0, Publish{})
		d := sentTo[*Data](b, door)
		if len(d) != 1 {
			t.Fatalf("not to the door: %+v", b.out.Sends)
		}
		back := *d[0]
		back.Hops = 4
		b.step(0, Recv{pub, &back})
		if d := sentTo[*Data](b, other); len(d) != 1 || d[0].Hops != 5 || len(sentTo[*Data](b, door)) != 0 {
			t.Errorf("reliable %v: an event that came back went on as %+v", reliable, b.out.Sends)
		}
		k := Mark{back.Stream, 1, 1}
		for hops, want := range map[uint8]int{0: 0, 4: 1, maxHops: 0} {
			b.step(0, Recv{pub, &Digest{Hops: hops, Copy: true, Marks: []Mark{k}}})
			if d := sentTo[*Digest](b, other); reliable && (len(d) != want || want > 0 && d[0].Hops != hops+1) {
				t.Errorf("a digest that came back after %d hops went on as %+v", hops, b.out.Sends)
			}
		}
		b.step(0, Recv{pub, &Data{Stream: back.Stream, Seq: 1, Hops: maxHops}})
		if len(b.out.Sends) > 0 || m.Counters.Homeless != 1 {
			t.Errorf("sent on after %d hops: %+v", maxHops, b.out.Sends)
		}
		b.step(0, Recv{other, &Enter{stripe}})
		b.step(0, Publish{})
		if d := sentTo[*Data](b, other); len(d) != 1 || d[0].Seq != 2 {
			t.Errorf("not to the new door: %+v", b.out.Sends)
		}
		// It came back to one that is in the tree by now.
		b.step(0, Place{Stripe: stripe, InTree: true, Parent: peer, Children: []id.ID{other}, Entry: self})
		b.step(0, Recv{pub, &back})
		if d := sentTo[*Data](b, other); !reliable && (len(d) != 1 || d[0].Hops != 0) {
			t.Errorf("from inside it went on as %+v", b.out.Sends)
		}
	}
}

// TestWhatIsOnlyHeardOf: neighbours hear at once of the end of a stream that this node
// has heard of and cannot get, so that their wait ends with its own.
func TestWhatIsOnlyHeardOf(t *testing.T) {
	b := newBench(t, Config{})
	stripe := b.m.stripeOf(pub)
	b.step(0, Place{Stripe: stripe, InTree: true, Root: true, Children: []id.ID{peer, other}})
	for _, n := range []id.ID{peer, other} {
		b.step(0, Recv{n, &Sync{Stripe: stripe}})
	}
	told := map[id.ID][]uint64{}
	ticks := func(d time.Duration) {
		for end := b.at + d; b.at < end; {
			b.step(50*time.Millisecond, Tick{})
			for _, n := range []id.ID{peer, other, pub} {
				for _, f := range sentTo[*Digest](b, n) {
					if k := f.Marks[0]; k.High > b.m.streams[s1].high {
						told[n] = append(told[n], k.High)
					}
				}
			}
		}
	}
	hear := func(from id.ID, high uint64) { b.step(0, Recv{from, &Digest{Marks: []Mark{{s1, high, high}}}}) }
	b.data(pub, 1, 3) // all see by 3 that 2 is missing
	hear(pub, 3)
	ticks(time.Second)
	if len(told) > 0 {
		t.Errorf("told of what data showed: %v", told)
	}
	hear(pub, 5)
	ticks(time.Second)
	hear(peer, 6)
	ticks(time.Second)
	want := map[id.ID][]uint64{peer: {5}, other: {5, 6}}
	if !maps.EqualFunc(told, want, slices.Equal) {
		t.Errorf("told %v, want %v", told, want)
	}
}

package reliable

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
	"iris/transport/wire"
)

// pub is a publisher in stripe 0, peer and other are neighbours.
var (
	self, pub, peer, other = id.ID{Hi: 9}, id.ID{Hi: 1, Lo: 2}, id.ID{Hi: 2, Lo: 2}, id.ID{Hi: 3, Lo: 2}
	s1                     = Stream{pub, 1}
)

// bench is one machine, root of stripe 0 with the child peer, and what it put out.
type bench struct {
	t   *testing.T
	m   *Machine
	at  time.Duration
	out Out
	ups []string
}

func newBench(t *testing.T, cfg Config) *bench {
	cfg.Self, cfg.Reliable, cfg.Rand = self, true, rand.New(rand.NewPCG(1, 1))
	b := &bench{t: t, m: New(cfg)}
	b.step(0, Local{true})
	b.step(0, Place{Stripe: 0, InTree: true, Root: true, Children: []id.ID{peer}})
	b.step(0, Recv{peer, &Sync{Stripe: 0, Answer: true, Fresh: true}})
	return b
}

func (b *bench) step(d time.Duration, e Event) {
	b.t.Helper()
	b.at += d
	b.out.Reset()
	b.m.Step(start.Add(b.at), e, &b.out)
	if err := b.m.Valid(); err != nil {
		b.t.Fatalf("after %#v: %v", e, err)
	}
	for _, u := range b.out.Ups {
		if u.Data != nil {
			b.ups = append(b.ups, fmt.Sprint(u.Seq))
		} else {
			b.ups = append(b.ups, fmt.Sprintf("gap %d-%d", u.Gap.From, u.Gap.To))
		}
	}
}

// wait lets time pass, with ticks when they are due.
func (b *bench) wait(d time.Duration) {
	b.t.Helper()
	for end := b.at + d; ; {
		w := b.out.Wake.Sub(start)
		if b.out.Wake.IsZero() || w > end {
			b.at = end
			return
		}
		b.step(max(w-b.at, 0), Tick{})
	}
}

func (b *bench) data(from id.ID, seqs ...uint64) {
	b.t.Helper()
	for _, s := range seqs {
		b.step(time.Millisecond, Recv{from, &Data{Stream: s1, Seq: s, Body: wire.Body{Data: make([]byte, 100)}}})
	}
}

func (b *bench) got() string { return strings.Join(b.ups, " ") }

// sentTo returns the messages of the last step of a type.
func sentTo[T Message](b *bench, n id.ID) (found []T) {
	for _, s := range b.out.Sends {
		if f, ok := s.Msg.(T); ok && s.To == n {
			found = append(found, f)
		}
	}
	return found
}

func TestWhatASubscriberGets(t *testing.T) {
	const horizon = 10 * time.Second
	mark := func(high uint64) Event { return Recv{other, &Digest{Marks: []Mark{{s1, high, high}}}} }
	for _, c := range []struct {
		name string
		cfg  Config
		do   func(b *bench)
		want string
	}{
		{"in order", Config{}, func(b *bench) { b.data(peer, 1, 2, 3) }, "1 2 3"},
		{"once", Config{}, func(b *bench) { b.data(peer, 1, 2, 2, 1, 3) }, "1 2 3"},
		{"reordered", Config{}, func(b *bench) { b.data(peer, 3, 1, 2) }, "1 2 3"},
		{"a hole waits", Config{}, func(b *bench) { b.data(peer, 1, 3); b.wait(horizon - time.Second) }, "1"},
		{"a hole becomes a gap", Config{}, func(b *bench) { b.data(peer, 1, 3, 5); b.wait(horizon) }, "1 gap 2-2 3 gap 4-4 5"},
		{"a late one closes it", Config{}, func(b *bench) { b.data(peer, 1, 3); b.wait(5 * time.Second); b.data(other, 2) }, "1 2 3"},
		{"not after the gap", Config{}, func(b *bench) { b.data(peer, 1, 3); b.wait(horizon + time.Second); b.data(other, 2) }, "1 gap 2-2 3"},
		{"a lost tail becomes a gap", Config{}, func(b *bench) { b.data(peer, 1); b.step(0, mark(4)); b.wait(horizon) }, "1 gap 2-4"},
		{"a digest of nothing new", Config{}, func(b *bench) { b.data(peer, 1, 2); b.step(0, mark(2)); b.wait(horizon) }, "1 2"},
		{"the window ends the wait", Config{Window: 64}, func(b *bench) { b.data(peer, 1, 3, 67) }, "1 gap 2-2 3"},
		{"far ahead", Config{Window: 64}, func(b *bench) { b.data(peer, 1, 1<<60); b.wait(horizon) }, "1 gap 2-" + fmt.Sprint(uint64(1<<60-64)) + " gap " + fmt.Sprint(uint64(1<<60-63)) + "-" + fmt.Sprint(uint64(1<<60-1)) + " " + fmt.Sprint(uint64(1<<60))},
		{"the ring ends the wait", Config{Messages: 3}, func(b *bench) { b.data(peer, 1, 3, 4, 5, 6) }, "1 gap 2-2 3 4 5 6"},
		{"the ring's bytes end it", Config{Bytes: 400}, func(b *bench) { b.data(peer, 1, 3, 4, 5) }, "1 gap 2-2 3 4 5"},
		{"what was forgotten goes on", Config{}, func(b *bench) { b.data(peer, 1, 2, 3); b.wait(3 * time.Minute); b.data(peer, 3, 6); b.wait(horizon) }, "1 2 3 gap 4-5 6"},
		{"own messages", Config{}, func(b *bench) { b.step(0, Publish{}); b.step(0, Publish{}) }, "1 2"},
		{"a late one begins where the tree is", Config{}, func(b *bench) {
			b.step(0, Local{false})
			b.step(0, Place{Stripe: 0, Entry: peer})
			b.step(0, Recv{peer, &Digest{Copy: true, Marks: []Mark{{s1, 10, 10}}}}) // long before
			b.step(time.Minute, Local{true})
			b.step(0, Place{Stripe: 0, InTree: true, Parent: peer})
			b.step(0, Recv{peer, &Sync{Stripe: 0, Marks: []Mark{{s1, 50, 50}}}})
			b.data(peer, 51)
			b.wait(horizon)
		}, "51"},
		{"who was there before the first event owes for it", Config{}, func(b *bench) { b.data(peer, 2); b.wait(horizon) }, "gap 1-1 2"},
		{"silence begins a new epoch", Config{}, func(b *bench) { b.step(0, Publish{}); b.wait(time.Minute); b.step(0, Publish{}) }, "1 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.cfg)
			c.do(b)
			if b.got() != c.want {
				t.Errorf("got  %s\nwant %s", b.got(), c.want)
			}
		})
	}
}

func TestChildIsResumed(t *testing.T) {
	b := newBench(t, Config{})
	b.data(peer, 1, 2, 3, 4)
	b.step(0, Place{Stripe: 0, InTree: true, Root: true, Children: []id.ID{peer, other}})
	b.step(0, Recv{other, &Sync{Stripe: 0, Answer: true, Marks: []Mark{{s1, 2, 2}, {Stream{other, 5}, 9, 9}}}})
	if d := sentTo[*Data](b, other); len(d) != 2 || d[0].Seq != 3 || d[1].Seq != 4 {
		t.Errorf("replayed %v", d)
	}
	if s := sentTo[*Sync](b, other); len(s) != 1 || s[0].Answer || s[0].Fresh {
		t.Errorf("answered %+v", s)
	}
	b.data(peer, 5)
	if d := sentTo[*Data](b, other); len(d) != 1 {
		t.Errorf("live data to the new child: %v", d)
	}
}

func TestNobodyIsFedBeforeItsSync(t *testing.T) {
	b := newBench(t, Config{})
	b.step(0, Place{Stripe: 0, InTree: true, Root: true, Children: []id.ID{peer, other}})
	b.data(peer, 1)
	if d := sentTo[*Data](b, other); len(d) != 0 {
		t.Errorf("sent %v", d)
	}
	b.wait(syncRetry)
	if s := sentTo[*Sync](b, other); len(s) != 1 || !s[0].Answer {
		t.Errorf("after a second: %+v", b.out.Sends)
	}
}

func TestFreshNodeMakesChildrenWait(t *testing.T) {
	m := New(Config{Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1))})
	b := &bench{t: t, m: m}
	b.step(0, Place{Stripe: 0, InTree: true, Parent: peer, Children: []id.ID{other}})
	b.step(0, Recv{other, &Sync{Stripe: 0, Answer: true, Fresh: true}})
	if len(b.out.Sends) > 0 {
		t.Fatalf("a fresh node answers %+v", b.out.Sends)
	}
	b.step(0, Recv{peer, &Sync{Stripe: 0, Marks: []Mark{{s1, 56, 56}}}})
	s := sentTo[*Sync](b, other)
	if len(s) != 1 || s[0].Fresh || len(s[0].Marks) != 1 || s[0].Marks[0].Low != 56 {
		t.Fatalf("with a base: %+v", b.out.Sends)
	}
	b.step(0, Local{true})
	b.data(peer, 57)
	if b.got() != "57" {
		t.Errorf("got %s", b.got())
	}
}

func TestPullWaitsThenAsksOneAfterAnother(t *testing.T) {
	b := newBench(t, Config{})
	b.data(peer, 1)
	third := id.ID{Hi: 4}
	for _, n := range []id.ID{other, third} {
		b.step(0, Recv{n, &Digest{Marks: []Mark{{s1, 5, 5}}}})
		if len(b.out.Sends) > 0 {
			t.Fatalf("pulled at once: %+v", b.out.Sends)
		}
	}
	var asked []id.ID
	b.data(other, 3) // came by itself meanwhile
	for range 2 {
		b.step(b.out.Wake.Sub(start)-b.at, Tick{})
		for _, s := range b.out.Sends {
			if p, ok := s.Msg.(*Pull); ok {
				asked = append(asked, s.To)
				if fmt.Sprint(p.Ranges) != "[{2 2} {4 5}]" {
					t.Errorf("asked for %v", p.Ranges)
				}
			}
		}
	}
	if len(asked) != 2 || asked[0] != other || asked[1] != third {
		t.Errorf("asked %v", asked)
	}
	b.data(other, 2)
	if d := sentTo[*Data](b, peer); len(d) != 1 {
		t.Errorf("the puller's child got %v", d)
	}
}

func TestPullIsAnsweredFromTheRing(t *testing.T) {
	b := newBench(t, Config{Messages: 3})
	b.data(peer, 1, 2, 3, 4)
	for _, c := range []struct {
		ranges []Range
		want   int
	}{{[]Range{{1, 9}}, 3}, {[]Range{{2, 2}, {4, 4}}, 2}, {[]Range{{1, 1}}, 0}, {[]Range{{0, 1 << 63}}, 3}, {nil, 0}} {
		b.step(0, Recv{other, &Pull{s1, c.ranges}})
		if d := sentTo[*Data](b, other); len(d) != c.want {
			t.Errorf("%v: %d messages, want %d", c.ranges, len(d), c.want)
		}
	}
}

func TestPublisherOutsideTheTree(t *testing.T) {
	m := New(Config{Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1))})
	b := &bench{t: t, m: m}
	b.step(0, Publish{})
	if m.Counters.Homeless != 1 {
		t.Errorf("no entry: %+v", m.Counters)
	}
	b.step(0, Place{Stripe: 0, Entry: other})
	if d := sentTo[*Digest](b, other); len(d) != 1 || d[0].Marks[0].High != 1 {
		t.Errorf("a new entry heard %+v", b.out.Sends)
	}
	b.step(0, Publish{})
	if d := sentTo[*Data](b, other); len(d) != 1 || d[0].Hops != 1 || d[0].Seq != 2 {
		t.Errorf("sent %+v", b.out.Sends)
	}
	b.step(0, Recv{peer, &Enter{0}})
	b.step(0, Publish{})
	if d := sentTo[*Data](b, peer); len(d) != 1 {
		t.Errorf("not to the cached entry: %+v", b.out.Sends)
	}
	b.step(0, Down{peer})
	b.step(0, Publish{})
	if d := sentTo[*Data](b, other); len(d) != 1 {
		t.Errorf("not to the next hop: %+v", b.out.Sends)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	b := newBench(t, Config{Streams: 3, Reliable: true})
	for i := range uint64(10) {
		b.step(time.Second, Recv{peer, &Data{Stream: Stream{pub, i + 1}, Seq: 2}})
		if n := len(b.m.streams); n > 3 {
			t.Fatalf("%d streams", n)
		}
	}
	b.wait(30 * time.Second)
	want := ""
	for range 10 { // what is forgotten is given up first
		want += " gap 1-1 2"
	}
	if got := " " + b.got(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { // against a set
		w := newWindow(64 * rapid.IntRange(1, 3).Draw(t, "words"))
		set := map[uint64]bool{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			seq := w.low + rapid.Uint64Range(1, 2*w.size()).Draw(t, "ahead")
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0, 1:
				if w.fits(seq) {
					w.set(seq)
					set[seq] = true
				}
			case 2:
				for w.next() {
					if !set[w.low] {
						t.Fatalf("went over %d", w.low)
					}
				}
			case 3:
				low := w.low
				to := w.skip(seq)
				for i := low + 1; i <= to; i++ {
					if set[i] {
						t.Fatalf("skipped %d", i)
					}
				}
				if to < seq && !set[to+1] {
					t.Fatalf("stopped at %d before %d", to, seq)
				}
			}
			for i := w.low + 1; i < w.low+2*w.size(); i++ {
				if w.has(i) != set[i] {
					t.Fatalf("%d: %v, want %v", i, w.has(i), set[i])
				}
			}
		}
	})
}

// TestHostilePeers sends arbitrary messages: no panic, no broken invariant, in
// order and once whatever comes.
func TestHostilePeers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(Config{
			Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1)), Window: 64, Messages: 8, Bytes: 1000, Streams: 40, Forget: time.Hour,
		})
		nodes := []id.ID{self, pub, peer, other}
		node := func(label string) id.ID { return rapid.SampledFrom(nodes).Draw(t, label) }
		num := rapid.OneOf(rapid.Uint64Range(0, 12), rapid.Uint64Range(60, 140), rapid.Just(uint64(1)<<63), rapid.Just(^uint64(0)))
		stream := func() Stream { return Stream{node("publisher"), rapid.Uint64Range(1, 2).Draw(t, "epoch")} }
		marks := func() (l []Mark) {
			for range rapid.IntRange(0, 4).Draw(t, "marks") {
				l = append(l, Mark{stream(), num.Draw(t, "low"), num.Draw(t, "high")})
			}
			return l
		}
		next := map[Stream]uint64{}
		now := start
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			from := node("from")
			var e Event
			left := false
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0, 1, 2:
				e = Recv{from, &Data{Stream: stream(), Seq: num.Draw(t, "seq"), Hops: uint8(rapid.IntRange(0, 40).Draw(t, "hops"))}}
			case 3:
				e = Recv{from, &Sync{Stripe: rapid.IntRange(-1, 2).Draw(t, "stripe"), Answer: rapid.Bool().Draw(t, "a"), Fresh: rapid.Bool().Draw(t, "f"), More: rapid.Bool().Draw(t, "m"), Marks: marks()}}
			case 4:
				e = Recv{from, &Digest{Copy: rapid.Bool().Draw(t, "copy"), Hops: uint8(rapid.IntRange(0, 40).Draw(t, "hops")), Marks: marks()}}
			case 5:
				e = Recv{from, &Pull{stream(), []Range{{num.Draw(t, "from"), num.Draw(t, "to")}}}}
			case 6:
				p := Place{Stripe: 0, InTree: rapid.Bool().Draw(t, "in"), Root: rapid.Bool().Draw(t, "root"), Parent: node("parent"), Children: []id.ID{node("child")}, Entry: node("entry")}
				e, left = p, !p.InTree && !p.Root // never with subscribers: the node begins anew
			case 7:
				e = Local{rapid.Bool().Draw(t, "want")}
			case 8:
				e = Publish{}
			case 9:
				e = Tick{}
			}
			var out Out
			m.Step(now, e, &out)
			if err := m.Valid(); err != nil {
				t.Fatalf("after %#v: %v", e, err)
			}
			for _, u := range out.Ups {
				k, a, z := u.Gap.Stream, u.Gap.From, u.Gap.To
				if u.Data != nil {
					k, a, z = u.Stream, u.Seq, u.Seq
				}
				if a > z || a < next[k] {
					t.Fatalf("got %d..%d of %v, next was %d", a, z, k, next[k])
				}
				next[k] = z + 1
			}
			if left {
				clear(next)
			}
			if len(out.Sends) > 300 || len(m.streams) > 40 {
				t.Fatalf("%d sends, %d streams after %#v", len(out.Sends), len(m.streams), e)
			}
		}
	})
}

func BenchmarkData(b *testing.B) {
	m := New(Config{Self: self, Reliable: true, Rand: rand.New(rand.NewPCG(1, 1))})
	var out Out
	m.Step(start, Place{Stripe: 0, InTree: true, Root: true, Children: []id.ID{peer, other}}, &out)
	m.Step(start, Recv{other, &Sync{Fresh: true}}, &out)
	m.Step(start, Local{true}, &out)
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		seq++
		out.Reset()
		m.Step(start, Recv{peer, &Data{Stream: s1, Seq: seq}}, &out)
	}
}

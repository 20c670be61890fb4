package balance

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

var (
	t0 = time.Unix(1_000_000, 0)
	up = func(id.ID) Reach { return Up }
)

func serverID(i int) id.ID { return id.ID{Hi: uint64(i) + 1} }

func newTest(list ...Candidate) *Balancer {
	b := New(Config{}, rand.New(rand.NewPCG(1, 2)))
	b.Update(list)
	return b
}

// count picks n times, ending each request at once, and returns who was chosen how often.
func count(b *Balancer, n int, reach func(id.ID) Reach, excluded ...id.ID) map[id.ID]int {
	got := map[id.ID]int{}
	for range n {
		if k, ok := b.Pick(t0, reach, excluded); ok {
			got[k]++
			b.Done(t0, k, b.Sent(k), 0, Withdrawn, nil)
		}
	}
	return got
}

func TestWhoMayBeChosen(t *testing.T) {
	a, b, c := serverID(1), serverID(2), serverID(3)
	members := []Candidate{{Node: a}, {Node: b}, {Node: c}}
	for _, c := range []struct {
		name     string
		list     []Candidate
		reach    map[id.ID]Reach
		excluded []id.ID
		want     []id.ID
	}{
		{"nobody", nil, nil, nil, nil},
		{"everybody", members, nil, nil, []id.ID{a, b, c}},
		{"not the draining", []Candidate{{Node: a, Draining: true}, {Node: b}}, nil, nil, []id.ID{b}},
		{"only draining", []Candidate{{Node: a, Draining: true}}, nil, nil, nil},
		{"not the doubtful", members, map[id.ID]Reach{a: Doubtful, c: Doubtful}, nil, []id.ID{b}},
		{"the doubtful if nobody else", members, map[id.ID]Reach{a: Doubtful, b: Doubtful, c: Doubtful}, nil, []id.ID{a, b, c}},
		{"not the excluded", members, nil, []id.ID{a, b}, []id.ID{c}},
		{"all excluded", members, nil, []id.ID{a, b, c}, nil},
		{"doubtful before excluded", members, map[id.ID]Reach{c: Doubtful}, []id.ID{a, b}, []id.ID{c}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := count(newTest(c.list...), 300, func(n id.ID) Reach { return c.reach[n] }, c.excluded...)
			for _, w := range c.want {
				if got[w] < 300/len(c.want)/2 {
					t.Errorf("%v was chosen %d times of 300", w.Short(), got[w])
				}
				delete(got, w)
			}
			if len(got) > 0 {
				t.Errorf("also chosen: %v", got)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	a, b := serverID(1), serverID(2)
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		do   func(x *Balancer)
		at   time.Duration
		want id.ID
	}{
		{"fewer own in flight", func(x *Balancer) { x.nodes[a].inFlight = 9; x.recent.add(1) }, 0, b},
		{"fresh report", func(x *Balancer) { x.Report(t0, a, Load{InFlight: 9}); x.recent.add(1) }, 0, b},
		{"reported draining", func(x *Balancer) { x.Report(t0, a, Load{Draining: true}) }, 0, b},
		{"lower latency while cold", func(x *Balancer) {
			x.nodes[a].latency.learn(t0, 0, 50*ms, time.Second)
			x.nodes[b].latency.learn(t0, 0, 5*ms, time.Second)
		}, 0, b},
		{"refused without load", func(x *Balancer) {
			x.recent.add(0)
			x.nodes[a].inFlight = 1
			x.Done(t0, a, 1, ms, Refused, nil)
		}, 0, b},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTest(Candidate{Node: a, Members: 1}, Candidate{Node: b, Members: 1})
			c.do(x)
			for range 20 {
				got, _ := x.Pick(t0.Add(c.at), up, nil)
				x.Done(t0.Add(c.at), got, 1, 0, Withdrawn, nil)
				if got != c.want {
					t.Fatalf("chose %v, want %v", got.Short(), c.want.Short())
				}
			}
		})
	}
	t.Run("a stale report does not count", func(t *testing.T) {
		x := newTest(Candidate{Node: a}, Candidate{Node: b})
		x.Report(t0.Add(-2*time.Second), a, Load{InFlight: 9, Draining: true})
		if got := count(x, 200, up); got[a] < 50 {
			t.Errorf("chosen %v", got)
		}
	})
}

func TestCapacityWeighsTheSample(t *testing.T) {
	x := newTest(Candidate{Node: serverID(1), Members: 1}, Candidate{Node: serverID(2), Members: 1}, Candidate{Node: serverID(3), Members: 8})
	if got := count(x, 1000, up); got[serverID(3)] < 450 {
		t.Errorf("the node with 8 of 10 members was chosen %d times of 1000", got[serverID(3)])
	}
}

func TestLatencyRisesAtOnceAndFallsSlowly(t *testing.T) {
	var l latencies
	ms := time.Millisecond
	l.learn(t0, 1, 10*ms, time.Second)
	l.learn(t0.Add(ms), 1, 100*ms, time.Second)
	if v, _ := l.get(1); v < 0.05 {
		t.Errorf("after a peak of 100 ms: %v s", v)
	}
	l.learn(t0.Add(2*ms), 1, 10*ms, time.Second)
	if v, _ := l.get(1); v < 0.05 {
		t.Errorf("forgot a peak within a millisecond: %v s", v)
	}
	for i := range 100 {
		l.learn(t0.Add(time.Duration(i)*100*ms), 1, 10*ms, time.Second)
	}
	if v, _ := l.get(1); v > 0.011 {
		t.Errorf("still %v s after 10 s of 10 ms", v)
	}
}

func TestInvariantsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newTest()
		now := t0
		var open []id.ID
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				var list []Candidate
				for range rapid.IntRange(0, 6).Draw(t, "n") {
					list = append(list, Candidate{
						Node: serverID(rapid.IntRange(1, 8).Draw(t, "node")), Members: uint32(rapid.IntRange(0, 4).Draw(t, "m")),
						Draining: rapid.Bool().Draw(t, "drains"),
					})
				}
				b.Update(list)
			case 1:
				if n, ok := b.Pick(now, up, nil); ok {
					open = append(open, n)
				}
			case 2:
				if len(open) > 0 {
					o := Outcome(rapid.IntRange(0, 3).Draw(t, "outcome"))
					b.Done(now, open[0], 1, time.Millisecond, o, &Load{InFlight: 3})
					open = open[1:]
				}
			}
			if err := b.Valid(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestPickDoesNotAllocate(t *testing.T) {
	var list []Candidate
	for i := range 64 {
		list = append(list, Candidate{Node: serverID(i)})
	}
	x := newTest(list...)
	if n := testing.AllocsPerRun(1000, func() {
		n, _ := x.Pick(t0, up, nil)
		x.Done(t0, n, x.Sent(n), time.Millisecond, Served, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A choice among so many, and what its answer says.
func BenchmarkPick(b *testing.B) {
	for _, members := range []int{1, 2, 64} {
		b.Run(strconv.Itoa(members), func(b *testing.B) {
			var list []Candidate
			for i := range members {
				list = append(list, Candidate{Node: serverID(i)})
			}
			x, now := newTest(list...), t0
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Microsecond)
				n, _ := x.Pick(now, up, nil)
				x.Done(now, n, x.Sent(n), time.Millisecond, Served, &Load{InFlight: 2})
				x.Capacity(now, n, 1000)
			}
		})
	}
}

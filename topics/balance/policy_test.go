package balance

import (
	"math/rand/v2"
	"testing"
	"time"

	"iris/internal/id"
)

func TestZoneWithoutMembersIsLeft(t *testing.T) {
	b := New(Config{Zone: "a"}, rand.New(rand.NewPCG(1, 2)))
	b.Update([]Candidate{{Node: serverID(1), Zone: "a", Draining: true}, {Node: serverID(2), Zone: "b"}})
	if n, ok := b.Pick(t0, up, nil); !ok || n != serverID(2) {
		t.Errorf("chose %v %v", n, ok)
	}
	b.Update([]Candidate{{Node: serverID(1), Zone: "a"}, {Node: serverID(2), Zone: "b"}})
	down := func(n id.ID) Reach {
		if n == serverID(1) {
			return Doubtful
		}
		return Up
	}
	for range 20 {
		if n, _ := b.Pick(t0.Add(time.Second), down, nil); n != serverID(2) {
			t.Fatalf("chose %v, which is doubtful", n)
		}
	}
}

func TestRetryBudget(t *testing.T) {
	b := newTest(Candidate{Node: serverID(1)}, Candidate{Node: serverID(2)})
	retried := 0
	for range 1000 {
		n, _ := b.Pick(t0, up, nil)
		b.Done(t0, n, 1, 0, Refused, nil)
		if b.Retry() {
			retried++
			n, _ = b.Pick(t0, up, []id.ID{n})
			b.Done(t0, n, 1, 0, Refused, nil)
		}
	}
	if retried < 100 || retried > 100+retryBurst {
		t.Errorf("%d retries of 1000 requests", retried)
	}
}

func TestSubset(t *testing.T) {
	list := make([]Candidate, 2000)
	for i := range list {
		list[i] = Candidate{Node: serverID(i), Members: 1, Zone: []string{"a", "b"}[i%2]}
	}
	used := map[id.ID]int{}
	for asker := range 200 {
		b := New(Config{}, rand.New(rand.NewPCG(uint64(asker), 77)))
		b.Update(list)
		if len(b.candidates) != 128 {
			t.Fatalf("%d candidates", len(b.candidates))
		}
		for _, c := range b.candidates {
			used[c.Node]++
		}
		if err := b.Valid(); err != nil {
			t.Fatal(err)
		}
	}
	if len(used) < 1990 { // 12.8 askers per member on average
		t.Errorf("200 askers use %d of 2000 members", len(used))
	}
	for n, k := range used {
		if k > 32 {
			t.Errorf("%v is used by %d askers", n.Short(), k)
		}
	}

	b := New(Config{Zone: "a"}, rand.New(rand.NewPCG(1, 1)))
	b.Update(list)
	before, zone := map[id.ID]bool{}, 0
	for _, c := range b.candidates {
		before[c.Node] = true
		if c.Zone == "a" {
			zone++
		}
	}
	if zone != 96 {
		t.Errorf("%d of the own zone", zone)
	}
	b.Update(list[100:])
	kept := 0
	for _, c := range b.candidates {
		if before[c.Node] {
			kept++
		}
	}
	if kept < 110 {
		t.Errorf("%d of 128 are kept when 100 of 2000 leave", kept)
	}
	b.Update(list[:1000])
	if len(b.candidates) != 1000 {
		t.Errorf("a list of 1000 is cut to %d", len(b.candidates))
	}
}

func TestProbesAreBounded(t *testing.T) {
	var list []Candidate
	for i := range 20 {
		list = append(list, Candidate{Node: serverID(i), Draining: i == 0})
	}
	b := newTest(list...)
	sent := 0
	for i := range 1000 { // a second of a request per millisecond
		now := t0.Add(time.Duration(i) * time.Millisecond)
		for _, n := range b.Probes(now) {
			if n == serverID(0) {
				t.Fatal("probed a draining one")
			}
			if sent++; sent%2 == 0 {
				b.Report(now, n, Load{InFlight: 1})
			}
		}
	}
	if sent < 50 || sent > 110 {
		t.Errorf("%d probes in a second", sent)
	}
	b.Report(t0.Add(2*time.Second), serverID(1), Load{})
	if one := newTest(list[:1]...); len(one.Probes(t0)) > 0 {
		t.Error("the only member is probed")
	}
}

func TestCapacityReports(t *testing.T) {
	list := []Candidate{{Node: serverID(1), Members: 2}, {Node: serverID(2), Members: 2}, {Node: serverID(3), Members: 2}}
	for _, c := range []struct {
		name    string
		reports [3]float64
		want    [3]float64
	}{
		{"none", [3]float64{}, [3]float64{2, 2, 2}},
		{"one", [3]float64{0, 500, 0}, [3]float64{2, 2, 2}},
		{"all", [3]float64{100, 200, 400}, [3]float64{1, 2, 4}},
		{"held to a tenth and ten times", [3]float64{1, 200, 1e9}, [3]float64{0.2, 2, 20}},
		{"nonsense", [3]float64{-1, 200, 200}, [3]float64{2, 2, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTest(list...)
			for i, r := range c.reports {
				if r != 0 {
					b.Capacity(t0, list[i].Node, r)
				}
			}
			b.Pick(t0, up, nil)
			for i, w := range b.weights {
				if w != c.want[i] {
					t.Errorf("weights %v, want %v", b.weights, c.want)
					break
				}
			}
		})
	}
}

package sim

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestTailOfTheFleet holds the p99 to 1.2 times that of an oracle that knows all
// queues and speeds at each instant and sends each request to the least work.
func TestTailOfTheFleet(t *testing.T) {
	for _, c := range []struct {
		name   string
		askers int
		load   float64
		heavy  bool
	}{
		{"64 askers at 90 %", 64, 0.9, false},
		{"64 askers at 90 %, heavy tail", 64, 0.9, true},
		{"2000 askers at 70 %", 2000, 0.7, false},
		{"2000 askers at 70 %, heavy tail", 2000, 0.7, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Fleet{
				Members: 64, Askers: c.askers, Load: c.load, Heavy: c.heavy, ReportDelay: 100 * time.Millisecond, Requests: 16_000, Seed: 1, Check: c.askers < 100,
			}.Run()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", *r)
			if r.Ratio > 1.2 {
				t.Errorf("p99 is %.2f times the oracle's", r.Ratio)
			}
		})
	}
}

// Members of the asker's own zone are preferred while they have room.
func TestZones(t *testing.T) {
	for _, c := range []struct {
		name        string
		askers      int
		load        float64
		least, most float64 // part that stays
	}{
		{"idle zones keep to themselves", 48, 0.4, 0.95, 1},
		{"even at 70 %", 48, 0.7, 0.6, 1},
		{"an overloaded zone spills", 1, 0.6, 0.2, 0.7},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Fleet{Members: 48, Askers: c.askers, Load: c.load, Requests: 16_000, Zones: 3, Apart: 5 * time.Millisecond, Seed: 3, Check: true}.Run()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", *r)
			if r.Local < c.least || r.Local > c.most || r.P99 > 100 {
				t.Errorf("%.3f stay, want %v to %v; p99 %.0f ms", r.Local, c.least, c.most, r.P99)
			}
		})
	}
}

// The worst that one may do, for comparison.
func TestTailComparedToRandom(t *testing.T) {
	f := Fleet{Members: 16, Askers: 4, Load: 0.9, Requests: 16_000, Seed: 7}
	_, any := f.queueing().run(random{rand.New(rand.NewPCG(7, 7))}, "random")
	q := f.queueing()
	if _, p99 := q.run(q.shipped(), "balancers"); p99 > any/5 {
		t.Errorf("p99 is %v, that of random choice %v", p99, any)
	}
}

func TestSameSeedSameRequests(t *testing.T) {
	f := Fleet{Members: 20, Askers: 20, Load: 0.8, Requests: 4_000, Zones: 2, Apart: time.Millisecond, Heavy: true, Seed: 5}
	var hashes [3]string
	for i := range hashes {
		f.Seed += uint64(i / 2)
		r, err := f.Run()
		if err != nil {
			t.Fatal(err)
		}
		hashes[i] = r.Hash
	}
	if hashes[0] != hashes[1] || hashes[1] == hashes[2] {
		t.Errorf("hashes %v of seeds 5, 5, 6", hashes)
	}
}

func TestFleetsThatMakeNoSense(t *testing.T) {
	good := Fleet{Members: 4, Askers: 4, Load: 0.5, Requests: 10}
	for name, change := range map[string]func(f *Fleet){
		"members":      func(f *Fleet) { f.Members = 0 },
		"askers":       func(f *Fleet) { f.Askers = -1 },
		"load":         func(f *Fleet) { f.Load = 1 },
		"requests":     func(f *Fleet) { f.Requests = 0 },
		"report-delay": func(f *Fleet) { f.ReportDelay = -1 },
		"zones":        func(f *Fleet) { f.Zones = 5 },
		"apart":        func(f *Fleet) { f.Apart = time.Hour },
	} {
		f := good
		change(&f)
		if _, err := f.Run(); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := good.Run(); err != nil {
		t.Error(err)
	}
}

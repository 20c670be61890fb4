package sim

import (
	"slices"
	"testing"
	"time"

	"iris/router/pastry"
)

// ok fails the test with what replays the run.
func ok(t *testing.T, do func() (*Result, error)) *Result {
	t.Helper()
	r, err := do()
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Logf("%d lookups, %.2f hops, %.3f control messages per node and second, whole after %.1f s, hash %s", r.Lookups, r.MeanHops, r.Control, r.WholeAfter, r.Hash)
	return r
}

func TestJoinAndLookup(t *testing.T) {
	for _, mesh := range []int{100, -1} {
		r := ok(t, Scenario{Nodes: 150, Leaf: 16, MeshMax: mesh, Lookups: 2000, Seed: 1, Check: true}.Join)
		if r.Lost+r.Misdelivered+r.Duplicates+r.Broken != 0 || r.MaxHops > 4 || r.MeanHops > 2.1 {
			t.Errorf("mesh %d: %+v", mesh, *r)
		}
	}
}

// Up to mesh_max nodes everybody is one hop away.
func TestMeshIsOneHop(t *testing.T) {
	r := ok(t, Scenario{Nodes: 100, Lookups: 2000, Seed: 1, Check: true}.Join)
	if r.MaxHops != 1 || r.Misdelivered != 0 {
		t.Errorf("%+v", *r)
	}
}

func TestSameSeedSameRun(t *testing.T) {
	s := Scenario{Nodes: 200, Rate: 0.2, Seed: 7, MeshMax: -1, Session: 10 * time.Minute, Duration: 3 * time.Minute, Loss: 0.02}
	a, b := ok(t, s.Churn), ok(t, s.Churn)
	if a.Hash != b.Hash || a.Steps != b.Steps {
		t.Errorf("hashes %s and %s after %d and %d steps", a.Hash, b.Hash, a.Steps, b.Steps)
	}
	s.Seed++
	if c := ok(t, s.Churn); c.Hash == a.Hash {
		t.Error("another seed, the same run")
	}
}

func TestChurnLosesNothing(t *testing.T) {
	for seed := range uint64(2) {
		r := ok(t, Scenario{Nodes: 300, Rate: 0.05, Seed: seed, Session: 138 * time.Minute, Duration: 10 * time.Minute}.Churn)
		if r.Lost+r.Misdelivered != 0 || r.Control > 0.2 {
			t.Errorf("seed %d: %d lost, %d misdelivered of %d, %.3f control messages", seed, r.Lost, r.Misdelivered, r.Lookups, r.Control)
		}
	}
}

func TestHalfKilledAtOnce(t *testing.T) {
	for seed := range uint64(2) {
		r := ok(t, Scenario{Nodes: 300, Rate: 0.05, Seed: seed, Duration: 2 * time.Minute}.Kill)
		if r.Lost > 1 || r.Misdelivered != 0 || r.WholeAfter < 0 || r.WholeAfter > 30 || r.Broken != 0 {
			t.Errorf("seed %d: %+v", seed, *r)
		}
	}
}

// However the network was cut, one ring comes out of it.
func TestPartitionsHeal(t *testing.T) {
	for name, cut := range map[string]func(a, b pastry.Handle) bool{"halves": Halves, "one way": OneWay, "ring of majorities": Majorities(5)} {
		for _, nodes := range []int{60, 200} {
			r := ok(t, func() (*Result, error) {
				return Scenario{Nodes: nodes, Rate: 0.02, Seed: 3, MeshMax: 100, Duration: time.Minute}.Partition(cut)
			})
			if r.WholeAfter < 0 || r.WholeAfter > 30 || r.Broken != 0 {
				t.Errorf("%s, %d nodes: whole after %.1f s, %d wrong at the end", name, nodes, r.WholeAfter, r.Broken)
			}
		}
	}
}

// world returns one with nodes that have joined.
func world(t *testing.T, nodes int, seed uint64) *run {
	t.Helper()
	r, err := Scenario{Nodes: nodes, Rate: 0.1, MeshMax: -1, Seed: seed, Check: true}.begin(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.joinAll()
	r.measure()
	return r
}

func TestPausedNodesAskBeforeTheyDeliver(t *testing.T) {
	r := world(t, 100, 5)
	r.Run(r.now + 30*time.Second)
	for i, h := range slices.Clone(r.alive) {
		if i%10 == 0 {
			r.Pause(h, 40*time.Second)
			r.deactivate(h) // the oracle does not expect it to deliver
		}
	}
	r.traffic("paused", r.now+2*time.Minute, 0)
	res := ok(t, r.end)
	if res.Broken != 0 || res.Misdelivered != 0 {
		t.Errorf("%d neighbours wrong, %d of %d at the wrong node", res.Broken, res.Misdelivered, res.Lookups)
	}
}

func TestRestartAndLeave(t *testing.T) {
	r := world(t, 100, 6)
	for i, h := range slices.Clone(r.alive) {
		switch {
		case i%10 == 0:
			r.Crash(h)
			r.Restart(h)
		case i%10 == 5:
			r.Leave(h)
		}
		r.traffic("restarts", r.now+time.Second, 0)
	}
	r.traffic("after", r.now+time.Minute, 0)
	res := ok(t, r.end)
	if res.Broken != 0 || res.Misdelivered != 0 || res.Lost != 0 {
		t.Errorf("%d neighbours wrong, %d lost and %d at the wrong node of %d", res.Broken, res.Lost, res.Misdelivered, res.Lookups)
	}
}

func TestLossDuplicatesAndReordering(t *testing.T) {
	r := world(t, 100, 8)
	r.Net.Loss, r.Net.Duplicate, r.Net.Jitter = 0.05, 0.05, 0.5
	r.traffic("loss", r.now+5*time.Minute, 0)
	r.Net.Loss = 0
	r.Run(r.now + time.Minute)
	res := ok(t, r.end)
	if res.Lost != 0 || res.Broken != 0 {
		t.Errorf("%d of %d lost, %d neighbours wrong", res.Lost, res.Lookups, res.Broken)
	}
	if res.Misdelivered > res.Lookups/50 {
		t.Errorf("%d of %d at the wrong node", res.Misdelivered, res.Lookups)
	}
}

package sim

import (
	"testing"
	"time"
)

// small runs are held to the invariants after every step.
func check(t *testing.T, r *Result, err error) *Result {
	t.Helper()
	if err != nil {
		t.Fatalf("seed %d: %v", r.Seed, err)
	}
	t.Logf("%+v", *r)
	return r
}

func TestJoin(t *testing.T) {
	res, err := Scenario{Nodes: 400, Leaf: 16, Lookups: 4000, Seed: 1, Check: true}.Join()
	r := check(t, res, err)
	if r.Lost+r.Misdelivered+r.Duplicates+r.Broken != 0 || r.MaxHops > 4 {
		t.Errorf("%d lost, %d misdelivered, %d duplicates, %d broken, %d hops", r.Lost, r.Misdelivered, r.Duplicates, r.Broken, r.MaxHops)
	}
}

func TestChurn(t *testing.T) {
	res, err := Scenario{Nodes: 500, Rate: 0.05, Seed: 1, Session: 138 * time.Minute, Duration: 10 * time.Minute}.Churn()
	if r := check(t, res, err); r.Lost+r.Misdelivered != 0 {
		t.Errorf("%d lost, %d misdelivered of %d", r.Lost, r.Misdelivered, r.Lookups)
	}
}

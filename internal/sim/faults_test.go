package sim

import (
	"testing"
	"time"
)

// The wire format carries all that a run needs: the same hash with and without.
func TestEncodedRunsAreTheSame(t *testing.T) {
	s := Scenario{Nodes: 150, Rate: 0.2, Seed: 11, Leaf: 8, MeshMax: 64, Session: 10 * time.Minute, Duration: 2 * time.Minute, Loss: 0.01}
	plain := ok(t, s.Churn)
	s.Encode = true
	if encoded := ok(t, s.Churn); encoded.Hash != plain.Hash || encoded.Steps != plain.Steps {
		t.Errorf("hash %s after %d steps, without encoding %s after %d", encoded.Hash, encoded.Steps, plain.Hash, plain.Steps)
	}
}

// Clocks that start a day apart and gain or lose a tenth change nothing.
func TestSkewedClocks(t *testing.T) {
	r := ok(t, Scenario{Nodes: 200, Rate: 0.1, Seed: 12, MeshMax: -1, Skew: 0.1, Session: 30 * time.Minute, Duration: 10 * time.Minute, Check: true}.Churn)
	if r.Lost+r.Misdelivered+r.Broken != 0 {
		t.Errorf("%d lost and %d at the wrong node of %d, %d neighbours wrong", r.Lost, r.Misdelivered, r.Lookups, r.Broken)
	}
}

// Processes stand still for longer than it takes to count as dead, some at the
// moment when others crash.
func TestStallsUnderChurn(t *testing.T) {
	r := ok(t, Scenario{Nodes: 200, Rate: 0.1, Seed: 13, MeshMax: -1, Stall: 30 * time.Second, Session: time.Hour, Duration: 10 * time.Minute, Check: true}.Churn)
	if r.Lost > 1 || r.Misdelivered != 0 || r.Broken != 0 {
		t.Errorf("%d lost and %d at the wrong node of %d, %d neighbours wrong", r.Lost, r.Misdelivered, r.Lookups, r.Broken)
	}
}

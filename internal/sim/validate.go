package sim

import (
	"fmt"
	"time"

	"iris/router/pastry"
)

// longest bounds the virtual time of one phase of a run.
const longest = 1000 * time.Hour

// Validate says what is wrong with the numbers of s.
func (s Scenario) Validate() error {
	switch {
	case s.Nodes < 1 || s.Nodes > 1_000_000:
		return fmt.Errorf("nodes: %d: want 1 to 1000000", s.Nodes)
	case s.Members < 0 || s.Members > s.Nodes:
		return fmt.Errorf("members: %d of %d nodes: want 0 to all", s.Members, s.Nodes)
	case s.Lookups < 0:
		return fmt.Errorf("lookups: %d: want 0 or more", s.Lookups)
	case !(s.Loss >= 0 && s.Loss < 1):
		return fmt.Errorf("loss: %v: want a part of the messages, 0 or more and below 1", s.Loss)
	case !(s.Skew >= 0 && s.Skew <= 0.5):
		return fmt.Errorf("skew: %v: want a part of the time, 0 to 0.5", s.Skew)
	case s.Stall < 0 || s.Stall > longest:
		return fmt.Errorf("stall: %v: want 0s to %v", s.Stall, longest)
	case !(s.Skew >= 0 && s.Skew < 0.5):
		return fmt.Errorf("skew: %v: want a part of the time, 0 or more and below 0.5", s.Skew)
	case s.Stall < 0 || s.Stall > time.Hour:
		return fmt.Errorf("stall: %v: want 0s to 1h", s.Stall)
	case s.Session < 0 || s.Session > longest:
		return fmt.Errorf("session: %v: want 0s to %v", s.Session, longest)
	case s.Duration < 0 || s.Duration > longest:
		return fmt.Errorf("duration: %v: want 0s to %v", s.Duration, longest)
	}
	return pastry.Config{Leaf: s.Leaf, MeshMax: s.MeshMax}.Validate()
}

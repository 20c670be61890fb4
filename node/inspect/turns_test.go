package inspect

import (
	"context"
	"fmt"
	"testing"
)

// One node takes its own places only, also while it waits; when it leaves nothing is left of it.
func TestOneNodeTakesItsPlacesOnly(t *testing.T) {
	x := newTurns()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var ends []func()
	for n := range maxVisits {
		g := x.enter("greedy")
		if g == nil {
			t.Fatalf("query %d is refused", n)
		}
		if n < maxEach {
			ends = append(ends, x.await(t.Context(), g, n%2 == 0))
		} else if x.await(over, g, false) != nil {
			t.Errorf("query %d is under way", n)
		}
	}
	if x.enter("greedy") != nil {
		t.Error("there is no bound for one node")
	}
	g := x.enter("modest")
	end := x.await(t.Context(), g, false)
	end()
	x.leave("modest")
	for _, end := range ends {
		end()
	}
	for range maxVisits {
		x.leave("greedy")
	}
	if len(x.guests) != 0 || x.all != 0 || len(x.reports) != 0 || len(x.commands) != 0 {
		t.Errorf("left: %+v", x)
	}
}

// All nodes together are bounded too.
func TestAllNodesTogetherAreBounded(t *testing.T) {
	x := newTurns()
	for n := range maxGuests {
		if x.enter(fmt.Sprint("node ", n/2)) == nil {
			t.Fatalf("query %d is refused", n)
		}
	}
	if x.enter("one more") != nil || len(x.guests) != maxGuests/2 {
		t.Errorf("%d nodes, %d queries, and one more", len(x.guests), x.all)
	}
}

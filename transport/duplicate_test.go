package transport

import (
	"testing"

	"iris/internal/id"
)

func TestJudge(t *testing.T) {
	small, large := id.ID{Lo: 1}, id.ID{Lo: 2}
	none, dialled, accepted := held{}, held{up: true, dialed: true}, held{up: true}
	for _, c := range []struct {
		name             string
		self, peer       id.ID
		have             held
		dialing, insists bool
		want             verdict
	}{
		{"first contact", small, large, none, false, false, accept},
		{"both dial, we are smaller", small, large, none, true, false, wait},
		{"both dial, we are larger", large, small, none, true, false, accept},
		{"both dial, peer insists", small, large, none, true, true, accept},
		{"our dial came up first", small, large, dialled, false, false, refuse},
		{"our dial came up first, we are larger", large, small, dialled, false, false, refuse},
		{"peer holds none and insists", small, large, dialled, false, true, replace},
		{"peer dials again", small, large, accepted, false, false, replace},
		{"peer dials again while we dial", small, large, accepted, true, false, replace},
	} {
		if got := judge(c.self, c.peer, c.have, c.dialing, c.insists); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

// Whatever crosses, two ends that dial each other at once keep the same one.
func TestJudgeAgreesOnCrossingDials(t *testing.T) {
	small, large := id.ID{Lo: 1}, id.ID{Lo: 2}
	atSmall := judge(small, large, held{}, true, false)
	atLarge := judge(large, small, held{}, true, false)
	if atSmall != wait || atLarge != accept {
		t.Fatalf("crossing dials: smaller does %d, larger does %d; want wait and accept", atSmall, atLarge)
	}
	// The smaller's dial came up; the larger's is judged again and refused.
	if got := judge(small, large, held{up: true, dialed: true}, false, false); got != refuse {
		t.Errorf("the larger's dial must be refused, got %d", got)
	}
}

package transport

import (
	"testing"
	"time"

	"iris/internal/id"
)

func TestDetoursGrow(t *testing.T) {
	d, now, peer := newDetours(4), time.Unix(1000, 0), id.ID{Lo: 1}
	for _, want := range []time.Duration{firstDetour, 2 * firstDetour, 4 * firstDetour, 8 * firstDetour, 16 * firstDetour, 32 * firstDetour, longestDetour, longestDetour} {
		if d.on(peer, now) {
			t.Fatal("a detour before the port was tried")
		}
		d.hidden(peer, now)
		if !d.on(peer, now.Add(want-1)) || d.on(peer, now.Add(want)) {
			t.Errorf("the detour is not of %v", want)
		}
		now = now.Add(want)
	}
	d.refused(peer, now)
	if now = now.Add(briefDetour); d.on(peer, now) {
		t.Error("a refusal counts for long")
	}
	d.over(peer)
	if d.hidden(peer, now); d.on(peer, now.Add(firstDetour)) {
		t.Error("a port that was found is not forgotten")
	}
}

func TestDetoursAreBounded(t *testing.T) {
	d, now := newDetours(4), time.Unix(1000, 0)
	for i := range 10 {
		d.hidden(id.ID{Lo: uint64(i)}, now)
	}
	if len(d.peers) != 4 || d.on(id.ID{Lo: 9}, now) {
		t.Errorf("%d peers are remembered, want 4", len(d.peers))
	}
	now = now.Add(firstDetour)
	d.hidden(id.ID{Lo: 9}, now)
	if len(d.peers) != 1 || !d.on(id.ID{Lo: 9}, now) {
		t.Errorf("%d peers are remembered a minute later, want the one that hides its port now", len(d.peers))
	}
}

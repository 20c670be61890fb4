package detector

import (
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	var h Health
	now := epoch
	tick := func(d time.Duration) time.Duration { now = now.Add(d); return h.Tick(now) }
	tick(0)
	for range 100 {
		if p := tick(TickEvery); p != 0 {
			t.Fatalf("paused %v", p)
		}
	}
	if p := tick(8*time.Second + TickEvery); p != 8*time.Second || h.Factor() != 2 {
		t.Errorf("pause %v, factor %d, want 8s, 2", p, h.Factor())
	}
	for range 20 {
		tick(2 * time.Second)
	}
	if h.Score() != healthMax {
		t.Errorf("score %d, want the maximum %d", h.Score(), healthMax)
	}
	for range int(healthRelief/TickEvery) * healthMax {
		tick(TickEvery)
	}
	if h.Score() != 0 {
		t.Errorf("score %d after punctual ticks, want 0", h.Score())
	}
	for range 30 { // a starved processor: late again and again, but no pause
		if p := tick(TickEvery + 400*time.Millisecond); p != 0 {
			t.Fatalf("paused %v", p)
		}
	}
	if h.Score() < 5 {
		t.Errorf("score %d after 15 s of late ticks", h.Score())
	}
	for range int(healthRelief/TickEvery) * healthMax {
		tick(TickEvery)
	}
	h.AllSilent(now)
	h.AllSilent(now.Add(time.Second))
	if h.Score() != 1 {
		t.Errorf("score %d, want common silence charged once", h.Score())
	}
}

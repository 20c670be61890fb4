package sim

import (
	"testing"
	"time"
)

// published runs a Publishing and fails the test for what went wrong.
func published(t *testing.T, p Publishing) *Published {
	t.Helper()
	p.Check = true
	r, err := p.Run()
	if err != nil {
		t.Errorf("seed %d: %v", p.Seed, err)
	}
	if r == nil {
		t.FailNow()
	}
	t.Logf("%+v", *r)
	return r
}

func TestTreesOverTheOverlay(t *testing.T) {
	p := Publishing{
		Scenario: Scenario{Nodes: 300, MeshMax: -1, Seed: 1, Duration: 5 * time.Second, Members: 200},
		Topics:   1, Reliable: true, Publishers: 5, Messages: 10,
	}
	r := published(t, p)
	if r.Missing+r.Gaps != 0 || r.Delivered == 0 {
		t.Errorf("%+v", *r)
	}
}

func TestCrashAtTheInstantOfPublishing(t *testing.T) {
	for seed := range uint64(3) {
		published(t, Publishing{
			Scenario: Scenario{Nodes: 100, MeshMax: -1, Seed: seed, Duration: 200 * time.Millisecond, Members: 98},
			Topics:   1, Reliable: true, Publishers: 5, Messages: 5, Crash: 0.05, Unnoticed: 8 * time.Second,
		})
	}
}

// A plain topic of few members is a list: one hop to each, and nobody else.
func TestListsAreOneHop(t *testing.T) {
	r := published(t, Publishing{
		Scenario: Scenario{Nodes: 300, MeshMax: -1, Seed: 4, Duration: 10 * time.Second, Members: 30},
		Topics:   2, Publishers: 5, Messages: 10,
	})
	if r.Mode != "list" || r.Missing != 0 || r.Delivered != 2*5*10*30 || r.Detour != 1 || r.Strangers != 0 {
		t.Errorf("%+v", *r)
	}
}

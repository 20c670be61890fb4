package sim

import (
	"testing"
	"time"

	"iris/router/pastry"
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
	t.Logf("%+v, %+v, hash %s", r.Shape, r.Tally, r.Hash)
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

// Routing tables like some nodes more than others; the trees are not deep for that.
func TestTreesAreFlatOverTheOverlay(t *testing.T) {
	p := Publishing{
		Scenario: Scenario{Nodes: 1000, MeshMax: -1, Seed: 1, Duration: time.Second, Members: 1000},
		Pace:     10 * time.Millisecond, Topics: 1, Publishers: 1,
	}
	r, err := p.Run()
	if err != nil || r.Children > 16 || r.DepthMean > 2.8 || r.DepthMax > 4 || r.RAD > 1.9 { // 2.70 is the least
		t.Fatal(r, err)
	}
	t.Logf("%+v, %.1f joins of each in both trees", r.Shape, r.JoinsPerMember)
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

func TestPublishingWhileNodesComeAndGo(t *testing.T) {
	for _, reliable := range []bool{true, false} {
		r := published(t, Publishing{
			Scenario: Scenario{Nodes: 100, MeshMax: -1, Seed: 2, Duration: 20 * time.Second, Members: 60, Session: 2 * time.Minute, Loss: 0.01},
			Pace:     time.Millisecond, Topics: 1, Reliable: reliable, Publishers: 5, Messages: 40,
		})
		if r.Delivered*3 < r.Published*2 || reliable && r.Delivered+r.Gaps != r.Published {
			t.Errorf("%+v", *r)
		}
	}
}

// However it is cut, no member keeps a parent of the past.
func TestTreesHealAfterPartitions(t *testing.T) {
	for name, cut := range map[string]func(a, b pastry.Handle) bool{"halves": Halves, "one way": OneWay} {
		r := ok(t, func() (*Result, error) {
			return Scenario{Nodes: 120, Rate: 0.02, Seed: 3, MeshMax: -1, Members: 80, Duration: time.Minute, Check: true}.Partition(cut)
		})
		if r.TreesAfter > 30 || r.Members != 80 {
			t.Errorf("%s: the trees of %d members are whole after %.1f s", name, r.Members, r.TreesAfter)
		}
	}
}

// The same seed gives the same run, over the wire format as well.
func TestSameSeedSameTrees(t *testing.T) {
	p := Publishing{
		Scenario: Scenario{Nodes: 60, MeshMax: -1, Seed: 9, Duration: time.Second, Members: 50, Loss: 0.01},
		Pace:     time.Millisecond, Topics: 1, Reliable: true, Publishers: 3, Messages: 4, Crash: 0.05,
	}
	hashes := map[string]bool{}
	for _, encode := range []bool{false, false, true} {
		p.Encode = encode
		hashes[published(t, p).Hash] = true
	}
	if len(hashes) != 1 {
		t.Errorf("%d different runs of one seed", len(hashes))
	}
}

func TestSeedsAreSummedUp(t *testing.T) {
	p := Publishing{
		Scenario: Scenario{Nodes: 40, Seed: 3, Duration: time.Second, Members: 33},
		Pace:     time.Millisecond, Topics: 1, Publishers: 2, Messages: 2,
	}
	r, err := p.RunSeeds(3)
	if err != nil || r.Seeds != 3 || r.Messages != 3*2*2 || r.Published != r.Messages*33 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPublishingsThatMakeNoSense(t *testing.T) {
	good := Publishing{Scenario: Scenario{Nodes: 10, Members: 5}, Topics: 1, Publishers: 1}
	for name, change := range map[string]func(p *Publishing){
		"members":   func(p *Publishing) { p.Members = 11 },
		"nobody":    func(p *Publishing) { p.Members = 0 },
		"topics":    func(p *Publishing) { p.Topics = 0 },
		"messages":  func(p *Publishing) { p.Messages = -1 },
		"crash":     func(p *Publishing) { p.Crash = 1 },
		"unnoticed": func(p *Publishing) { p.Unnoticed = time.Hour },
		"pace":      func(p *Publishing) { p.Pace = -1 },
		"session":   func(p *Publishing) { p.Session = time.Minute },
		"nodes":     func(p *Publishing) { p.Nodes = 0 },
		"loss":      func(p *Publishing) { p.Loss = 1 },
		"leaf":      func(p *Publishing) { p.Leaf = 5 },
	} {
		p := good
		if change(&p); p.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

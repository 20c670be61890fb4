package sim

import (
	"slices"
	"testing"
	"time"

	"iris/router/pastry"
)

// garden is a world in which everything runs at once: overlay, trees with a reliable
// topic on them, and a cluster with balancers.
type garden struct {
	*run
	t       *Topic
	c       *Cluster
	steady  []pastry.Handle // nothing happens to them
	others  []pastry.Handle // that were crashed are still named
	started time.Duration
}

// plantGarden starts nodes; half of them subscribe, some are members, some askers.
func plantGarden(t *testing.T, seed uint64, nodes int) *garden {
	t.Helper()
	r, err := Scenario{Nodes: nodes, MeshMax: -1, Seed: seed, Check: true, Encode: seed%2 == 0, Skew: 0.001}.begin(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.joinAll()
	r.Run(r.now + 30*time.Second)
	g := &garden{run: r, t: r.NewTopic("news", true), c: r.NewCluster("echo")}
	who := slices.Clone(r.ring)
	r.rng.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
	g.steady, g.others = who[:nodes/3], who[nodes/3:]
	for i, h := range who {
		if i%2 == 0 {
			g.t.Subscribe(h, true)
		}
		if i%5 == 0 {
			g.c.Join(h)
		}
	}
	r.Run(r.now + 30*time.Second)
	if err := g.t.Whole(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	g.started = r.now
	return g
}

// harm does something bad, or good, to a node or a link.
func (g *garden) harm() {
	i := g.rng.IntN(len(g.others))
	h := g.others[i]
	dead := g.members[h].node == nil
	switch k := g.rng.IntN(20); {
	case dead && k < 10: // a process that starts again has another id
		g.others[i] = g.Spawn()
		g.t.Subscribe(g.others[i], k%2 == 0)
	case dead:
	case k < 2:
		g.Crash(h)
	case k < 3:
		g.Leave(h)
	case k < 4:
		g.Pause(h, time.Duration(1+g.rng.IntN(20))*time.Second)
	case k < 6:
		if p := g.t.at(h); p != nil {
			g.t.Subscribe(h, !p.member)
		}
	case k < 9: // the link to a neighbour in a tree
		if to := g.forest.neighbours(h); len(to) > 0 {
			g.CutLink(h, to[g.rng.IntN(len(to))], 700*time.Millisecond)
		}
	case k < 10:
		n := g.Spawn()
		g.others = append(g.others, n)
		g.t.Subscribe(n, true)
	}
}

// discover gives new seeds to those who found no way in: theirs may have crashed.
func (g *garden) discover() {
	for _, h := range g.alive {
		if m := &g.members[h]; !m.active && m.paused == 0 {
			g.start(h)
		}
	}
}

// live lets time pass in which events are published and requests are sent.
func (g *garden) live(d time.Duration, harm bool) {
	for end := g.now + d; g.now < end && g.err == nil; {
		if g.rng.IntN(20) == 0 {
			g.discover()
		}
		g.t.Publish(g.steady[g.rng.IntN(8)])
		for range 5 {
			g.c.Ask(g.steady[8+g.rng.IntN(8)])
		}
		if harm && g.rng.IntN(2) == 0 {
			g.harm()
		}
		g.Run(g.now + time.Duration(g.rng.IntN(200))*time.Millisecond)
	}
}

// rest lets everything settle and holds it to what must be true then.
func (g *garden) rest(t *testing.T, seed uint64) {
	t.Helper()
	g.discover()
	g.Run(g.now + 90*time.Second)
	if g.err != nil {
		t.Fatalf("seed %d: %v", seed, g.err)
	}
	if n := g.Broken(); n > 0 {
		t.Errorf("seed %d: %d nodes do not know their neighbours", seed, n)
	}
	if err := g.t.Whole(); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	y, err := g.t.Tally(g.started)
	if err != nil || y.Delivered+y.Gaps != y.Published {
		t.Errorf("seed %d: %+v, %v", seed, y, err)
	}
	if !g.c.l.Agreed() {
		t.Errorf("seed %d: the member list is not agreed upon", seed)
	}
	c := g.c
	if c.Open() > 0 || c.Answered+c.Lost+c.Nobody != c.Sent || c.Answered*3 < c.Sent*2 {
		t.Errorf("seed %d: of %d requests %d answered, %d lost, %d for nobody, %d open", seed, c.Sent, c.Answered, c.Lost, c.Nobody, c.Open())
	}
	t.Logf("seed %d: %d nodes; %+v; %d requests, %d answered, %d lost, %d for nobody; hash %016x", seed, len(g.alive), y, c.Sent, c.Answered, c.Lost, c.Nobody, g.hash)
}

func TestEverythingTogether(t *testing.T) {
	for seed := range uint64(3) {
		g := plantGarden(t, seed, 120)
		g.live(60*time.Second, true)
		g.rest(t, seed)
	}
}

// A cut in halves ends both: what was published in the other half comes, or a gap.
func TestEverythingTogetherCutInHalves(t *testing.T) {
	for seed := range uint64(2) {
		g := plantGarden(t, seed, 80)
		g.Net.Cut = Halves
		g.forest.strain()
		g.live(40*time.Second, false)
		g.Net.Cut = nil
		g.live(20*time.Second, false)
		g.rest(t, seed)
	}
}

func TestEverythingTogetherIsRepeatable(t *testing.T) {
	var hashes [2]uint64
	for i := range hashes {
		g := plantGarden(t, 7, 60)
		g.live(15*time.Second, true)
		hashes[i] = g.hash
	}
	if hashes[0] != hashes[1] {
		t.Error("two runs of one seed differ")
	}
}

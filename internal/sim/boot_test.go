package sim

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
)

// deed is something done to a world at a time.
type deed struct {
	at time.Duration
	do func()
}

// perform does everything in its time.
func (r *run) perform(deeds []deed) {
	slices.SortStableFunc(deeds, func(a, b deed) int { return cmp.Compare(a.at, b.at) })
	for _, d := range deeds {
		r.Run(d.at)
		d.do()
	}
}

// link tells two nodes that there is a link between them.
func (r *run) link(a, b pastry.Handle) {
	rtt := 2 * r.Net.delay(r.World, a, b)
	r.step(a, &pastry.Event{Kind: pastry.Met, From: b, RTT: rtt})
	r.step(b, &pastry.Event{Kind: pastry.Met, From: a, RTT: rtt})
}

// boot returns what starts nodes within 100 ms, each with four links to others;
// first is told to begin.
func (r *run) boot(nodes []pastry.Handle, first pastry.Handle) (deeds []deed) {
	start := map[pastry.Handle]time.Duration{}
	for _, h := range nodes {
		start[h] = r.now + time.Duration(r.rng.Int64N(int64(100*time.Millisecond)))
	}
	for _, h := range nodes {
		e := pastry.Event{Kind: pastry.Start}
		for range 4 {
			o := nodes[r.rng.IntN(len(nodes))]
			if o == h {
				continue
			}
			e.Seeds = append(e.Seeds, o)
			up := max(start[h], start[o]) + 2*r.Net.delay(r.World, h, o)
			deeds = append(deeds, deed{up, func() { r.link(h, o) }})
		}
		deeds = append(deeds, deed{start[h], func() { r.step(h, &e) }})
	}
	return append(deeds, deed{start[first] + 50*time.Millisecond, func() { r.step(first, &pastry.Event{Kind: pastry.Start}) }})
}

// place puts k nodes on the plane that were not started.
func (r *run) place(k int) []pastry.Handle {
	from := len(r.alive)
	for range k {
		r.add(id.ID{Hi: r.rng.Uint64(), Lo: r.rng.Uint64()}, 1)
	}
	return slices.Clone(r.alive[from:])
}

func begin(t *testing.T, mesh int, seed uint64) *run {
	t.Helper()
	r, err := Scenario{Leaf: 16, MeshMax: mesh, Seed: seed, Check: true}.begin(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole fails the test unless there is one ring of all, and a mesh if it should
// be one, within limit.
func (r *run) whole(t *testing.T, limit time.Duration, mesh bool) {
	t.Helper()
	began := r.now
	done := func() bool {
		if r.Broken() != 0 {
			return false
		}
		for _, h := range r.alive {
			n := r.members[h].node
			if mesh && (!n.Mesh() || len(n.Leaves()) != len(r.alive)-1) {
				return false
			}
		}
		return true
	}
	for !done() && r.now-began < limit && r.err == nil {
		r.Run(r.now + 50*time.Millisecond)
	}
	if r.err != nil || !done() {
		t.Fatalf("after %v: %d of %d wrong, %v", limit, r.Broken(), len(r.alive), r.err)
	}
	t.Logf("seed %d: whole after %v, %d steps", r.World.seed, r.now-began, r.steps)
}

// All nodes start at once and know a few others, none of which is active.
func TestAllStartAtOnce(t *testing.T) {
	for _, mesh := range []int{-1, 256} {
		for seed := range uint64(3) {
			r := begin(t, mesh, seed)
			nodes := r.place(200)
			r.perform(r.boot(nodes, nodes[0]))
			r.whole(t, 10*time.Second, mesh > 0)
		}
	}
}

// Two rings that never heard of each other become one over a single link.
func TestTwoRingsMeet(t *testing.T) {
	for _, mesh := range []int{-1, 256} {
		for seed := range uint64(3) {
			r := begin(t, mesh, seed)
			a, b := r.place(60), r.place(60)
			r.perform(append(r.boot(a, a[0]), r.boot(b, b[0])...))
			r.Run(r.now + 10*time.Second)
			r.link(a[7], b[9])
			r.whole(t, 15*time.Second, mesh > 0)
		}
	}
}

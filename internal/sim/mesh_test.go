package sim

import (
	"testing"
	"time"
)

// meshes returns how many nodes take everybody for a leaf.
func (r *run) meshes() (k int) {
	for _, h := range r.alive {
		if r.members[h].node.Mesh() {
			k++
		}
	}
	return k
}

// A network that shrinks becomes a mesh again: everybody a leaf of everybody.
func TestMeshAgain(t *testing.T) {
	for seed := range uint64(4) {
		r, err := Scenario{Nodes: 90, Leaf: 16, MeshMax: 64, Seed: seed, Check: true}.begin(t.Name())
		if err != nil {
			t.Fatal(err)
		}
		r.joinAll()
		r.Run(r.now + time.Minute)
		if k := r.meshes(); k > len(r.alive)/4 {
			t.Fatalf("seed %d: %d of %d nodes in a mesh where 64 are the limit", seed, k, len(r.alive))
		}
		for i := 0; len(r.alive) > 40; i++ {
			h := r.alive[r.rng.IntN(len(r.alive))]
			if i%2 == 0 {
				r.Crash(h)
			} else {
				r.Leave(h)
			}
			r.Run(r.now + 5*time.Second)
		}
		r.whole(t, 30*time.Minute, true)
	}
}

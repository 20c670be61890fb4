package actor

import (
	"math/rand/v2"
	"testing"
)

// A few behaves like a map.
func TestFewIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var f few[int]
		model := map[int]bool{}
		for range 40 {
			k := r.IntN(6)
			if r.IntN(2) == 0 {
				f.add(k)
				model[k] = true
			} else {
				f.remove(k)
				delete(model, k)
			}
			n := 0
			for k := range f.all() {
				if n++; !model[k] {
					t.Fatalf("has %d, which was removed", k)
				}
			}
			for k := range 6 {
				if f.has(k) != model[k] {
					t.Fatalf("has(%d) is %v", k, f.has(k))
				}
			}
			if n != len(model) {
				t.Fatalf("%d elements, want %d", n, len(model))
			}
		}
	}
}

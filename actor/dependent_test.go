package actor

import (
	"testing"
	"time"
)

// A node is depended on while it owes a reply, watches or is watched.
func TestDependentNodes(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	depends := func(s *System) int { return len(s.Dependent()) }
	far := b.Spawn(echoWord().Exported())
	if depends(a)+depends(b) != 0 {
		t.Errorf("nobody waits, and %v, %v", a.Dependent(), b.Dependent())
	}
	gone := terminations(t, a, far)
	if depends(a) != 1 || depends(b) != 1 {
		t.Errorf("while one watches: %v, %v", a.Dependent(), b.Dependent())
	}
	if err := a.Stop(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	receive(t, gone)
	if depends(a)+depends(b) != 0 {
		t.Errorf("after the end: %v, %v", a.Dependent(), b.Dependent())
	}
	failed := make(chan Reply, 1)
	id, err := a.Replies().Open("n3", time.Time{}, func(r Reply) { failed <- r })
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Dependent()["n3"]; !ok {
		t.Error("who owes a reply is not depended on")
	}
	a.Replies().Fail("n2", id, ErrUnreachable) // it was not asked
	a.Replies().Fail("n3", id, ErrUnreachable)
	a.Replies().Fail("n3", id, ErrUnreachable)
	if r := receive(t, failed); r.Err != ErrUnreachable || len(failed) != 0 || depends(a) != 0 {
		t.Errorf("failed with %v, and %d more", r.Err, len(failed))
	}
}

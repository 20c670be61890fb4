package acceptance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Members come and go, half of them by kill -9, while requests that may be
// repeated run: at most one of a thousand fails, and in the end everybody sees
// exactly who is there.
func TestChurn(t *testing.T) {
	full(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	ps := network(t, 5)
	asker, members := ps[0], ps[1:]
	for _, p := range members {
		p.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	}
	asker.do("load", loadArgs{Name: "idempotent", Cluster: "echo", Rate: 300, Idempotent: true})
	asker.do("load", loadArgs{Name: "plain", Cluster: "echo", Rate: 300})
	kills := 0
	for round := range 12 {
		lasting(time.Duration(rnd.IntN(1500)) * time.Millisecond)
		i := rnd.IntN(len(members))
		if rnd.IntN(2) == 0 {
			members[i].signal(syscall.SIGKILL)
			kills++
		} else {
			members[i].do("stop", nil)
		}
		members[i] = spawn(t, fmt.Sprintf("node %d, round %d", i+2, round))
		members[i].start(startArgs{})
		members[i].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	}
	for _, p := range append([]*process{asker}, members...) {
		p.await(len(members))
	}
	lasting(time.Second)
	idempotent := must[loadResult](asker, "loaded", loadArgs{Name: "idempotent"})
	plain := must[loadResult](asker, "loaded", loadArgs{Name: "plain"})
	for _, f := range idempotent.Failures {
		t.Logf("a request that may be repeated failed: %s: %s", f.Kind, f.Text)
	}
	if 1000*len(idempotent.Failures) > idempotent.Sent {
		t.Errorf("%d of %d requests that may be repeated failed", len(idempotent.Failures), idempotent.Sent)
	}
	kinds := map[string]int{}
	for _, f := range plain.Failures {
		kinds[f.Kind]++
		if strings.HasPrefix(f.Kind, "untyped") {
			t.Errorf("a request failed with %s", f.Kind)
		}
	}
	t.Logf("%d kills, %d stops; idempotent: %d requests, p99 %.1f ms, max %.0f ms; plain: %d requests, failures %v",
		kills, 12-kills, idempotent.Sent, idempotent.P99Ms, idempotent.Max, plain.Sent, kinds)
	want := map[string]bool{}
	for _, p := range members {
		want[p.ID] = true
	}
	for _, p := range must[[]struct{ ID string }](asker, "peers", nil) {
		if !want[p.ID] {
			t.Errorf("the asker has the peer %s, which is gone", p.ID)
		}
	}
}

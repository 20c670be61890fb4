package reliable

import (
	"flag"
	"testing"
	"time"
)

var (
	slow  = flag.Bool("slow", false, "run the large versions")
	seeds = flag.Int("seeds", 0, "seeds of TestCrashAtPublish; 0 means 12, 1000 with -slow")
	first = flag.Uint64("seed", 1, "first seed of TestCrashAtPublish")
)

// crashAtPublish lets 5 % of the nodes crash at the instant in which others
// publish, and returns the world after a time.
func crashAtPublish(t failer, seed uint64, nodes int, reliable, repair bool, then time.Duration) *world {
	w := newWorld(t, seed, nodes, Config{Reliable: reliable})
	for _, v := range w.nodes[:nodes-2] { // two publish from outside
		w.subscribe(v, true)
	}
	w.run(15 * time.Second)
	w.frozen = !repair
	publishers := []*worldNode{w.nodes[nodes-1], w.nodes[nodes-2]}
	for range 3 {
		publishers = append(publishers, w.nodes[w.rnd.IntN(nodes-2)])
	}
	for i := range 5 {
		for _, p := range publishers {
			if p.alive {
				w.publish(p)
			}
		}
		if i == 2 {
			for range nodes / 20 {
				if v := w.nodes[w.rnd.IntN(nodes)]; v.alive {
					w.crash(v)
				}
			}
		}
		w.run(time.Duration(w.rnd.IntN(30)) * time.Millisecond)
	}
	w.run(then)
	return w
}

func TestCrashAtPublish(t *testing.T) {
	n, nodes := 12, 60
	if *slow {
		n, nodes = 1000, 100
	}
	if *seeds > 0 {
		n = *seeds
	}
	var all tally
	sent := map[string]int{}
	for seed := *first; seed < *first+uint64(n); seed++ {
		w := crashAtPublish(t, seed, nodes, true, true, 25*time.Second)
		sum, err := w.tally(time.Second)
		if err != nil {
			t.Errorf("seed %d: %v\nreplay: go test ./topics/reliable -run TestCrashAtPublish -slow=%v -seeds 1 -seed %d", seed, err, *slow, seed)
		}
		all.published += sum.published
		all.delivered += sum.delivered
		all.gapped += sum.gapped
		for k, v := range w.sent {
			sent[k] += v
		}
	}
	t.Logf("%d seeds of %d nodes: %d messages, %.4f %% delivered, %d gaps, sent %v", n, nodes,
		all.published, 100*float64(all.delivered)/float64(all.published), all.gapped, sent)
	if all.delivered+all.gapped != all.published {
		t.Errorf("%d delivered + %d gaps are not %d published", all.delivered, all.gapped, all.published)
	}
	for _, reliable := range []bool{false, true} {
		var part tally
		for seed := range uint64(min(n, 50)) {
			w := crashAtPublish(t, seed, nodes, reliable, false, 8*time.Second)
			sum, _ := w.tally(time.Second)
			part.published += sum.published
			part.delivered += sum.delivered
		}
		t.Logf("without repair of the trees, reliable %v: %.3f %% delivered after 8 s", reliable, 100*float64(part.delivered)/float64(part.published))
	}
}

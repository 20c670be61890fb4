package reliable

import (
	"testing"
	"time"
)

// churn lets nodes come, go, crash and publish at random; a third of the
// nodes stays and subscribes all the time.
func churn(w *world, rounds int) {
	steady := len(w.nodes) / 3
	for _, v := range w.nodes[:steady*2] {
		w.subscribe(v, true)
	}
	w.run(10 * time.Second)
	for range rounds {
		v := w.nodes[steady+w.rnd.IntN(len(w.nodes)-steady)]
		switch k := w.rnd.IntN(12); {
		case !v.alive:
			w.boot(v)
			w.after(0, w.reroute)
		case k < 2:
			w.subscribe(v, !v.want)
		case k == 2:
			w.crash(v)
		case k < 6: // one of those that stay: its streams must be whole
			w.publish(w.nodes[w.rnd.IntN(steady)])
		default:
			w.publish(v)
		}
		if w.rnd.IntN(3) > 0 {
			w.run(time.Duration(w.rnd.IntN(300)) * time.Millisecond)
		}
	}
	w.run(30 * time.Second)
}

// TestChurnLosesNothing holds subscribers that stay to: delivered + gaps = published,
// in order, nothing twice; and counts that gaps are rare.
func TestChurnLosesNothing(t *testing.T) {
	n := 8
	if *slow {
		n = 300
	}
	var all tally
	for seed := range uint64(n) {
		w := newWorld(t, seed, 45, Config{Reliable: true})
		churn(w, 200)
		sum, err := w.tally(time.Second)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		all.published += sum.published
		all.delivered += sum.delivered
		all.gapped += sum.gapped
	}
	t.Logf("%d seeds: %d messages, %.4f %% delivered, %d gaps", n, all.published, 100*float64(all.delivered)/float64(all.published), all.gapped)
	if all.delivered+all.gapped != all.published || all.gapped*1000 > all.published {
		t.Errorf("%+v", all)
	}
}

// TestLinkCutsLoseNothing cuts links of the trees again and again while everybody
// publishes: what was on its way is lost, nobody crashes.
func TestLinkCutsLoseNothing(t *testing.T) {
	n := 8
	if *slow {
		n = 500
	}
	var all tally
	for seed := range uint64(n) {
		w := newWorld(t, seed, 40, Config{Reliable: true})
		for _, v := range w.nodes[:38] {
			w.subscribe(v, true)
		}
		w.run(10 * time.Second)
		for range 150 {
			v := w.nodes[w.rnd.IntN(len(w.nodes))]
			if to := v.trees[w.rnd.IntN(stripes)].Parent(); w.rnd.IntN(3) == 0 && !to.IsZero() {
				w.cut(v, w.find(to))
			} else {
				w.publish(v)
			}
			w.run(time.Duration(w.rnd.IntN(150)) * time.Millisecond)
		}
		w.run(30 * time.Second)
		sum, err := w.tally(time.Second)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		all.published += sum.published
		all.delivered += sum.delivered
		all.gapped += sum.gapped
	}
	t.Logf("%d seeds: %d messages, %.4f %% delivered, %d gaps", n, all.published, 100*float64(all.delivered)/float64(all.published), all.gapped)
	if all.delivered+all.gapped != all.published || all.gapped*1000 > all.published {
		t.Errorf("%+v", all)
	}
}

// TestNewcomersBeginWhereTheyAre lets nodes subscribe between publications:
// they get no gap for what was before them.
func TestNewcomersBeginWhereTheyAre(t *testing.T) {
	w := newWorld(t, 5, 40, Config{Reliable: true})
	for _, v := range w.nodes[:20] {
		w.subscribe(v, true)
	}
	w.run(10 * time.Second)
	for i := range 20 {
		w.publish(w.nodes[0])
		w.run(200 * time.Millisecond)
		w.subscribe(w.nodes[20+i], true)
		w.run(200 * time.Millisecond)
	}
	w.run(15 * time.Second)
	for i, v := range w.nodes[20:] {
		for _, r := range v.got {
			if r.gapped > 0 || r.next != 21 || r.first < uint64(i) {
				t.Errorf("newcomer %d: %+v", i, r)
			}
		}
		if len(v.got) == 0 && i < 19 {
			t.Errorf("newcomer %d got nothing", i)
		}
	}
}

func TestPlainTopicsDeliverAtMostOnce(t *testing.T) {
	var all tally
	for seed := range uint64(5) {
		w := newWorld(t, seed, 45, Config{})
		churn(w, 150)
		sum, err := w.tally(time.Second)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		all.published += sum.published
		all.delivered += sum.delivered
		if len(w.sent) > 0 && w.sent["*reliable.Digest"]+w.sent["*reliable.Sync"]+w.sent["*reliable.Pull"] > 0 {
			t.Errorf("a plain topic sends %v", w.sent)
		}
	}
	if t.Logf("%.2f %% delivered", 100*float64(all.delivered)/float64(all.published)); all.delivered*10 < all.published*8 {
		t.Errorf("%+v", all)
	}
}

func TestSameSeedSameSteps(t *testing.T) {
	var hashes [2]uint64
	for i := range hashes {
		w := newWorld(t, 5, 30, Config{Reliable: true})
		churn(w, 100)
		hashes[i] = w.hash
	}
	if hashes[0] != hashes[1] {
		t.Error("two runs of one seed differ")
	}
}

// TestOnePayloadPerMember counts what a quiet network costs: each node gets each
// message once, pulls nothing.
func TestOnePayloadPerMember(t *testing.T) {
	w := newWorld(t, 8, 60, Config{Reliable: true})
	for _, v := range w.nodes {
		w.subscribe(v, true)
	}
	w.run(15 * time.Second)
	clear(w.sent)
	const messages = 20
	for i := range messages {
		w.publish(w.nodes[i])
		w.run(50 * time.Millisecond)
	}
	w.run(15 * time.Second)
	if d := w.sent["*reliable.Data"]; d != messages*59 {
		t.Errorf("%d payloads for %d messages to 59 others", d, messages)
	}
	if w.sent["*reliable.Pull"] > 0 {
		t.Errorf("sent %v", w.sent)
	}
}

// TestAPublisherThatIsCutOff: what somebody outside the tree published while no
// way led to it, for longer than rings last, is told when there is one again, and to all
// at about the same time.
func TestAPublisherThatIsCutOff(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 30, Config{Reliable: true})
		for _, v := range w.nodes[:20] {
			w.subscribe(v, true)
		}
		w.run(10 * time.Second)
		owed := uint64(0)
		for _, v := range w.nodes[20:] {
			if v.trees[v.data.stripeOf(v.id)].Tree().Entry == v.id { // neighbours notice a new link
				continue
			}
			for _, x := range w.nodes {
				w.cuts[pair(v, x)] = cutLink{w.now, w.now + 15*time.Second}
			}
			w.publish(v)
			w.publish(v)
			owed += 2 * 20
		}
		w.run(15*time.Second + 10*time.Second) // the cut, and until the entry is told again
		w.run(10*time.Second + 5*time.Second)  // the horizon, and the way through the tree
		if sum, err := w.tally(time.Second); err != nil || sum.published != owed || owed == 0 {
			t.Errorf("seed %d: %+v of %d: %v", seed, sum, owed, err)
		}
	}
}

package acceptance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"iris/internal/id"
)

// stage is a structured network of real processes, and who serves what in it.
type stage struct {
	t      *testing.T
	ps     []*process
	leaves int
	serves map[string][]string // cluster -> ids of nodes
}

// structured starts n nodes that keep links to some others only, a third of them
// together, the others one after another with the address of one that is there.
// It waits until every one is linked to its neighbours on the ring.
func structured(t *testing.T, n, leaves int) *stage {
	t.Helper()
	s := &stage{t: t, leaves: leaves, serves: map[string][]string{}}
	for i := range n {
		s.ps = append(s.ps, spawn(t, fmt.Sprintf("node %d", i+1)))
	}
	began := time.Now()
	first, others := s.ps[:n/3], s.ps[n/3:]
	each(first, func(p *process) { p.start(startArgs{MeshMax: 4, LeafSet: leaves}) })
	for i, p := range others {
		p.start(startArgs{MeshMax: 4, LeafSet: leaves, NoHost: true, Seeds: []string{first[i%len(first)].Addr}})
	}
	holds(t, fmt.Sprintf("%d nodes have started", n), ms(time.Since(began)), 10_000, "ms")
	s.ring()
	holds(t, fmt.Sprintf("%d nodes are one ring", n), ms(time.Since(began)), 15_000, "ms")
	links := 0
	for _, p := range s.ps {
		links += len(s.linked(p))
	}
	t.Logf("%.1f links per node, of %d other nodes", float64(links)/float64(n), n-1)
	return s
}

// each calls f for all processes at the same time.
func each(ps []*process, f func(*process)) {
	var wg sync.WaitGroup
	for _, p := range ps {
		wg.Go(func() { f(p) })
	}
	wg.Wait()
}

// linked returns the healthy peers of p.
func (s *stage) linked(p *process) map[string]bool {
	s.t.Helper()
	peers := map[string]bool{}
	for _, q := range must[[]struct {
		ID      string
		Suspect bool
	}](p, "peers", nil) {
		if !q.Suspect {
			peers[q.ID] = true
		}
	}
	return peers
}

// ring waits until every node is linked to its neighbours on the ring and to
// nobody who is gone.
func (s *stage) ring() {
	s.t.Helper()
	ids := make([]string, len(s.ps))
	for i, p := range s.ps {
		ids[i] = p.ID
	}
	slices.Sort(ids) // the order of the ring
	for _, p := range s.ps {
		near := s.neighbours(p.ID, ids)
		eventually(s.t, p.name+" is linked to its neighbours on the ring", func() bool {
			peers := s.linked(p)
			for _, n := range near {
				if !peers[n] {
					return false
				}
			}
			for peer := range peers {
				if !slices.Contains(ids, peer) {
					return false
				}
			}
			return true
		})
	}
}

// neighbours returns who of the ring of ids belongs into the leaf set of self: of
// either half of the ring those that are nearest.
func (s *stage) neighbours(self string, ids []string) (list []string) {
	at := slices.Index(ids, self)
	me, _ := id.Parse(self)
	opposite := id.ID{Hi: me.Hi ^ 1<<63, Lo: me.Lo}
	for d := 1; d <= min(s.leaves, len(ids)-1)/2; d++ {
		after, before := ids[(at+d)%len(ids)], ids[(at-d+len(ids))%len(ids)]
		if a, _ := id.Parse(after); id.Between(me, a, opposite) {
			list = append(list, after)
		}
		if b, _ := id.Parse(before); id.Between(opposite, b, me) {
			list = append(list, before)
		}
	}
	return list
}

// serve registers clusters at random nodes, every other one at two.
func (s *stage) serve(clusters int, rnd *rand.Rand) {
	s.t.Helper()
	todo := map[*process][]string{}
	for i := range clusters {
		name := fmt.Sprintf("cluster-%d", i)
		for _, k := range rnd.Perm(len(s.ps))[:1+i%2] {
			p := s.ps[k]
			todo[p] = append(todo[p], name)
			s.serves[name] = append(s.serves[name], p.ID)
		}
	}
	began := time.Now()
	each(s.ps, func(p *process) {
		for _, name := range todo[p] {
			p.do("register", clusterArgs{Cluster: name, Kind: "sign"})
		}
	})
	s.t.Logf("%d clusters registered in %.2f s", clusters, time.Since(began).Seconds())
}

// storm lets every node send requests to random clusters: count of them, or
// until calmed.
func (s *stage) storm(name string, rate, count int, seed uint64) {
	s.t.Helper()
	var nth atomic.Uint64
	each(s.ps, func(p *process) {
		p.do("storm", stormArgs{Name: name, Serves: s.serves, Rate: rate, Count: count, Seed: seed + 1000*nth.Add(1)})
	})
}

// calmed ends a storm and returns the account of each node that lives.
func (s *stage) calmed(name string) []stormResult {
	s.t.Helper()
	var mu sync.Mutex
	var all []stormResult
	each(s.ps, func(p *process) {
		r := must[stormResult](p, "calmed", stormArgs{Name: name})
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r)
	})
	return all
}

// account adds up the storms of all nodes, and fails for wrong answers.
func (s *stage) account(name string) (failures []failure) {
	s.t.Helper()
	sent := 0
	var latency []float64
	for _, r := range s.calmed(name) {
		sent += r.Sent
		failures = append(failures, r.Failures...)
		latency = append(latency, r.LatencyMs...)
		if r.WrongCount > 0 {
			s.t.Errorf("%s: %d wrong answers, such as %q", name, r.WrongCount, r.Wrong)
		}
	}
	slices.Sort(latency)
	if len(latency) == 0 {
		s.t.Fatalf("%s: none of %d requests was answered", name, sent)
	}
	s.t.Logf("%s: %d requests, %d failed, p50 %.2f ms, p99 %.1f ms, max %.0f ms", name, sent, len(failures),
		latency[len(latency)/2], latency[len(latency)*99/100], latency[len(latency)-1])
	return failures
}

// kill ends some nodes at once, without a word, and returns their ids.
func (s *stage) kill(n int, rnd *rand.Rand) []string {
	s.t.Helper()
	rnd.Shuffle(len(s.ps), func(i, j int) { s.ps[i], s.ps[j] = s.ps[j], s.ps[i] })
	var dead []string
	for _, p := range s.ps[:n] {
		p.signal(syscall.SIGKILL)
		dead = append(dead, p.ID)
	}
	s.ps = s.ps[n:]
	return dead
}

// A structured network answers every request, from anywhere, by the right
// member. When a quarter of the nodes is killed at once, only requests that
// their members may have had fail, with typed errors; a few seconds later
// nothing fails any more but requests to clusters that nobody serves.
func TestAStructuredNetwork(t *testing.T) {
	// Half a leaf set that dies together may split the ring for seconds: with these
	// sizes that cannot happen, or hardly ever (6 neighbours of 24, all 6 killed).
	nodes, leaves, clusters, requests, killed, rate := 10, 6, 16, 800, 2, 10
	if *rows {
		nodes, leaves, clusters, requests, killed, rate = 24, 12, 100, 10_000, 6, 20
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 6))
	s := structured(t, nodes, leaves)
	s.serve(clusters, rnd)

	s.storm("quiet", 2*rate, (requests+nodes-1)/nodes, seed)
	for _, f := range s.account("quiet") {
		t.Errorf("a request to %s failed with %s", f.About, f.Text)
	}

	s.storm("killed", rate, 0, seed+1)
	lasting(seconds(4))
	at := time.Now()
	dead := s.kill(killed, rnd)
	lasting(seconds(16))
	failures := s.account("killed")
	s.judge(failures, dead, at)
	s.ring()

	s.storm("after", 2*rate, requests/nodes/4, seed+2)
	s.judge(s.account("after"), dead, at)
}

// judge holds failed requests to what a loss of nodes may cost.
func (s *stage) judge(failures []failure, dead []string, at time.Time) {
	s.t.Helper()
	steady := waits() // so long after the kill requests may fail that could be served, and so long before it they may have been sent
	gone := func(node string) bool { return slices.Contains(dead, node) }
	var last time.Duration
	kinds := map[string]int{}
	for _, f := range failures {
		serves := s.serves[f.About]
		late := time.Unix(0, f.Sent).Sub(at)
		after := time.Unix(0, f.Ended).Sub(at)
		nobody := !slices.ContainsFunc(serves, func(n string) bool { return !gone(n) })
		kind := f.Kind
		if nobody {
			kind += " of a cluster that died"
		}
		kinds[kind]++
		switch {
		case late < -steady || !slices.ContainsFunc(serves, gone):
			s.t.Errorf("%v after the kill a request to %s, whose nodes all live, failed: %s", after, f.About, f.Text)
		case !slices.Contains([]string{"ErrLost", "ErrUnreachable", "ErrNoMembers", "ErrTimeout"}, f.Kind):
			s.t.Errorf("a request failed with %s", f.Text)
		case nobody && (f.Kind == "ErrNoMembers" || f.Kind == "ErrUnreachable"): // for ever; not executed
		case nobody && late > steady:
			s.t.Errorf("a request sent %v after the kill to %s, which nobody serves, failed with %s", late, f.About, f.Text)
		case !nobody && f.Kind == "ErrNoMembers":
			s.t.Errorf("%v after the kill a request to %s, which has members, failed: %s", after, f.About, f.Text)
		default:
			last = max(last, after)
		}
	}
	s.t.Logf("failed: %v", kinds)
	holds(s.t, "the last failed request after the kill", ms(last), ms(steady), "ms")
}

package acceptance

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestALoneNodeIsReadyAtOnce(t *testing.T) {
	for range 3 {
		p := spawn(t, "lone")
		p.start(startArgs{})
		holds(t, "a lone node is ready", p.Took, 300, "ms after start")
		p.do("stop", nil)
	}
}

func TestProcessesStartedTogetherSeeEachOther(t *testing.T) {
	for _, c := range []struct {
		n     int
		bound float64
	}{{3, 1500}, {10, 4000}} {
		if c.n > 3 && !*rows {
			continue
		}
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			ps := make([]*process, c.n)
			for i := range ps {
				ps[i] = spawn(t, fmt.Sprintf("node %d", i+1))
			}
			together(t, ps, c.bound)
		})
	}
}

// together starts the workers' nodes at once and measures until all see all.
func together(t *testing.T, ps []*process, bound float64) {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for _, p := range ps {
		wg.Go(func() { p.start(startArgs{}) })
	}
	wg.Wait()
	var last time.Time
	for _, p := range ps {
		if at := p.await(len(ps) - 1); at.After(last) {
			last = at
		}
	}
	holds(t, fmt.Sprintf("%d processes see each other", len(ps)), ms(last.Sub(began)), bound, "ms")
}

func TestStrangersAreRefused(t *testing.T) {
	a := spawn(t, "node")
	a.start(startArgs{Network: "refusals"})
	otherKey, otherName := spawn(t, "other key"), spawn(t, "other name")
	otherKey.start(startArgs{Network: "refusals", Secret: secret + " another", Seeds: []string{a.Addr}})
	otherName.start(startArgs{Network: "refusals-2", Seeds: []string{a.Addr}})
	eventually(t, "the refusal is reported", func() bool {
		_, ok := a.first("LinkRefused", "", time.Time{})
		return ok
	})
	if *rows {
		lasting(5 * time.Second) // the strangers go on trying
	}
	reports := 0
	for _, p := range []*process{a, otherKey, otherName} {
		for _, e := range must[[]seen](p, "events", nil) {
			switch {
			case e.Kind == "PeerUp":
				t.Errorf("%s has the peer %s", p.name, e.About)
			case e.Kind == "LinkRefused" && p == a:
				reports++
			}
		}
	}
	if reports != 1 {
		t.Errorf("%d refusals reported within a minute, want 1", reports)
	}
}

func TestNobodyServes(t *testing.T) {
	ps := network(t, 3)
	for i := range 5 {
		r := must[requestResult](ps[0], "request", requestArgs{Cluster: fmt.Sprintf("nobody-%d", i)})
		if r.Error != "ErrNoMembers" {
			t.Fatalf("got %q (%s), want ErrNoMembers", r.Error, r.Text)
		}
		holds(t, "a request to a cluster nobody serves", r.TookMs, 50, "ms")
	}
}

func TestAPanickingHandler(t *testing.T) {
	ps := network(t, 3)
	ps[1].do("register", clusterArgs{Cluster: "p", Kind: "panic"})
	ps[2].do("register", clusterArgs{Cluster: "p", Kind: "panic"})
	const panics = 4
	for i := range panics {
		r := must[requestResult](ps[0], "request", requestArgs{Cluster: "p", Body: "panic"})
		if r.Error != "RemoteError" {
			t.Fatalf("got %q (%s), want a RemoteError", r.Error, r.Text)
		}
		holds(t, "the asker of a panicking handler hears", r.TookMs, 10, "ms")
		eventually(t, "the handler is restarted", func() bool {
			return count(ps[1:], "HandlerStarted") == 2+i+1
		})
	}
	// The other member goes on while one waits for its restart.
	ps[0].do("request", requestArgs{Cluster: "p", Body: "panic"})
	ok := 0
	for range 50 {
		if r := must[requestResult](ps[0], "request", requestArgs{Cluster: "p", Body: "fine"}); r.Error == "" {
			ok++
		}
	}
	if ok != 50 {
		t.Errorf("%d of 50 requests answered after a panic", ok)
	}
	eventually(t, "every panic is told", func() bool { return count(ps[1:], "HandlerFailed") >= panics+1 })
	stacks := 0
	for _, p := range ps[1:] {
		for _, e := range must[[]seen](p, "events", nil) {
			if e.Kind == "HandlerFailed" && e.More != "" {
				stacks++
			}
		}
	}
	if stacks != panics+1 {
		t.Errorf("%d HandlerFailed events with a stack, want %d", stacks, panics+1)
	}
}

// count is how many events of a kind the processes have seen together.
func count(ps []*process, kind string) (n int) {
	for _, p := range ps {
		for _, e := range must[[]seen](p, "events", nil) {
			if e.Kind == kind {
				n++
			}
		}
	}
	return n
}

func TestGracefulStopFailsNothing(t *testing.T) {
	ps := network(t, 4)
	for _, p := range ps[1:] {
		p.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	}
	ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: perSecond(1000)})
	lasting(seconds(2))
	ps[1].do("stop", nil)
	lasting(seconds(2))
	r := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
	t.Logf("%d requests at %.0f/s, p50 %.2f ms, p99 %.2f ms, max %.1f ms", r.Sent, r.RatePerS, r.P50Ms, r.P99Ms, r.Max)
	crossed := 0
	for _, f := range r.Failures {
		if f.Kind == "ErrLost" {
			crossed++
			continue
		}
		t.Errorf("a request of %d failed: %+v", r.Sent, f)
	}
	// On a machine too busy to hear of the departure in 500 ms some may cross the end of the link.
	holds(t, "requests that crossed the end of the link", float64(crossed), 0, "")
}

// seconds is a duration of the full run; short runs take a quarter.
func seconds(n int) time.Duration {
	d := time.Duration(n) * time.Second
	if !*rows {
		d /= 4
	}
	return d
}

// perSecond is a rate of the full run; short runs take a quarter, which a machine keeps up with that does other things too.
func perSecond(n int) int {
	if !*rows {
		n /= 4
	}
	return n
}

func TestKillOfAMemberUnderLoad(t *testing.T) {
	ps := network(t, 4)
	for _, p := range ps[1:] {
		p.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	}
	ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: perSecond(1000)})
	lasting(seconds(2))
	killed := time.Now()
	ps[1].signal(syscall.SIGKILL)
	lasting(5 * time.Second)
	r := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
	t.Logf("%d requests at %.0f/s, %d failed, p50 %.2f ms, p99 %.2f ms, max %.1f ms", r.Sent, r.RatePerS, len(r.Failures), r.P50Ms, r.P99Ms, r.Max)
	var last time.Duration
	for _, f := range r.Failures {
		if f.Kind != "ErrLost" {
			t.Errorf("a request failed with %s: %s", f.Kind, f.Text)
		}
		last = max(last, time.Unix(0, f.Ended).Sub(killed))
	}
	holds(t, "the last failure after kill -9", ms(last), 2000, "ms")
	for _, p := range []*process{ps[0], ps[2], ps[3]} {
		var e seen
		eventually(t, p.name+" reports the peer down", func() (ok bool) {
			e, ok = p.first("PeerDown", ps[1].ID, killed)
			return ok
		})
		holds(t, p.name+" reports the peer down after kill -9", ms(time.Unix(0, e.At).Sub(killed)), 4000, "ms")
	}
}

func TestAStoppedProcessComesBack(t *testing.T) {
	full(t)
	ps := network(t, 4)
	for _, p := range ps[1:] {
		p.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	}
	ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 500})
	lasting(time.Second)
	stopped := time.Now()
	ps[1].signal(syscall.SIGSTOP)
	lasting(8 * time.Second)
	continued := time.Now()
	ps[1].signal(syscall.SIGCONT)
	for _, p := range ps {
		at := p.await(3)
		holds(t, p.name+" has all peers again after SIGCONT", ms(at.Sub(continued)), 3000, "ms")
	}
	lasting(2 * time.Second)
	r := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
	var last time.Duration
	kinds := map[string]int{}
	for _, f := range r.Failures {
		kinds[f.Kind]++
		last = max(last, time.Unix(0, f.Sent).Sub(stopped))
	}
	t.Logf("%d requests, failures %v", r.Sent, kinds)
	holds(t, "the last failed request was sent after SIGSTOP", ms(last), 4000, "ms")
	for _, p := range []*process{ps[0], ps[2], ps[3]} {
		if e, ok := p.first("PeerSuspected", ps[1].ID, stopped); ok {
			holds(t, p.name+" suspects after SIGSTOP", ms(time.Unix(0, e.At).Sub(stopped)), 4000, "ms")
		} else {
			t.Errorf("%s did not suspect the stopped process", p.name)
		}
	}
	for _, p := range ps {
		for _, e := range must[[]seen](p, "events", nil) {
			if (e.Kind == "PeerSuspected" || e.Kind == "PeerDown") && e.About != ps[1].ID && e.At > stopped.UnixNano() {
				t.Errorf("%s accused %s of being %s: %s", p.name, e.About, e.Kind, e.More)
			}
		}
	}
}

func TestARestartAtTheSameAddress(t *testing.T) {
	full(t)
	for _, traffic := range []bool{true, false} {
		t.Run(fmt.Sprintf("traffic=%v", traffic), func(t *testing.T) {
			ps := network(t, 3)
			ps[1].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
			ps[2].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
			if traffic {
				ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 500})
			}
			lasting(time.Second)
			old, addr := ps[1].ID, ps[1].Addr
			ps[1].signal(syscall.SIGKILL)
			fresh := spawn(t, "node 2 again")
			restarted := time.Now()
			fresh.start(startArgs{Listen: addr})
			fresh.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
			bound := 4000.0
			if traffic {
				bound = 2000
			}
			for _, p := range []*process{ps[0], ps[2]} {
				eventually(t, "the new incarnation is a peer", func() bool {
					_, up := p.first("PeerUp", fresh.ID, restarted)
					_, down := p.first("PeerDown", old, restarted)
					return up && down
				})
				up, _ := p.first("PeerUp", fresh.ID, restarted)
				down, _ := p.first("PeerDown", old, restarted)
				holds(t, p.name+" is on the new incarnation", ms(time.Unix(0, max(up.At, down.At)).Sub(restarted)), bound, "ms")
			}
			if traffic {
				lasting(time.Second)
				r := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
				for _, f := range r.Failures {
					if f.Kind != "ErrLost" {
						t.Errorf("a request failed with %s: %s", f.Kind, f.Text)
					}
				}
				t.Logf("%d requests, %d lost with the old process", r.Sent, len(r.Failures))
			}
		})
	}
}

func TestAStuckSubscriberHarmsNobody(t *testing.T) {
	events := 10_000_000
	if !*rows {
		events = 20_000
	}
	ps := network(t, 3)
	publisher, stuck, well := ps[0], ps[1], ps[2]
	stuck.do("subscribe", topicArgs{Topic: "news", Kind: "stuck"})
	well.do("subscribe", topicArgs{Topic: "news", Kind: "count"})
	well.do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	publisher.do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 100})
	r := must[publishResult](publisher, "publish", topicArgs{Topic: "news", Count: events, Size: 1024})
	t.Logf("published %d events of 1 KiB in %.1f s", r.Published, r.TookMs/1000)
	load := must[loadResult](publisher, "loaded", loadArgs{Name: "l"})
	if len(load.Failures) > 0 {
		t.Errorf("%d of %d requests beside failed, first %+v", len(load.Failures), load.Sent, load.Failures[0])
	}
	t.Logf("requests beside: %d, p50 %.2f ms, p99 %.2f ms", load.Sent, load.P50Ms, load.P99Ms)
	account := func(p *process) (drops uint64) {
		for _, e := range must[[]seen](p, "events", nil) {
			if e.Kind == "DeadLetter" {
				drops += e.Count
			}
		}
		return drops
	}
	eventually(t, "the drops are counted in events", func() bool {
		got := must[uint64](stuck, "received", topicArgs{Topic: "news"})
		return account(stuck)+account(publisher)+got+20_000 >= uint64(events)
	})
	for _, p := range ps {
		u := must[usage](p, "memory", map[string]bool{})
		holds(t, p.name+" peak memory", float64(u.PeakRSS)/(1<<20), 300, "MiB")
		t.Logf("%s: %d messages counted as dropped", p.name, account(p))
	}
	t.Logf("the healthy subscriber handled %d events", must[uint64](well, "received", topicArgs{Topic: "news"}))
}

func TestAGigabyteThroughAPausingTunnel(t *testing.T) {
	full(t)
	ps := network(t, 2)
	ps[1].do("register", clusterArgs{Cluster: "archive", Kind: "archive"})
	ps[1].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	ps[0].do("request", requestArgs{Cluster: "echo", Body: "warm up"})
	idle := [2]usage{}
	for i, p := range ps {
		idle[i] = must[usage](p, "memory", map[string]bool{"GC": true})
	}
	ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 100})
	r := must[tunnelReport](ps[0], "send", tunnelArgs{Cluster: "archive", Bytes: 1 << 30})
	got := must[tunnelReport](ps[1], "took", nil)
	load := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
	if got.Error != "" || got.Bytes != 1<<30 || got.SHA256 != r.SHA256 {
		t.Errorf("sent %+v, arrived %+v", r, got)
	}
	t.Logf("1 GiB in %.1f s; the sender's longest wait %.1f s", r.TookMs/1000, r.StallMs/1000)
	if r.StallMs < 4000 {
		t.Errorf("the sender waited at most %.0f ms while the receiver paused %v", r.StallMs, pause)
	}
	for i, p := range ps {
		u := must[usage](p, "memory", map[string]bool{})
		holds(t, p.name+" peak memory above idle", float64(u.PeakRSS-idle[i].RSS)/(1<<20), 64, "MiB")
	}
	if len(load.Failures) > 0 {
		t.Errorf("%d of %d requests beside failed, first %+v", len(load.Failures), load.Sent, load.Failures[0])
	}
	holds(t, "p99 of requests beside the tunnel", load.P99Ms, 20, "ms")
}

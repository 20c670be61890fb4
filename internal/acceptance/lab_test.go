package acceptance

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labEnv names the script that builds hosts on this machine: namespaces joined
// by a switch that loses, delays and cuts. It understands up N, both A B
// loss= delay=, cut A B, heal and down, and needs root.
const labEnv = "ACCEPTANCE_LAB"

// labName tells labs that run side by side apart.
func labName() string {
	if name := os.Getenv("LAB"); name != "" {
		return name
	}
	return "iris"
}

type lab struct {
	t      *testing.T
	script string
}

// hosts builds a lab of n hosts, or skips the test where there is none.
func hosts(t *testing.T, n int) *lab {
	t.Helper()
	full(t)
	script := os.Getenv(labEnv)
	if script == "" {
		t.Skipf("set %s to the lab's script", labEnv)
	}
	l := &lab{t, script}
	l.run("up", strconv.Itoa(n))
	t.Cleanup(func() { l.run("down") })
	return l
}

func (l *lab) run(args ...string) string {
	l.t.Helper()
	cmd := exec.Command(l.script, args...)
	cmd.Env = append(os.Environ(), "LAB="+labName(), "LAB_TTL=1800")
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("lab %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// node starts a worker on host i that finds the others by multicast.
func (l *lab) node(i int) *process {
	l.t.Helper()
	p := spawn(l.t, "host "+strconv.Itoa(i), "ip", "netns", "exec", labName()+strconv.Itoa(i))
	p.start(startArgs{Network: "lab", LAN: true, Listen: ":7000"})
	return p
}

func (l *lab) nodes(n int) []*process {
	var ps []*process
	for i := range n {
		ps = append(ps, l.node(i+1))
	}
	for _, p := range ps {
		p.await(n - 1)
	}
	return ps
}

// labDuration is how long the lossy network must hold: ten minutes, or what
// the environment says for a quick look.
func labDuration() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("ACCEPTANCE_LAB_TIME")); err == nil {
		return d
	}
	return 10 * time.Minute
}

func TestALossyNetworkLosesNothing(t *testing.T) {
	l := hosts(t, 3)
	ps := l.nodes(3)
	l.run("both", "1,2,3", "1,2,3", "delay=20ms", "loss=5")
	ps[1].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	ps[2].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
	began := time.Now()
	ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 200, Count: 10_000})
	r := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
	t.Logf("%d requests, p50 %.1f ms, p99 %.1f ms, max %.1f ms", r.Sent, r.P50Ms, r.P99Ms, r.Max)
	if len(r.Failures) > 0 {
		t.Errorf("%d of %d requests failed, first %+v", len(r.Failures), r.Sent, r.Failures[0])
	}
	if left := labDuration() - time.Since(began); left > 0 {
		lasting(left)
	}
	for _, p := range ps {
		suspected := 0
		for _, e := range must[[]seen](p, "events", nil) {
			switch e.Kind {
			case "PeerDown":
				t.Errorf("%s declared %s down: %s", p.name, e.About, e.More)
			case "PeerSuspected":
				suspected++
			}
		}
		t.Logf("%s: %d suspicions, all refuted", p.name, suspected)
	}
}

func TestAOneWayCutIsNoticedAndHealed(t *testing.T) {
	l := hosts(t, 3)
	ps := l.nodes(3)
	lasting(3 * time.Second)
	cut := time.Now()
	l.run("cut", "1", "2")
	notice := func(p *process, about string) {
		var at int64
		eventually(t, p.name+" notices", func() bool {
			for _, kind := range []string{"PeerSuspected", "PeerDown"} {
				if e, ok := p.first(kind, about, cut); ok {
					at = e.At
					return true
				}
			}
			return false
		})
		holds(t, p.name+" notices the one-way cut", ms(time.Unix(0, at).Sub(cut)), 5000, "ms")
	}
	notice(ps[0], ps[1].ID)
	notice(ps[1], ps[0].ID)
	lasting(10 * time.Second)
	healed := time.Now()
	l.run("heal")
	for _, p := range ps[:2] {
		at := p.await(2)
		holds(t, p.name+" has all peers again after the heal", ms(at.Sub(healed)), 10_000, "ms")
	}
}

func TestOnlyLoopbackIsUp(t *testing.T) {
	l := hosts(t, 1)
	l.run("link", "1", "down")
	ps := make([]*process, 3)
	for i := range ps {
		ps[i] = spawn(t, "process "+strconv.Itoa(i+1), "ip", "netns", "exec", labName()+"1")
	}
	together(t, ps, 1500)
}

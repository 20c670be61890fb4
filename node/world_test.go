package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/config"
	"iris/router"
)

// world is a network of whole nodes over simulated packets in virtual time:
// real actors, real QUIC.
type world struct {
	t     *testing.T
	net   *simnet.Simnet
	air   *air
	delay time.Duration // one way
	key   []byte
	nodes []*worldNode
}

type worldNode struct {
	*Node
	addr string
	mu   sync.Mutex
	seen []any // events, in order
}

// air carries packets, loses some, and cuts ways.
type air struct {
	simnet.PerfectRouter
	mu   sync.Mutex // guards the following fields
	rnd  *rand.Rand
	loss float64
	gone map[[2]netip.Addr]bool
}

func (a *air) SendPacket(p simnet.Packet) error {
	a.mu.Lock()
	lost := a.gone[[2]netip.Addr{hostAt(p.From), hostAt(p.To)}] || a.rnd.Float64() < a.loss
	a.mu.Unlock()
	if lost {
		return nil
	}
	return a.PerfectRouter.SendPacket(p)
}

// cut stops packets from one node to another, or lets them pass again.
func (a *air) cut(from, to *worldNode, gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone[[2]netip.Addr{hostAt(from.Addr()), hostAt(to.Addr())}] = gone
}

func hostAt(addr net.Addr) netip.Addr { return addr.(*net.UDPAddr).AddrPort().Addr() }

// inWorld runs f in a bubble with n nodes that see each other.
func inWorld(t *testing.T, n int, delay time.Duration, f func(t *testing.T, w *world)) {
	inWorldOf(t, n, delay, func(*config.Config) {}, func(t *testing.T, w *world) {
		w.whole()
		f(t, w)
	})
}

// inWorldOf runs f in a bubble with n nodes, their configuration edited.
func inWorldOf(t *testing.T, n int, delay time.Duration, edit func(*config.Config), f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		a := &air{rnd: rand.New(rand.NewPCG(seed, 1)), gone: make(map[[2]netip.Addr]bool)}
		w := &world{t: t, net: &simnet.Simnet{Router: a}, air: a, delay: delay, key: canary.Key()}
		hosts := make([]seams, n)
		for i := range n {
			socket := func(port int) net.PacketConn {
				return w.net.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, byte(i+1)).To4(), Port: port}, simnet.NodeBiDiLinkSettings{Latency: delay})
			}
			hosts[i] = seams{conn: socket(7000), beside: socket(7001), prober: router.NoProber{}}
		}
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		for _, h := range hosts {
			w.add(h, edit)
		}
		f(t, w)
		w.stop()
	})
}

// long skips a world of many nodes or minutes with -short, which the race detector
// is run with: it makes them take some ten times as long.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long world")
	}
}

func (w *world) add(host seams, edit func(*config.Config)) {
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = "world", w.key
	cfg.Seeds = []string{"10.0.0.1:7000"}
	cfg.Discovery.Host = false
	cfg.Log.Handler = slog.DiscardHandler
	edit(&cfg)
	n, err := start(w.t.Context(), cfg, host)
	if err != nil {
		w.t.Fatal(err)
	}
	x := &worldNode{Node: n, addr: n.Addr().String()}
	n.Events().Subscribe(func(ev any) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.seen = append(x.seen, ev)
	})
	w.nodes = append(w.nodes, x)
}

// until waits in virtual time.
func (w *world) until(what string, patience time.Duration, cond func() bool) time.Duration {
	w.t.Helper()
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		<-tick.C
		if time.Since(began) > patience {
			w.t.Fatalf("waited %v in vain for: %s", patience, what)
		}
	}
	return time.Since(began)
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
}

// healthy is how many peers of n are not suspected.
func (n *worldNode) healthy() (count int) {
	for _, p := range n.Peers() {
		if !p.Suspect {
			count++
		}
	}
	return count
}

func (w *world) whole() {
	w.t.Helper()
	for _, n := range w.nodes {
		w.until("all peers", time.Minute, func() bool { return n.healthy() == len(w.nodes)-1 })
	}
}

func (w *world) stop() {
	var wg sync.WaitGroup
	for _, n := range w.nodes {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := n.Stop(ctx); err != nil {
				w.t.Errorf("stop: %v", err)
			}
		})
	}
	wg.Wait()
	if err := w.net.Close(); err != nil {
		w.t.Error(err)
	}
}

// accused counts events of suspicion and death at n about others than about.
func (n *worldNode) accused(since time.Time, but ...*worldNode) (suspected, dead []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	excepted := map[string]bool{}
	for _, b := range but {
		excepted[b.ID()] = true
	}
	for _, ev := range n.seen {
		switch e := ev.(type) {
		case *actor.PeerSuspected:
			if e.Time.After(since) && !excepted[e.Peer] {
				suspected = append(suspected, e.Peer)
			}
		case *actor.PeerDown:
			if e.Time.After(since) && !excepted[e.Peer] {
				dead = append(dead, e.Peer+": "+e.Reason)
			}
		}
	}
	return suspected, dead
}

// Five packets of a hundred get lost and every way takes 20 ms: no request
// fails, nobody is declared dead in ten minutes.
func TestWorldWithLossLosesNothing(t *testing.T) {
	inWorld(t, 3, 20*time.Millisecond, func(t *testing.T, w *world) {
		for _, n := range w.nodes[1:] {
			if _, err := n.Register("echo", actor.Func(echo)); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		w.air.mu.Lock()
		w.air.loss = 0.05
		w.air.mu.Unlock()
		failed := 0
		for i := range 1000 {
			if _, err := w.nodes[0].Request(t.Context(), "echo", actor.Bytes(fmt.Sprint(i))); err != nil {
				t.Errorf("request %d: %v", i, err)
				if failed++; failed > 5 {
					break
				}
			}
			pass(20 * time.Millisecond)
		}
		pass(10*time.Minute - time.Since(began))
		for i, n := range w.nodes {
			suspected, dead := n.accused(began)
			t.Logf("node %d: %d suspicions, all refuted", i+1, len(suspected))
			if len(dead) > 0 {
				t.Errorf("node %d declared dead: %v", i+1, dead)
			}
		}
	})
}

// A member's host goes dark: requests sent to it fail with ErrLost, others do
// not, and everybody reports it down in time.
func TestWorldLosesAHost(t *testing.T) {
	inWorld(t, 4, time.Millisecond, func(t *testing.T, w *world) {
		for _, n := range w.nodes[1:] {
			if _, err := n.Register("echo", actor.Func(echo)); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 { // the balancer knows all members
			if _, err := w.nodes[0].Request(t.Context(), "echo", actor.Bytes("x")); err != nil {
				t.Fatal(err)
			}
		}
		dark := time.Now()
		for _, n := range w.nodes {
			if n != w.nodes[3] {
				w.air.cut(n, w.nodes[3], true)
				w.air.cut(w.nodes[3], n, true)
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		lost, answered := 0, 0
		for range 1000 {
			wg.Go(func() {
				_, err := w.nodes[0].Request(t.Context(), "echo", actor.Bytes("x"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					answered++
				case errors.Is(err, actor.ErrLost):
					lost++
				default:
					t.Errorf("a request failed with %v", err)
				}
			})
			pass(5 * time.Millisecond)
		}
		wg.Wait()
		t.Logf("%d answered, %d lost", answered, lost)
		if lost > 200 || lost+answered != 1000 {
			t.Errorf("%d of 1000 requests lost with the host, want those of half a second at most", lost)
		}
		for i, n := range w.nodes[:3] {
			took := w.until("report of the loss", 5*time.Second, func() bool {
				_, dead := n.accused(dark, w.nodes[:3]...)
				return len(dead) == 1
			})
			t.Logf("node %d reports it down (another %v later)", i+1, took)
			if since := time.Since(dark); since > 10*time.Second {
				t.Errorf("node %d reports it down after %v", i+1, since)
			}
			if suspected, dead := n.accused(dark, w.nodes[3]); len(suspected)+len(dead) > 0 {
				t.Errorf("node %d accused others: %v %v", i+1, suspected, dead)
			}
		}
	})
}

// A way that works in one direction only is noticed at both ends, kills
// nobody whom others reach, and heals.
func TestWorldWithAOneWayCut(t *testing.T) {
	inWorld(t, 3, 5*time.Millisecond, func(t *testing.T, w *world) {
		pass(3 * time.Second)
		a, b := w.nodes[0], w.nodes[1]
		cut := time.Now()
		w.air.cut(a, b, true)
		for _, n := range []*worldNode{a, b} {
			w.until("notice of the cut", 5*time.Second, func() bool {
				suspected, dead := n.accused(cut)
				return len(suspected)+len(dead) > 0
			})
		}
		if took := time.Since(cut); took > 5*time.Second {
			t.Errorf("both ends noticed after %v, want 5 s at most", took)
		}
		pass(20 * time.Second)
		w.air.cut(a, b, false)
		healed := time.Now()
		w.whole()
		if took := time.Since(healed); took > 10*time.Second {
			t.Errorf("whole again after %v, want 10 s at most", took)
		}
	})
}

// Two halves live on by themselves and become one network again.
func TestWorldSplitAndHealed(t *testing.T) {
	inWorld(t, 5, 5*time.Millisecond, func(t *testing.T, w *world) {
		for _, n := range w.nodes {
			if _, err := n.Register("echo", actor.Func(echo)); err != nil {
				t.Fatal(err)
			}
		}
		left, right := w.nodes[:2], w.nodes[2:]
		split := func(gone bool) {
			for _, l := range left {
				for _, r := range right {
					w.air.cut(l, r, gone)
					w.air.cut(r, l, gone)
				}
			}
		}
		split(true)
		for _, side := range [][]*worldNode{left, right} {
			for _, n := range side {
				w.until("the other side is gone", 10*time.Second, func() bool { return len(n.Peers()) == len(side)-1 })
			}
		}
		for _, n := range w.nodes {
			for range 20 {
				if _, err := n.Request(t.Context(), "echo", actor.Bytes("x")); err != nil {
					t.Fatalf("a request within one side: %v", err)
				}
			}
		}
		pass(time.Minute)
		split(false)
		healed := time.Now()
		w.whole()
		if took := time.Since(healed); took > 20*time.Second {
			t.Errorf("whole again after %v", took)
		}
		got := make(chan string, 100)
		for i, n := range w.nodes {
			if _, err := n.Subscribe("news", actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					got <- fmt.Sprint(i)
				}
			})); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.nodes[0].Publish(t.Context(), "news", actor.Bytes("one again")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		pass(time.Second)
		if len(got) != len(w.nodes) {
			t.Errorf("%d of %d subscribers heard an event after the heal", len(got), len(w.nodes))
		}
	})
}

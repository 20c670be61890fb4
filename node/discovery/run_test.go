package discovery

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/internal/id"
)

// tune starts a node on the ether.
func tune(t testing.TB, e *ether, n int, change ...func(*Config, *antenna)) (*Discovery, *collector) {
	t.Helper()
	c := newCollector()
	cfg := Config{
		ID: id.ID{Lo: uint64(n)}, Incarnation: 1, Addrs: addrs(fmt.Sprintf("0.0.0.0:%d", 5000+n)),
		Keys: [][]byte{testKey(0)}, Host: true, Found: c.Found,
	}
	a := e.antenna(cfg.Keys)
	for _, f := range change {
		f(&cfg, a)
	}
	a.ks = newKeyset(cfg.Keys)
	d := start(cfg, a, rand.New(rand.NewPCG(uint64(n), 7)))
	t.Cleanup(func() { _ = d.Close() })
	return d, c
}

func withKeys(keys ...[]byte) func(*Config, *antenna) {
	return func(c *Config, _ *antenna) { c.Keys = keys }
}

// until waits for c in the time of the bubble and returns how long it took.
func until(t testing.TB, begun time.Time, c <-chan struct{}) time.Duration {
	t.Helper()
	select {
	case <-c:
		return time.Since(begun)
	case <-time.After(time.Hour):
		t.Fatal("never")
		return 0
	}
}

// pass lets d pass in the time of the bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestLoneNodeIsQuietSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, begun := &ether{}, time.Now()
		d, c := tune(t, e, 1)
		if got := until(t, begun, d.Quiet()); got != quietFor {
			t.Errorf("quiet after %v, want %v", got, quietFor)
		}
		d.Joined(true)
		pass(10 * time.Second)
		before := e.sent()
		pass(150 * time.Second)
		if n := e.sent() - before; n < 8 || n > 13 { // every 15 s, one way: it heard itself
			t.Errorf("%d datagrams in 150 s", n)
		}
		if s := d.Stats(); c.nodes() != 0 || s.Own == 0 || s.Accepted != 0 || s.Answered != 0 {
			t.Errorf("%d nodes, %+v", c.nodes(), s)
		}
	})
}

func TestNodesThatStartTogether(t *testing.T) {
	for _, n := range []int{2, 3, 10, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, begun := &ether{}, time.Now()
				var cs []*collector
				var ds []*Discovery
				for i := range n {
					d, c := tune(t, e, i+1)
					ds, cs = append(ds, d), append(cs, c)
				}
				for i, d := range ds {
					if got := until(t, begun, d.Quiet()); got > 400*time.Millisecond {
						t.Errorf("node %d is quiet after %v", i+1, got)
					}
					if cs[i].nodes() != n-1 {
						t.Errorf("node %d found %d of %d", i+1, cs[i].nodes(), n-1)
					}
				}
			})
		})
	}
}

// TestLateNode holds that a newcomer finds the others within the burst, though
// they beacon rarely, and that a large network does not answer as a whole.
func TestLateNode(t *testing.T) {
	for _, n := range []int{1, 2, 5, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &ether{}
				var old []*collector
				for i := range n {
					d, c := tune(t, e, i+1)
					d.Joined(true)
					old = append(old, c)
				}
				pass(time.Minute)
				begun, before := time.Now(), e.sent()
				d, c := tune(t, e, 1000)
				until(t, begun, d.Quiet())
				if got := c.nodes(); got < min(n, enoughOthers) {
					t.Errorf("found %d of %d when quiet", got, n)
				}
				for i, o := range old {
					if !o.all()[id.ID{Lo: 1000}]["127.0.0.1:6000"] {
						t.Errorf("node %d did not find the newcomer", i+1)
					}
				}
				if sent := e.sent() - before; sent > 4*2+3*min(n, 12) {
					t.Errorf("%d datagrams for one newcomer among %d", sent, n)
				}
			})
		})
	}
}

func TestRotation(t *testing.T) {
	a, b := testKey(1), testKey(2)
	rings := []struct {
		name string
		keys [][]byte
	}{{"A", [][]byte{a}}, {"A,B", [][]byte{a, b}}, {"B,A", [][]byte{b, a}}, {"B", [][]byte{b}}}
	for i, x := range rings {
		for j, y := range rings {
			t.Run(x.name+" and "+y.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := &ether{}
					_, cx := tune(t, e, 1, withKeys(x.keys...))
					_, cy := tune(t, e, 2, withKeys(y.keys...))
					pass(time.Second)
					share := i == j || len(x.keys)+len(y.keys) > 2
					if met := cx.nodes()+cy.nodes() > 0; met != share {
						t.Errorf("met %v, want %v", met, share)
					}
				})
			})
		}
	}
}

func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ether{}
		d, c := tune(t, e, 1)
		other := newKeyset([][]byte{testKey(5)})
		theirs, ours := mustAppend(golden, other), newKeyset([][]byte{testKey(0)}).channels(0)[0]
		from := netip.MustParseAddrPort("127.0.0.1:9")
		e.inject(from, ours, theirs)
		e.inject(from, ours, nil)
		e.inject(from, ours, make([]byte, 9000))
		forged := mustAppend(golden, newKeyset([][]byte{testKey(0)}))
		forged[20] ^= 1
		e.inject(from, ours, forged)
		forged[3] = 9
		e.inject(from, ours, forged)
		for range 1000 {
			e.inject(netip.MustParseAddrPort("127.0.0.1:10"), ours, []byte("flood"))
			synctest.Wait()
		}
		s := d.Stats()
		if s.DroppedForeign != 1 || s.DroppedForged != 1 || s.DroppedVersion != 1 || s.DroppedMalformed != 2+sourceBurst || s.DroppedSource != 1000-sourceBurst {
			t.Errorf("%+v", s)
		}
		_, friend := tune(t, e, 2)
		pass(time.Second)
		if c.nodes() != 1 || friend.nodes() != 1 {
			t.Errorf("found %d and %d nodes beside the flood", c.nodes(), friend.nodes())
		}
	})
}

func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ether{}
		gone, _ := tune(t, e, 2)
		pass(10 * time.Second)
		_ = gone.Close()
		d, c := tune(t, e, 1)
		pass(10 * time.Minute)
		ours := newKeyset([][]byte{testKey(0)}).channels(0)[0]
		for range 3 {
			for _, old := range e.log {
				e.inject(netip.MustParseAddrPort("127.0.0.1:9"), ours, old)
				pass(100 * time.Millisecond)
			}
		}
		// The first is let in, a hint that leads nowhere; the rest is too old.
		if s := d.Stats(); s.Accepted != 1 || s.DroppedClock == 0 || c.nodes() != 1 {
			t.Errorf("%d nodes, %+v", c.nodes(), s)
		}
	})
}

func TestRestartedNodeIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ether{}
		_, c := tune(t, e, 1)
		old, _ := tune(t, e, 2)
		pass(time.Minute)
		_ = old.Close()
		again, _ := tune(t, e, 2, func(c *Config, _ *antenna) { c.Incarnation, c.Addrs = 2, addrs("127.0.0.1:7777") })
		until(t, time.Now(), again.Quiet())
		if !c.all()[id.ID{Lo: 2}]["127.0.0.1:7777"] {
			t.Errorf("found %v", c.all())
		}
	})
}

// TestInterfaceComes holds that a new way out is asked at once.
func TestInterfaceComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ether{}
		_, c := tune(t, e, 1)
		late, found := tune(t, e, 2, func(_ *Config, a *antenna) { a.outs = nil })
		until(t, time.Now(), late.Quiet()) // at once: there is nobody to ask
		late.Joined(true)
		pass(time.Second)
		if c.nodes() != 0 {
			t.Fatal("a node without interface was heard")
		}
		late.air.(*antenna).set([]outlet{{name: "eth0", way: loopbackBroadcast}})
		pass(refresh)
		if c.nodes() != 1 || found.nodes() != 1 {
			t.Errorf("found %d and %d nodes", c.nodes(), found.nodes())
		}
	})
}

func TestDeafNodeIsQuietAtOnceAndStillHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, begun := &ether{}, time.Now()
		log, lines := capture()
		_, c := tune(t, e, 1)
		d, _ := tune(t, e, 2, func(c *Config, a *antenna) { a.deaf, c.Logger = true, log })
		if got := until(t, begun, d.Quiet()); got != 0 {
			t.Errorf("quiet after %v", got)
		}
		pass(10 * refresh)
		if c.nodes() != 1 {
			t.Error("not heard")
		}
		if n := strings.Count(lines(), "discovery limited"); n != 1 {
			t.Errorf("warned %d times: %s", n, lines())
		}
	})
}

func TestWithoutHostNoLoopbackAddressesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ether{}
		_, c := tune(t, e, 1, func(c *Config, _ *antenna) { c.Host, c.LAN = false, true })
		tune(t, e, 2)
		pass(time.Second)
		if c.nodes() != 0 {
			t.Errorf("told %v", c.all())
		}
	})
}

func TestStartRefuses(t *testing.T) {
	ok := Config{ID: id.ID{Lo: 1}, Addrs: addrs(), Found: func(string, id.ID) {}, Keys: [][]byte{testKey(0)}}
	for want, change := range map[string]func(*Config){
		"no node id":                func(c *Config) { c.ID = id.ID{} },
		"no source of addresses":    func(c *Config) { c.Addrs = nil },
		"nobody to tell":            func(c *Config) { c.Found = nil },
		"no beacon key":             func(c *Config) { c.Keys = nil },
		"beacon key 1 has 3 bytes":  func(c *Config) { c.Keys = append(c.Keys, []byte("abc")) },
		"port 65536":                func(c *Config) { c.Port = 65536 },
		"no node id\nno beacon key": func(c *Config) { c.ID, c.Keys = id.ID{}, nil },
	} {
		cfg := ok
		change(&cfg)
		if _, err := Start(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestNothingPrintsTheBeaconKey(t *testing.T) {
	key := []byte("canary-of-the-beacon-key-0123456")
	ks := newKeyset([][]byte{key})
	var out strings.Builder
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flags := range []string{"", "+", "#"} {
			fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", ks)
			fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", *ks[0])
		}
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "k", ks[0])
	for _, leak := range []string{string(key), fmt.Sprintf("%x", key), fmt.Sprint(key)[1:20]} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("shows the key: %s", out.String())
		}
	}
}

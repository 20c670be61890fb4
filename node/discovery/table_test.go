package discovery

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTableAccepts(t *testing.T) {
	type step struct {
		name        string
		at          time.Duration // since epoch
		incarnation uint64
		seq         uint64
		wall        time.Duration // since epoch
		query       bool
		port        uint16
		want        verdict
		drop        reason
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"first, again, later", []step{
			{"first", 0, 1, 1, 0, false, 1, verdict{isNew: true, tell: true}, 0},
			{"replayed", 0, 1, 1, 0, false, 1, verdict{}, dropReplay},
			{"soon", time.Millisecond, 1, 2, 0, false, 1, verdict{}, 0},
			{"soon with another address", time.Millisecond, 1, 3, 0, false, 2, verdict{tell: true}, 0},
			{"later", time.Second, 1, 4, 0, false, 2, verdict{tell: true}, 0},
		}},
		{"restart", []step{
			{"first", 0, 5, 9, 0, false, 1, verdict{isNew: true, tell: true}, 0},
			{"next incarnation", 0, 6, 1, 0, false, 1, verdict{isNew: true, tell: true}, 0},
			{"the old one", 0, 5, 10, 0, false, 1, verdict{}, dropReplay},
		}},
		{"clock", []step{
			{"a wrong clock is heard once", 0, 1, 1, time.Hour, false, 1, verdict{isNew: true, tell: true}, 0},
			{"but not twice", time.Second, 1, 2, time.Hour, false, 1, verdict{}, dropClock},
			{"nor an old beacon", 6 * time.Minute / 2, 1, 3, -3 * time.Minute, false, 1, verdict{}, dropClock},
			{"a good one is", 3 * time.Minute, 1, 2, 0, false, 1, verdict{tell: true}, 0},
			{"a forgotten one again", 9 * time.Minute, 1, 1, time.Hour, false, 1, verdict{isNew: true, tell: true}, 0},
		}},
		{"queries", []step{
			{"first", 0, 1, 1, 0, true, 1, verdict{isNew: true, tell: true, answer: true}, 0},
			{"second", 0, 1, 2, 0, true, 1, verdict{answer: true}, 0},
			{"third", 0, 1, 3, 0, true, 1, verdict{}, 0},
			{"later", answersPer, 1, 4, 0, true, 1, verdict{tell: true, answer: true}, 0},
			{"replayed", answersPer, 1, 4, 0, true, 1, verdict{}, dropReplay},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := newTable()
			for _, s := range c.steps {
				b := &beacon{
					ID: id.ID{Lo: 1}, Incarnation: s.incarnation, Seq: s.seq, Wall: epoch.Add(s.wall), Query: s.query,
					Addrs: []netip.AddrPort{netip.AddrPortFrom(loopbackIP, s.port)},
				}
				v, drop, ok := tab.accept(b, epoch.Add(s.at))
				if v != s.want || drop != s.drop || ok != (s.drop == 0) {
					t.Errorf("%s: %+v, %v, %v; want %+v, %v", s.name, v, drop, ok, s.want, s.drop)
				}
			}
		})
	}
}

func TestTableIsBounded(t *testing.T) {
	tab := newTable()
	now := epoch
	for i := range uint64(3 * maxNodes) {
		now = now.Add(time.Millisecond)
		if _, _, ok := tab.accept(&beacon{ID: id.ID{Lo: i + 1}, Wall: now}, now); !ok {
			t.Fatal("refused")
		}
		if len(tab.nodes) > maxNodes {
			t.Fatalf("%d nodes", len(tab.nodes))
		}
	}
	if tab.nodes[id.ID{Lo: 3 * maxNodes}] == nil || tab.nodes[id.ID{Lo: 2*maxNodes + 1}] == nil || tab.nodes[id.ID{Lo: 2 * maxNodes}] != nil {
		t.Error("not the least recently heard were forgotten")
	}
}

// TestWindowAgainstModel compares with a set of all numbers seen.
func TestWindowAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen := map[uint64]bool{}
		base := rapid.SampledFrom([]uint64{0, 100, 1<<64 - 200}).Draw(t, "base")
		var top uint64
		for i := range 60 {
			seq := base + rapid.Uint64Range(0, 199).Draw(t, fmt.Sprint(i))
			want := !seen[seq] && (len(seen) == 0 || seq > top || top-seq < windowSize)
			if got := w.accept(seq); got != want {
				t.Fatalf("accept(%d) = %v, top %d", seq, got, top)
			}
			if want {
				seen[seq] = true
				top = max(top, seq)
			}
		}
	})
}

func TestLimiter(t *testing.T) {
	a, b := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")
	l := newLimiter()
	count := func(from netip.AddrPort, n int, now time.Time) (passed int) {
		for range n {
			if _, ok := l.allow(from, now); ok {
				passed++
			}
		}
		return passed
	}
	if got := count(a, 1000, epoch); got != sourceBurst {
		t.Errorf("%d of a flood passed at once, want %d", got, sourceBurst)
	}
	if got := count(b, 10, epoch); got != 10 {
		t.Errorf("another source got %d of 10 through", got)
	}
	if got := count(a, 1000, epoch.Add(time.Second)); got != sourceRate {
		t.Errorf("%d passed a second later, want %d", got, sourceRate)
	}
	if got := count(a, 1000, epoch.Add(-time.Hour)); got != 0 {
		t.Errorf("%d passed with the clock set back", got)
	}
	if got := count(a, 1000, epoch.Add(time.Hour)); got != sourceBurst {
		t.Errorf("%d passed after an hour, want %d", got, sourceBurst)
	}
}

// TestLimiterUnderInventedSources holds the bounds of memory and of work.
func TestLimiterUnderInventedSources(t *testing.T) {
	l := newLimiter()
	passed, dropped := 0, map[reason]int{}
	for i := range 20000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		now := epoch.Add(time.Duration(i) * 50 * time.Microsecond) // a second in all
		if drop, ok := l.allow(from, now); ok {
			passed++
		} else {
			dropped[drop]++
		}
		if len(l.sources) > maxSources {
			t.Fatalf("%d sources remembered", len(l.sources))
		}
	}
	if passed > 2*totalRate || passed < totalRate || dropped[dropTotal] != 20000-passed {
		t.Errorf("%d of 20000 passed, dropped %v", passed, dropped)
	}
}

func TestReachable(t *testing.T) {
	lo := outlet{way: loopbackBroadcast}
	eth := outlet{way: lanMulticast, ips: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")}}
	for _, c := range []struct {
		addrs   string
		lo, eth string
	}{
		{"0.0.0.0:5", "127.0.0.1:5", "192.0.2.7:5 198.51.100.7:5"},
		{"[::]:5", "127.0.0.1:5", "192.0.2.7:5 198.51.100.7:5"},
		{"127.0.0.1:5", "127.0.0.1:5", ""},
		{"[::1]:5", "[::1]:5", ""},
		{"192.0.2.9:5", "192.0.2.9:5", "192.0.2.9:5"},
		{"192.0.2.9:5 [2001:db8::1]:5", "192.0.2.9:5 [2001:db8::1]:5", "192.0.2.9:5 [2001:db8::1]:5"},
		{"172.17.0.1:5 198.51.100.7:5 [2001:db8::1]:5 127.0.0.1:5 [::1]:5", "127.0.0.1:5", "198.51.100.7:5"},
		{"[::ffff:192.0.2.9]:5", "192.0.2.9:5", "192.0.2.9:5"},
		{"host:5 :5 x 192.0.2.9", "", ""},
		{"", "", ""},
	} {
		in := strings.Fields(c.addrs)
		if got := strings.Trim(fmt.Sprint(lo.reachable(in)), "[]"); got != strings.Trim(c.lo, "[]") {
			t.Errorf("%q on loopback: %s, want %s", c.addrs, got, c.lo)
		}
		if got := strings.Trim(fmt.Sprint(eth.reachable(in)), "[]"); got != strings.Trim(c.eth, "[]") {
			t.Errorf("%q on a LAN: %s, want %s", c.addrs, got, c.eth)
		}
	}
}

package discovery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"iris/internal/id"
)

// childEnv makes the test binary behave as one node, see child.
const childEnv = "IRIS_TEST_DISCOVERY_CHILD"

// patience bounds whatever a test waits for.
const patience = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child(os.Getenv(childEnv)))
	}
	goleak.VerifyTestMain(m)
}

func testKey(seed byte) []byte { return []byte(strings.Repeat(string('a'+rune(seed)), 32)) }

// freshKey returns a key of this test alone, so that tests that run at the same
// time on this host do not hear each other.
func freshKey(t testing.TB) []byte {
	t.Helper()
	return fmt.Appendf(nil, "%s %d %d", t.Name(), os.Getpid(), time.Now().UnixNano())
}

// collector gathers what Found says.
type collector struct {
	mu    sync.Mutex
	found map[id.ID]map[string]bool // guarded by mu
	more  chan struct{}             // capacity 1
}

func newCollector() *collector {
	return &collector{found: map[id.ID]map[string]bool{}, more: make(chan struct{}, 1)}
}

func (c *collector) Found(addr string, peer id.ID) {
	c.mu.Lock()
	if c.found[peer] == nil {
		c.found[peer] = map[string]bool{}
	}
	c.found[peer][addr] = true
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *collector) nodes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.found)
}

// all returns a copy of what was found.
func (c *collector) all() map[id.ID]map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := maps.Clone(c.found)
	for peer, at := range out {
		out[peer] = maps.Clone(at)
	}
	return out
}

// wait returns when n nodes were found.
func (c *collector) wait(ctx context.Context, n int) error {
	for c.nodes() < n {
		select {
		case <-c.more:
		case <-ctx.Done():
			return fmt.Errorf("found %d nodes, want %d: %w", c.nodes(), n, ctx.Err())
		}
	}
	return nil
}

func open(t testing.TB, cfg Config) *Discovery {
	t.Helper()
	if cfg.Incarnation == 0 {
		cfg.Incarnation = 1
	}
	d, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func addrs(s ...string) func() []string { return func() []string { return s } }

func TestNodesOfOneHostFindEachOther(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	key := freshKey(t)
	var all [3]*collector
	for i := range all {
		all[i] = newCollector()
		open(t, Config{
			ID: id.ID{Lo: uint64(i + 1)}, Addrs: addrs(fmt.Sprintf("0.0.0.0:%d", 5001+i)), Keys: [][]byte{key}, Host: true, Found: all[i].Found,
		})
	}
	for i, c := range all {
		if err := c.wait(ctx, 2); err != nil {
			t.Fatalf("node %d: %v", i+1, err)
		}
		for peer, at := range c.all() {
			if want := fmt.Sprintf("127.0.0.1:%d", 5000+peer.Lo); !at[want] || len(at) != 1 {
				t.Errorf("node %d: %v is at %v, want %s", i+1, peer.Short(), at, want)
			}
		}
	}
}

func TestNetworksDoNotMeet(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	key, port := freshKey(t), freePort(t)
	friend, stranger := newCollector(), newCollector()
	cfg := Config{ID: id.ID{Lo: 1}, Addrs: addrs("127.0.0.1:5001"), Keys: [][]byte{key}, Host: true, Port: port, Found: friend.Found}
	open(t, cfg)
	other := cfg
	other.ID, other.Keys, other.Found = id.ID{Lo: 9}, [][]byte{append([]byte("other"), key...)}, stranger.Found
	foreign := open(t, other)
	cfg.ID = id.ID{Lo: 2}
	d := open(t, cfg)
	if err := friend.wait(ctx, 2); err != nil { // each found the other
		t.Fatal(err)
	}
	<-foreign.Quiet()
	<-d.Quiet()
	if n := stranger.nodes(); n != 0 || friend.nodes() != 2 {
		t.Errorf("the stranger found %d, the friends %d nodes", n, friend.nodes())
	}
	if s := foreign.Stats(); s.DroppedForeign == 0 {
		t.Errorf("nothing foreign heard, so nothing proved: %+v", s)
	}
}

// TestLANOfThisHost uses multicast on the real interfaces. Loopback addresses
// stay off the LAN, the unspecified address becomes that of the interface.
func TestLANOfThisHost(t *testing.T) {
	s := &sockets{lan: true, channels: []channel{{uint16(freePort(t)), netip.MustParseAddr("239.255.1.2")}}}
	outs, _, _, errs := s.refresh()
	s.close()
	if len(outs) == 0 {
		t.Skipf("no interface up that can do multicast (%v)", errs)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	key := freshKey(t)
	var all [2]*collector
	for i := range all {
		all[i] = newCollector()
		open(t, Config{
			ID: id.ID{Lo: uint64(i + 1)}, Addrs: addrs(fmt.Sprintf("[::]:%d", 5001+i), "127.0.0.1:5009"), Keys: [][]byte{key}, LAN: true, Found: all[i].Found,
		})
	}
	for i, c := range all {
		if err := c.wait(ctx, 1); err != nil {
			t.Fatalf("node %d: %v", i+1, err)
		}
		for _, at := range c.all() {
			for a := range at {
				if ap := netip.MustParseAddrPort(a); ap.Addr().IsLoopback() || ap.Addr().IsUnspecified() || ap.Port() == 5009 {
					t.Errorf("node %d was told %s", i+1, a)
				}
			}
		}
	}
}

// TestWithoutSockets holds that a host where the port is taken still starts.
func TestWithoutSockets(t *testing.T) {
	c, err := net.ListenUDP("udp4", nil) // without the option to share
	if err != nil {
		t.Skipf("no UDP at all: %v", err)
	}
	defer c.Close()
	found := newCollector()
	log, lines := capture()
	d := open(t, Config{
		ID: id.ID{Lo: 1}, Addrs: addrs("127.0.0.1:5001"), Keys: [][]byte{freshKey(t)}, Host: true, LAN: true,
		Port: c.LocalAddr().(*net.UDPAddr).Port, Found: found.Found, Logger: log,
	})
	<-d.Quiet()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if out := lines(); strings.Count(out, "discovery limited") != 1 || !strings.Contains(out, "level=WARN") {
		t.Errorf("log: %s", out)
	}
}

func TestNothingWanted(t *testing.T) {
	d := open(t, Config{ID: id.ID{Lo: 1}, Addrs: addrs("127.0.0.1:5001"), Keys: [][]byte{freshKey(t)}, Found: newCollector().Found})
	<-d.Quiet()
	d.Joined(true)
	if s := d.Stats(); equal(s, Stats{Lookups: s.Lookups}) != "" || len(s.Lookups) > 0 {
		t.Errorf("%+v", s)
	}
}

func TestCloseAtAnyTime(t *testing.T) {
	for range 20 {
		d := open(t, Config{ID: id.ID{Lo: 1}, Addrs: addrs("127.0.0.1:5001"), Keys: [][]byte{freshKey(t)}, Host: true, LAN: true, Found: newCollector().Found})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { d.Joined(true); _ = d.Close(); d.Joined(false) })
		}
		wg.Wait()
	}
}

// TestProcessesOnLoopbackAlone starts three processes in a network namespace
// where nothing but lo is up.
func TestProcessesOnLoopbackAlone(t *testing.T) {
	const n = 3
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd, err := isolated(ctx, os.Args[0], "-test.run=^$")
	if err != nil {
		t.Skip(err)
	}
	cmd.Env = append(os.Environ(), childEnv+"=family "+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no new network namespace: %v", err)
	}
	var ready, skipped int
	for sc := bufio.NewScanner(out); sc.Scan(); {
		t.Log(sc.Text())
		switch {
		case strings.HasPrefix(sc.Text(), "found all"):
			ready++
		case strings.HasPrefix(sc.Text(), "skip"):
			skipped++
		}
	}
	err = cmd.Wait()
	if skipped > 0 {
		t.Skip("see above")
	}
	if err != nil || ready != n {
		t.Errorf("%d of %d processes found the others: %v", ready, n, err)
	}
}

// child is the main function of the processes of TestProcessesOnLoopbackAlone and
// TestReachBehindFirewall.
func child(role string) int {
	if role == "firewall" {
		return firewall()
	}
	var n, self int
	if _, err := fmt.Sscanf(role, "family %d", &n); err == nil {
		return family(n)
	}
	if _, err := fmt.Sscanf(role, "node %d of %d", &self, &n); err != nil {
		fmt.Println("unknown role", role)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := newCollector()
	begun := time.Now()
	d, err := Start(Config{
		ID: id.ID{Lo: uint64(self + 1)}, Incarnation: 1, Addrs: addrs(fmt.Sprintf("0.0.0.0:%d", 5000+self)),
		Keys: [][]byte{testKey(0)}, Host: true, LAN: true, Found: c.Found,
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer d.Close()
	if err := c.wait(ctx, n-1); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("found all after %v, %+v\n", time.Since(begun).Round(time.Millisecond), d.Stats())
	_, _ = io.Copy(io.Discard, os.Stdin) // stay until the others are done
	return 0
}

// family runs n nodes as processes in this network namespace.
func family(n int) int {
	if err := loopbackUp(); err != nil {
		fmt.Println("skip:", err)
		return 0
	}
	ifs, err := net.Interfaces()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			fmt.Println("not alone:", i.Name)
			return 1
		}
	}
	var wg sync.WaitGroup
	var errs [16]error
	var stdin []io.Closer
	stop := sync.OnceFunc(func() {
		for _, c := range stdin {
			_ = c.Close()
		}
	})
	defer stop()
	var done sync.WaitGroup
	for i := range n {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=node %d of %d", childEnv, i, n))
		in, err := cmd.StdinPipe()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		stdin = append(stdin, in)
		done.Add(1)
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		wg.Go(func() {
			sc := bufio.NewScanner(out)
			if sc.Scan() {
				fmt.Println(sc.Text())
			}
			done.Done()
			errs[i] = cmd.Wait()
		})
	}
	done.Wait()
	stop()
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// freePort returns a port that nobody had a moment ago, and that no system gives to
// whoever asks for any.
func freePort(t testing.TB) int {
	t.Helper()
	var err error
	for range 100 {
		var c *net.UDPConn
		if c, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 10_000 + rand.IntN(20_000)}); err == nil {
			defer c.Close()
			return c.LocalAddr().(*net.UDPAddr).Port
		}
	}
	t.Skipf("no UDP at all: %v", err)
	panic("unreachable")
}

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"iris/node"
	"iris/node/admin/client"
	"iris/node/config"
	"iris/node/discovery"
	"iris/node/inspect"
	"iris/transport"
	"iris/transport/identity"
	"iris/transport/udp"
)

// well is a host that lacks nothing.
func well() *Host {
	return &Host{
		Files: fstest.MapFS{
			"proc/sys/net/core/rmem_max": file("7340032\n"),
			"proc/sys/net/core/wmem_max": file("7340032\n"),
			"proc/self/limits":           file("Limit                     Soft Limit           Hard Limit           Units\nMax open files            20000                20000                files\n"),
			"sys/devices/system/clocksource/clocksource0/current_clocksource":   file("tsc\n"),
			"sys/devices/system/clocksource/clocksource0/available_clocksource": file("tsc hpet acpi_pm\n"),
		},
		Now: time.Now,
		Interfaces: func() ([]net.Interface, error) {
			return []net.Interface{
				{Name: "lo", MTU: 65536, Flags: net.FlagUp | net.FlagLoopback},
				{Name: "eth0", MTU: 1500, Flags: net.FlagUp | net.FlagMulticast},
				{Name: "eth1", MTU: 500},
			}, nil
		},
		Socket: func() (udp.Granted, error) {
			return udp.Granted{ReadBuffer: udp.Buffer, WriteBuffer: udp.Buffer, Offload: true}, nil
		},
		Reach: func(context.Context, []byte) ([]discovery.Reach, error) {
			return []discovery.Reach{{Interface: "lo"}, {Interface: "lo", Multicast: true}, {Interface: "eth0", Multicast: true, LAN: true}}, nil
		},
		Knock: func(context.Context, *identity.Identity, string) (transport.Answer, error) {
			return transport.Answer{RTT: time.Millisecond}, nil
		},
		Bind:  func(string, string) error { return nil },
		Owner: func(string) (Owner, error) { return Owner{User: 1000, Mode: 0o600}, nil },
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func (h *Host) with(name, text string) { h.Files.(fstest.MapFS)[name] = file(text) }

// configFile writes a config file with a key, for the owner alone.
func configFile(t *testing.T, text string) (name, key string) {
	t.Helper()
	dir := t.TempDir()
	pem, err := identity.GeneratePEM(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, name = filepath.Join(dir, "network.key"), filepath.Join(dir, "node.yaml")
	for f, content := range map[string]string{key: string(pem), name: "network: {name: shop, key: network.key}\n" + text} {
		if err := os.WriteFile(f, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return name, key
}

// lines are the findings that are neither ok nor skipped: verdict, check, about.
func lines(list []Finding) []string {
	var out []string
	for _, f := range list {
		if f.Verdict == Warn || f.Verdict == Fail {
			out = append(out, strings.TrimSpace(fmt.Sprint(f.Verdict, " ", f.Check, " ", f.About)))
		}
	}
	return out
}

// the returns the only finding of a check that is not ok.
func the(t *testing.T, list []Finding, check string) Finding {
	t.Helper()
	var found []Finding
	for _, f := range list {
		if f.Check == check && f.Verdict != OK {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings of %s, want 1, among %+v", len(found), check, list)
	}
	return found[0]
}

// wants checks verdict and words of a finding, and that a command mends it.
func (f Finding) wants(t *testing.T, v Verdict, what, mend string) {
	t.Helper()
	if f.Verdict != v || !strings.Contains(f.What, what) || !slices.ContainsFunc(f.Mend, func(m string) bool { return strings.Contains(m, mend) }) || f.Why == "" {
		t.Errorf("%+v\nwant %s, %q, mend %q, and why", f, v, what, mend)
	}
}

func TestWell(t *testing.T) {
	name, _ := configFile(t, "listen: :7000\nseeds: ['10.0.0.1:7000']\ndiscovery: {lan: true}\n")
	list := Run(t.Context(), Config{File: name, Host: well()})
	if bad := lines(list); len(bad) > 0 || Worst(list) != Skipped { // of a running node nothing is known
		t.Errorf("%s: %q in %+v", Worst(list), bad, list)
	}
	if got := len(list); got < len(checks()) {
		t.Errorf("%d findings of %d checks", got, len(checks()))
	}
	list = Run(t.Context(), Config{Host: well()})
	if bad := lines(list); len(bad) > 0 {
		t.Errorf("without a config: %q", bad)
	}
}

func TestSmallBuffers(t *testing.T) {
	h := well()
	h.with("proc/sys/net/core/rmem_max", "212992\n")
	list := Run(t.Context(), Config{Host: h})
	the(t, list, "udp-buffers").wants(t, Warn, "net.core.rmem_max is 212992 (208 KiB), a node asks for 7340032 (7 MiB)", "sysctl -w net.core.rmem_max=7340032")
	h.with("proc/sys/net/core/wmem_max", "212992\n")
	want := []string{"warn udp-buffers receive", "warn udp-buffers send"}
	list = Run(t.Context(), Config{Host: h})
	if got := lines(list); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(fmt.Sprint(list), "sysctl -w net.core.wmem_max=7340032") {
		t.Errorf("no command for the send buffer in %+v", list)
	}
	// A container that does not see the settings of its host: what a socket gets counts.
	h.Files = fstest.MapFS{}
	h.Socket = func() (udp.Granted, error) {
		return udp.Granted{ReadBuffer: 212992, WriteBuffer: udp.Buffer, Offload: true}, nil
	}
	the(t, Run(t.Context(), Config{Host: h}), "udp-buffers").wants(t, Warn, "a socket gets 208 KiB of the 7 MiB", "net.core.rmem_max=7340032")
	h.Socket = func() (udp.Granted, error) { return udp.Granted{}, nil }
	if got := lines(Run(t.Context(), Config{Host: h})); !slices.Equal(got, []string{"warn udp-offload"}) {
		t.Errorf("a system that does not tell: %q", got)
	}
}

// TestWrongKey asks a real node.
func TestWrongKey(t *testing.T) {
	there, _ := configFile(t, "listen: 127.0.0.1:0\ndiscovery: {host: false}\nlog: {level: error}\n")
	cfg, err := config.Load(there)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	h := well()
	h.Knock = transport.Knock
	here, _ := configFile(t, "seeds: ['"+n.Addr().String()+"']\n")
	the(t, Run(t.Context(), Config{File: here, Host: h}), "seed").wants(t, Fail, "wrong key or network", "sha256sum")
	list := Run(t.Context(), Config{File: there, Addrs: []string{n.Addr().String()}, Host: h})
	if got := lines(list); len(got) > 0 || !strings.Contains(fmt.Sprint(list), "node "+n.ID()[:8]+" of this network answers") {
		t.Errorf("with the right key: %+v", list)
	}
}

func TestSeeds(t *testing.T) {
	name, _ := configFile(t, "seeds: ['10.0.0.1:7000']\n")
	h := well()
	for _, tc := range []struct {
		answer     transport.Answer
		err        error
		check      string
		verdict    Verdict
		what, mend string
	}{
		{err: transport.ErrSilent, check: "seed", verdict: Fail, what: "nobody is there, or UDP does not pass", mend: "ping 10.0.0.1"},
		{err: transport.ErrShut, check: "seed", verdict: Fail, what: "nothing listens on this port", mend: "iris status"},
		{err: fmt.Errorf("x: %w (alert)", transport.ErrForeign), check: "seed", verdict: Fail, what: "wrong key or network", mend: "network.name"},
		{answer: transport.Answer{Small: true}, check: "path-mtu", verdict: Warn, what: "packets of full size", mend: "tracepath -n 10.0.0.1"},
	} {
		h.Knock = func(context.Context, *identity.Identity, string) (transport.Answer, error) { return tc.answer, tc.err }
		the(t, Run(t.Context(), Config{File: name, Host: h}), tc.check).wants(t, tc.verdict, tc.what, tc.mend)
	}
	h.Knock = func(context.Context, *identity.Identity, string) (transport.Answer, error) {
		return transport.Answer{Small: true, Here: true}, nil
	}
	if list := Run(t.Context(), Config{File: name, Host: h}); len(lines(list)) > 0 || !strings.Contains(fmt.Sprint(list), "takes none of full size, see mtu") {
		t.Errorf("a narrow interface of this host: %+v", list)
	}
	h.Knock = func(context.Context, *identity.Identity, string) (transport.Answer, error) {
		return transport.Answer{}, errors.New("no such host")
	}
	if f := the(t, Run(t.Context(), Config{File: name, Host: h}), "seed"); !strings.Contains(f.What, "no such host") {
		t.Errorf("%+v", f)
	}
	if f := the(t, Run(t.Context(), Config{Addrs: []string{"a:1"}, Host: h}), "seed"); f.Verdict != Skipped || !strings.Contains(f.What, "-c") {
		t.Errorf("without a key: %+v", f)
	}
}

func TestBlockedMulticast(t *testing.T) {
	lan, _ := configFile(t, "discovery: {lan: true}\n")
	h := well()
	lost := func(which ...int) {
		h.Reach = func(context.Context, []byte) ([]discovery.Reach, error) {
			ways, _ := well().Reach(t.Context(), nil)
			for _, i := range which {
				ways[i].Err = discovery.ErrLost
			}
			return ways, nil
		}
	}
	lost(2)
	the(t, Run(t.Context(), Config{File: lan, Host: h}), "multicast").wants(t, Fail, "a multicast on eth0 does not come back", "iptables -I INPUT -i eth0 -d 239.255.0.0/16")
	the(t, Run(t.Context(), Config{Host: h}), "multicast").wants(t, Warn, "a multicast on eth0 does not come back", "nft list ruleset")
	lost(0)
	the(t, Run(t.Context(), Config{Host: h}), "broadcast").wants(t, Warn, "a broadcast on lo", "-d 127.255.255.255")
	lost(0, 1)
	if got := lines(Run(t.Context(), Config{Host: h})); !slices.Equal(got, []string{"fail broadcast lo", "fail multicast lo"}) {
		t.Errorf("got %q", got)
	}
	h.Reach = func(context.Context, []byte) ([]discovery.Reach, error) { return nil, errors.New("port taken") }
	the(t, Run(t.Context(), Config{Host: h}), "discovery").wants(t, Warn, "beacons cannot be heard: port taken", "IRIS_SEEDS")
}

// TestPortInUse holds a port for real; who holds it is found where /proc tells.
func TestPortInUse(t *testing.T) {
	udpConn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udpConn.Close()
	beside, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	name, _ := configFile(t, fmt.Sprintf("listen: %s\ntunnels: {listen: %d}\nrelay: {listen: '%d'}\nadmin: {listen: 'off'}\n",
		udpConn.LocalAddr(), beside.LocalAddr().(*net.UDPAddr).Port, tcp.Addr().(*net.TCPAddr).Port))
	h := well()
	h.Bind = ThisHost().Bind
	want := "the port is in use"
	if runtime.GOOS == "linux" {
		h.Files, want = os.DirFS("/"), fmt.Sprintf("process %d (", os.Getpid())
	}
	list := Run(t.Context(), Config{File: name, Host: h})
	for _, about := range []string{"listen " + udpConn.LocalAddr().String() + "/udp", "tunnels.listen " + beside.LocalAddr().String() + "/udp", "relay.listen " + tcp.Addr().String() + "/tcp"} {
		i := slices.IndexFunc(list, func(f Finding) bool { return f.Check == "port" && f.About == about })
		if i < 0 || list[i].Verdict != Fail || !strings.Contains(list[i].What, want) || len(list[i].Mend) != 2 {
			t.Errorf("%s: %+v, want %s", about, list, want)
		}
	}
}

func TestPorts(t *testing.T) {
	h := well()
	h.Bind = func(_, addr string) error {
		switch addr {
		case "127.0.0.1:55555":
			return fmt.Errorf("bind: %w", syscall.EADDRINUSE)
		case "10.9.9.9:7000":
			return fmt.Errorf("bind: %w", syscall.EADDRNOTAVAIL)
		}
		return nil
	}
	list := Run(t.Context(), Config{Host: h})
	the(t, list, "port").wants(t, Warn, "who has it only root may see", "ss -lnp --tcp 'sport = :55555'")
	name, _ := configFile(t, "listen: 10.9.9.9:7000\nrelay: {listen: 'off'}\n")
	the(t, Run(t.Context(), Config{File: name, Host: h}), "port").wants(t, Fail, "cannot be listened on", "ip addr")
}

func TestKeyFileOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of a unix")
	}
	name, key := configFile(t, "listen: :7000\n")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	list := Run(t.Context(), Config{File: name, Host: well()})
	the(t, list, "key-file").wants(t, Fail, "has mode 0644: others than its owner can read", "chmod 600 "+key)
	if i := slices.IndexFunc(list, func(f Finding) bool { return f.About == "listen :7000/udp" }); i < 0 {
		t.Errorf("the rest of the configuration does not count: %+v", list)
	}
	if err := os.WriteFile(name, []byte("lisen: :0\nlimits: {frame: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lines(Run(t.Context(), Config{File: name, Host: well()})); !slices.Equal(got, []string{"fail config " + name, "fail config " + name}) {
		t.Errorf("got %q", got)
	}
}

// network serves the admin endpoint of a node whose peers have clocks that are off.
func network(t *testing.T, off map[string]time.Duration, version map[string]string) *client.Client {
	t.Helper()
	const self = "00000000000000000000000000000000"
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) } // the client notices
	describe := func(id string) inspect.Node {
		return inspect.Node{ID: id, Name: "host-" + id[:2], Version: version[id], Now: time.Now().Add(off[id])}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/node", func(w http.ResponseWriter, _ *http.Request) { answer(w, describe(self)) })
	mux.HandleFunc("/api/v1/nodes/{id}/node", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if _, known := off[id]; !known {
			w.WriteHeader(http.StatusGatewayTimeout)
			return
		}
		answer(w, describe(id))
	})
	mux.HandleFunc("/api/v1/peers", func(w http.ResponseWriter, _ *http.Request) {
		var p inspect.Page[inspect.Peer]
		for id := range off {
			if id != self {
				p.Items = append(p.Items, inspect.Peer{ID: id, State: "alive"})
			}
		}
		p.Items = append(p.Items, inspect.Peer{ID: strings.Repeat("f", 32), Addr: "10.0.0.9:7000", State: "down"})
		answer(w, p)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestClockSkew(t *testing.T) {
	self, a, b := strings.Repeat("0", 32), strings.Repeat("a", 32), strings.Repeat("b", 32)
	for _, tc := range []struct {
		off     map[string]time.Duration
		verdict Verdict
		what    string
	}{
		// A busy machine makes the answers late, which only widens the error.
		{map[string]time.Duration{self: 0, a: 10 * time.Minute, b: 0}, Fail, "the clock of aaaaaaaa (host-aa) is 10m0s ahead of that of 00000000 (host-00)"},
		{map[string]time.Duration{self: 10 * time.Minute, a: 10 * time.Minute, b: 0}, Fail, "the clock of bbbbbbbb (host-bb) is 10m0s behind that of 00000000"},
		{map[string]time.Duration{self: 0, a: -10 * time.Hour, b: 0}, Fail, "10h0m0s behind"},
	} {
		list := Run(t.Context(), Config{Client: network(t, tc.off, nil), Host: well()})
		var found []Finding
		for _, f := range list {
			if f.Check == "clock" && (f.Verdict == Fail || f.Verdict == Warn) {
				found = append(found, f)
			}
		}
		if len(found) != 1 {
			t.Fatalf("%+v", list)
		}
		found[0].wants(t, tc.verdict, tc.what, "timedatectl set-ntp true")
	}
	list := Run(t.Context(), Config{Client: network(t, map[string]time.Duration{self: 0, a: 0, b: 0}, nil), Host: well()})
	if got := lines(list); len(got) > 0 || !strings.Contains(fmt.Sprint(list), "2 peers within") || !strings.Contains(fmt.Sprint(list), "the peer did not tell") {
		t.Errorf("%+v", list)
	}
}

func TestVersionSkew(t *testing.T) {
	self, a, b := strings.Repeat("0", 32), strings.Repeat("a", 32), strings.Repeat("b", 32)
	off := map[string]time.Duration{self: 0, a: 0, b: 0}
	c := network(t, off, map[string]string{self: "v1.2", a: "v1.2", b: "v1.1"})
	the(t, Run(t.Context(), Config{Client: c, Host: well()}), "version").wants(t, Warn, "1 node of version v1.1 (bbbbbbbb); 2 nodes of version v1.2", "iris version")
}

func TestNoNode(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c, err := client.New(client.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if f := the(t, Run(t.Context(), Config{Client: c, Host: well()}), "clock"); f.Verdict != Skipped || !strings.Contains(f.What, "does not tell") {
		t.Errorf("%+v", f)
	}
}

func TestHost(t *testing.T) {
	h := well()
	h.with("proc/self/limits", "Max open files            256                  4096                 files\n")
	h.with("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n")
	h.Interfaces = func() ([]net.Interface, error) {
		return []net.Interface{{Name: "tun0", MTU: 1200, Flags: net.FlagUp}, {Name: "wg0", MTU: 1420, Flags: net.FlagUp}}, nil
	}
	h.Bind = func(_, addr string) error {
		if strings.HasPrefix(addr, "[") {
			return errors.New("address family not supported by protocol")
		}
		return nil
	}
	list := Run(t.Context(), Config{Host: h})
	the(t, list, "open-files").wants(t, Warn, "this shell may open 256 files", "ulimit -n")
	the(t, list, "clock-source").wants(t, Warn, "hpet is slow", "echo tsc >/sys/devices/system/clocksource/clocksource0/current_clocksource")
	the(t, list, "mtu").wants(t, Fail, "packets have up to 1200 bytes", "ip link set dev tun0 mtu 1500")
	if !strings.Contains(fmt.Sprint(list), "nothing in the configuration needs it") {
		t.Errorf("%+v", list)
	}
	name, _ := configFile(t, "listen: '[::]:7000'\n")
	the(t, Run(t.Context(), Config{File: name, Host: h}), "ipv6").wants(t, Fail, "there is no IPv6", "ipv6.disable=1")
}

// TestThisHost: the real thing says something about everything.
func TestThisHost(t *testing.T) {
	for _, f := range Run(t.Context(), Config{}) {
		if f.What == "" || f.Check == "" || f.Verdict != OK && f.Verdict != Skipped && f.Why == "" {
			t.Errorf("%+v", f)
		}
	}
}

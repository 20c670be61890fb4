package lookup

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/internal/id"
)

var needEtcd = flag.Bool("etcd", false, "fail where there is no etcd to test with, rather than skip")

// server is a real etcd.
type server struct {
	t      *testing.T
	binary string
	dir    string
	client string // its URLs
	peer   string
	cmd    *exec.Cmd
	out    lockedBuffer
}

func newServer(t *testing.T) *server {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	if err != nil {
		if *needEtcd {
			t.Fatal("there is no etcd (Debian: apt-get install etcd-server)")
		}
		t.Skip("there is no etcd to test with (Debian: apt-get install etcd-server)")
	}
	s := &server{t: t, binary: binary, dir: filepath.Join(t.TempDir(), "etcd"), client: "http://" + freePort(t), peer: "http://" + freePort(t)}
	t.Cleanup(s.kill)
	return s
}

// freePort returns an address that nobody listened at a moment ago, and that no system
// gives to whoever asks for any.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	panic("unreachable")
}

// launch starts it.
func (s *server) launch() {
	s.t.Helper()
	s.cmd = exec.Command(s.binary, "--name", "one", "--data-dir", s.dir, "--listen-client-urls", s.client, "--advertise-client-urls", s.client,
		"--listen-peer-urls", s.peer, "--initial-advertise-peer-urls", s.peer, "--initial-cluster", "one="+s.peer)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// start starts it and waits until it serves.
func (s *server) start() {
	s.t.Helper()
	s.launch()
	g := newGateway(EtcdConfig{Endpoints: []string{s.client}})
	defer g.close()
	s.eventually("serves", func() bool {
		_, err := g.list(s.t.Context(), "a", "b", 1)
		return err == nil
	})
}

func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// do calls the gateway and returns its answer.
func (s *server) do(method string, in any) map[string]any {
	s.t.Helper()
	body, _ := json.Marshal(in)
	resp, err := http.Post(s.client+"/v3/"+method, "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %v %v", method, resp.Status, out, err)
	}
	return out
}

// eventually waits for what takes a moment. A minute is long for anybody.
func (s *server) eventually(what string, f func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not after a minute: it %s; etcd says:\n%s", what, s.out.String())
		}
	}
}

var networkKey = bytes.Repeat([]byte("secret!!"), 4)

// entrant returns the provider of node n.
func (s *server) entrant(n uint64, change ...func(*EtcdConfig)) *Etcd {
	s.t.Helper()
	return entrant(s.t, s.client, n, change...)
}

func entrant(t *testing.T, endpoint string, n uint64, change ...func(*EtcdConfig)) *Etcd {
	t.Helper()
	cfg := EtcdConfig{
		Endpoints: []string{endpoint}, Prefix: "/iris", TTL: time.Minute, ID: id.ID{Lo: n}, Keys: [][]byte{networkKey},
		Addrs: func() []string { return []string{"10.0.0." + string(rune('0'+n)) + ":7000", "127.0.0.1:7000"} },
	}
	for _, f := range change {
		f(&cfg)
	}
	e, err := NewEtcd(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.gateway.close)
	e.gateway.waits = time.Minute // for a machine that has much else to do
	return e
}

func enter(t *testing.T, e *Etcd) {
	t.Helper()
	if again, err := e.register(t.Context()); err != nil || again.fast || again.slow != e.cfg.TTL/3 {
		t.Fatalf("register: %+v, %v", again, err)
	}
}

func expect(t *testing.T, e *Etcd, want ...string) {
	t.Helper()
	got, err := e.Lookup(t.Context())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("found %v, %v, want %v", got, err, want)
	}
}

// TestEtcd lives through what happens to an entry, with a real etcd.
func TestEtcd(t *testing.T) {
	s := newServer(t)
	a, b := s.entrant(1), s.entrant(2)
	if _, err := a.register(t.Context()); err == nil {
		t.Error("registered where nobody is")
	}
	if got, err := a.Lookup(t.Context()); err == nil {
		t.Errorf("found %v where nobody is", got)
	}
	s.start()
	expect(t, a)
	enter(t, a)
	expect(t, a) // itself is not news
	expect(t, b, "10.0.0.1:7000")
	enter(t, b)
	expect(t, a, "10.0.0.2:7000")

	t.Run("another network sees nothing", func(t *testing.T) {
		other := s.entrant(3, func(c *EtcdConfig) { c.Keys = [][]byte{bytes.Repeat([]byte("x"), 32)} })
		enter(t, other)
		expect(t, other)
		expect(t, s.entrant(4, func(c *EtcdConfig) { c.Keys = append(c.Keys, other.cfg.Keys[0]) }), "10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.3:7000")
	})
	t.Run("the key is not in it", func(t *testing.T) {
		all, err := a.gateway.list(t.Context(), "\x00", "\xff", 100)
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		for _, kv := range all {
			if !strings.HasPrefix(kv.key, "/iris/") || strings.Contains(kv.key+kv.value, "secret") || strings.Contains(kv.value, "127.0.0.1") {
				t.Errorf("%q: %q", kv.key, kv.value)
			}
		}
	})
	t.Run("addresses change", func(t *testing.T) {
		b.cfg.Addrs = func() []string { return []string{"127.0.0.1:7002"} } // no other interface is up
		enter(t, b)
		expect(t, a, "127.0.0.1:7002")
	})
	t.Run("the lease is lost", func(t *testing.T) {
		s.do("lease/revoke", map[string]any{"ID": b.lease})
		expect(t, a)
		enter(t, b)
		expect(t, a, "127.0.0.1:7002")
	})
	t.Run("the entry is removed", func(t *testing.T) {
		s.do("kv/deleterange", map[string]any{"key": []byte(b.key())})
		expect(t, b, "10.0.0.1:7000")
		enter(t, b)
		expect(t, a, "127.0.0.1:7002")
	})
	t.Run("the lease runs out", func(t *testing.T) {
		s.do("lease/revoke", map[string]any{"ID": b.lease})
		b.cfg.TTL = 2 * time.Second
		enter(t, b)
		b.cfg.TTL = a.cfg.TTL // that of its next lease
		s.eventually("forgets who does not renew", func() bool {
			enter(t, a) // who does stays
			got, err := b.Lookup(t.Context())
			return err == nil && slices.Equal(got, []string{"10.0.0.1:7000"}) && s.silent(b)
		})
	})
	t.Run("etcd restarts", func(t *testing.T) {
		enter(t, b)
		s.kill()
		if _, err := b.register(t.Context()); err == nil {
			t.Error("registered with a dead etcd")
		}
		s.start()
		enter(t, a)
		enter(t, b)
		expect(t, a, "127.0.0.1:7002")
	})
	t.Run("etcd has lost everything", func(t *testing.T) {
		s.kill()
		if err := os.RemoveAll(s.dir); err != nil {
			t.Fatal(err)
		}
		s.start()
		enter(t, a)
		enter(t, b)
		expect(t, a, "127.0.0.1:7002")
	})
	t.Run("withdrawn", func(t *testing.T) {
		if err := b.withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(t, a)
		if err := b.withdraw(t.Context()); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
	t.Run("rubbish beside us", func(t *testing.T) {
		s.do("kv/put", map[string]any{"key": []byte("/iris/" + a.tags[0] + "/zzz"), "value": []byte("\x1b[31m\nhost:1\n\n")})
		if got, err := a.Lookup(t.Context()); err == nil || !slices.Equal(got, []string{"host:1"}) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// silent reports whether etcd has no entry of e.
func (s *server) silent(e *Etcd) bool {
	found, err := e.gateway.list(s.t.Context(), e.key(), e.key()+"\x00", 1)
	return err == nil && len(found) == 0
}

// TestEtcdPassword has an etcd that lets nobody in without one.
func TestEtcdPassword(t *testing.T) {
	s := newServer(t)
	s.start()
	s.do("auth/user/add", map[string]any{"name": "root", "password": "hunter2"})
	s.do("auth/user/grant", map[string]any{"user": "root", "role": "root"})
	s.do("auth/enable", map[string]any{})
	login := func(password string) func(*EtcdConfig) {
		return func(c *EtcdConfig) { c.Username, c.Password = "root", func() string { return password } }
	}
	if _, err := s.entrant(1).register(t.Context()); err == nil {
		if _, err = s.entrant(1).Lookup(t.Context()); err == nil {
			t.Error("let in without a password")
		}
	}
	if _, err := s.entrant(1, login("hunter3")).register(t.Context()); err == nil || strings.Contains(err.Error(), "hunter3") {
		t.Errorf("with a wrong password: %v", err)
	}
	a, b := s.entrant(1, login("hunter2")), s.entrant(2, login("hunter2"))
	enter(t, a)
	enter(t, b)
	expect(t, a, "10.0.0.2:7000")
	s.kill() // tokens do not outlive it
	s.launch()
	s.eventually("takes a new token", func() bool {
		_, err := a.register(t.Context())
		return err == nil
	})
	expect(t, b, "10.0.0.1:7000")
}

// TestEtcdRunner has a runner that is there before its etcd, and one that comes
// later: they find each other, and who ends is gone at once.
func TestEtcdRunner(t *testing.T) {
	s := newServer(t)
	log, said := capture()
	var mu sync.Mutex
	found := map[string]int{} // guarded by mu
	alone := func() bool { return true }
	a := Start(Config{Providers: []Provider{s.entrant(1)}, Interval: time.Second, Alone: alone, Logger: log, Found: func(addr string) {
		mu.Lock()
		defer mu.Unlock()
		found[addr]++
	}})
	defer a.Close()
	<-a.Ready()
	s.eventually("is missed", func() bool { return strings.Contains(said(), "lookup failed") })
	s.start()
	b := Start(Config{Providers: []Provider{s.entrant(2)}, Interval: time.Second, Alone: alone, Found: func(string) {}})
	defer b.Close()
	s.eventually("shows one to the other", func() bool { mu.Lock(); defer mu.Unlock(); return found["10.0.0.2:7000"] > 0 })
	s.eventually("is said to work again", func() bool { return strings.Contains(said(), "works again") })
	if text := said(); strings.Count(text, "\n") != 2 {
		t.Errorf("logged\n%s", text)
	}
	began := time.Now()
	b.Close()
	if time.Since(began) < farewell && !s.silent(s.entrant(2)) { // else etcd was too slow
		t.Error("the entry of a node that has ended is still there")
	}
}

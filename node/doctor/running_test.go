package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"iris/node/admin/client"
	"iris/node/discovery"
	"iris/node/inspect"
	"iris/transport"
	"iris/transport/identity"
)

// asking returns a client of an admin endpoint.
func asking(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestPortsOfNode: a port whose holder cannot be seen is fine only if the node
// that runs on this host says that it listens there.
func TestPortsOfNode(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	told := inspect.Node{ID: "a", Name: name, PID: 7, Addr: "10.0.0.1:7000", RelayAddrs: []string{"127.0.0.1:55555"}}
	c := asking(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/peers") {
			fmt.Fprint(w, `{"items":[]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(told) // the client notices
	})
	h := well()
	h.Bind = func(_, addr string) error {
		if strings.HasSuffix(addr, ":0") {
			return nil
		}
		return fmt.Errorf("bind: %w", syscall.EADDRINUSE)
	}
	_, admin, _ := strings.Cut(c.Base(), "://")
	for _, tc := range []struct {
		config string
		want   []string
	}{
		{"listen: :7000\nadmin: {listen: '" + admin + "'}\n", nil},
		{"listen: 10.0.0.1:7000\nadmin: {listen: 'off'}\n", nil},
		{"listen: 10.0.0.2:7000\nadmin: {listen: 'off'}\n", []string{"fail port listen 10.0.0.2:7000/udp"}},
		{"listen: :7001\nrelay: {listen: '7000'}\nadmin: {listen: 'off'}\n", []string{"fail port listen :7001/udp", "fail port relay.listen 127.0.0.1:7000/tcp"}},
	} {
		file, _ := configFile(t, tc.config)
		list := Run(t.Context(), Config{File: file, Client: c, Host: h})
		if got := lines(list); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.config, got, tc.want)
		}
		for _, f := range list {
			if f.Verdict == Fail && !strings.Contains(f.What, "who has it only root may see") {
				t.Errorf("%+v", f)
			}
		}
	}
	told.Name = "elsewhere" // it says nothing about ports of this host
	file, _ := configFile(t, "listen: :7000\nrelay: {listen: 'off'}\nadmin: {listen: 'off'}\n")
	the(t, Run(t.Context(), Config{File: file, Client: c, Host: h}), "port").wants(t, Fail, "who has it only root may see", "ss -lnp")
}

func TestIsHere(t *testing.T) {
	p := &patient{host: well()}
	p.host.Bind = func(_, addr string) error {
		if addr == "10.0.0.1:0" {
			return nil
		}
		return syscall.EADDRNOTAVAIL
	}
	for base, want := range map[string]bool{
		"http://localhost:1": true, "https://localhost:1": true, "https://127.0.0.1:1": true, "https://[::1]:1": true,
		"https://10.0.0.1:1": true, "http://10.0.0.2:1": false, "https://10.0.0.2:1": false,
	} {
		if got := p.isHere(base); got != want {
			t.Errorf("%s: %v, want %v", base, got, want)
		}
	}
}

// TestHangingNode: a node that never answers keeps no check of the host from its
// result, and leaves time for those that wait for it.
func TestHangingNode(t *testing.T) {
	c := asking(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	file, _ := configFile(t, "seeds: ['10.0.0.1:7000']\n")
	h := well()
	reached := make(chan struct{})
	h.Reach = func(ctx context.Context, key []byte) ([]discovery.Reach, error) {
		close(reached)
		return well().Reach(ctx, key)
	}
	h.Knock = func(ctx context.Context, _ *identity.Identity, _ string) (transport.Answer, error) {
		<-reached
		<-ctx.Done() // it does not answer either
		return transport.Answer{}, ctx.Err()
	}
	list := Run(ctx, Config{File: file, Client: c, Host: h})
	if bad := lines(list); len(bad) > 0 {
		t.Errorf("%q", bad)
	}
	for _, f := range list {
		if f.Check == "seed" && (f.Verdict != Skipped || !strings.Contains(f.What, "no time left")) {
			t.Errorf("%+v", f)
		}
		if f.Check == "udp-buffers" && f.Verdict != OK {
			t.Errorf("%+v", f)
		}
	}
}

// TestNoTime: what was not looked at to the end is not said to be broken.
func TestNoTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file, _ := configFile(t, "seeds: ['10.0.0.1:7000']\ndiscovery: {lan: true}\n")
	h := well()
	h.Knock = func(ctx context.Context, _ *identity.Identity, _ string) (transport.Answer, error) {
		return transport.Answer{}, ctx.Err()
	}
	for _, err := range []error{nil, net.ErrClosed} {
		h.Reach = func(context.Context, []byte) ([]discovery.Reach, error) {
			return []discovery.Reach{{Interface: "eth0", LAN: true, Multicast: true, Err: discovery.ErrLost}}, err
		}
		if bad := lines(Run(ctx, Config{File: file, Host: h})); len(bad) > 0 {
			t.Errorf("%q", bad)
		}
	}
}

// TestMistakesHideNothingFalse: of a configuration with mistakes nothing is said
// but the mistakes.
func TestMistakesHideNothingFalse(t *testing.T) {
	file, _ := configFile(t, "lisen: :7000\nseeds: ['10.0.0.1:7000']\ndiscovery: {lan: true}\n")
	list := Run(t.Context(), Config{File: file, Host: well()})
	if got := lines(list); !slices.Equal(got, []string{"fail config " + file}) {
		t.Errorf("%q", got)
	}
	for _, check := range []string{"key-file", "port", "seed", "discovery"} {
		if f := the(t, list, check); f.Verdict != Skipped || !strings.Contains(f.What, "the configuration has mistakes") {
			t.Errorf("%+v", f)
		}
	}
}

func TestNoMulticast(t *testing.T) {
	h := well()
	h.Reach = func(context.Context, []byte) ([]discovery.Reach, error) {
		return []discovery.Reach{{Interface: "lo"}}, nil
	}
	file, _ := configFile(t, "discovery: {lan: true}\n")
	the(t, Run(t.Context(), Config{File: file, Host: h}), "multicast").wants(t, Fail, "no interface but loopback", "set seeds")
	if f := the(t, Run(t.Context(), Config{Host: h}), "multicast"); f.Verdict != Skipped {
		t.Errorf("%+v", f)
	}
}

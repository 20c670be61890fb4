//go:build unix

package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"iris/internal/canary"
	"iris/node/config"
)

// TestFoundByAProgram has three nodes that no beacon reaches and no seed names.
// What a program prints brings them together, wrong addresses beside it do no harm,
// and a node that does not find anybody starts all the same.
func TestFoundByAProgram(t *testing.T) {
	list := filepath.Join(t.TempDir(), "nodes")
	secret := canary.Key()
	write := func(lines ...string) {
		if err := os.WriteFile(list+".new", []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(list+".new", list); err != nil {
			t.Fatal(err)
		}
	}
	lines := []string{"127.0.0.1:9", "no.such.host.invalid:7000", "this is no address"}
	write(lines...)
	var nodes []*Node
	for range 3 {
		cfg := config.Default()
		cfg.Network.Name, cfg.Network.Secret, cfg.Log.Level = t.Name(), secret, slog.LevelError
		cfg.Listen, cfg.Discovery.Host, cfg.Discovery.Exec = "127.0.0.1:0", false, []string{"/bin/cat", list}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n, err := Start(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer stop(t, n)
		nodes = append(nodes, n)
		lines = append(lines, n.Addr().String())
		write(lines...)
	}
	for _, n := range nodes {
		eventually(t, "every peer", func() bool { return len(n.Peers()) == 2 })
		if s := n.discovery.Stats().Lookups[0]; s.Name != "exec cat" || !strings.HasPrefix(s.Err, `line 3: "this is no address"`) {
			t.Errorf("%+v", s)
		}
	}
}

// TestLookupsThatCannotBe holds that what can be known to be wrong fails the start,
// and what may come right does not.
func TestLookupsThatCannotBe(t *testing.T) {
	start := func(change func(*config.Discovery)) error {
		cfg := config.Default()
		cfg.Log.Level, cfg.Discovery.Host = slog.LevelError+1, false
		change(&cfg.Discovery)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n, err := Start(ctx, cfg)
		if err == nil {
			stop(t, n)
		}
		return err
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*config.Discovery){
		"chmod 600": func(d *config.Discovery) {
			d.Etcd = config.Etcd{Endpoints: []string{"http://127.0.0.1:1"}, Username: "iris", PasswordFile: password}
		},
		"cannot read certificate": func(d *config.Discovery) {
			d.Etcd = config.Etcd{Endpoints: []string{"https://127.0.0.1:1"}, TLSCA: password + ".no"}
		},
		"is not host:port": func(d *config.Discovery) { d.DNS = []string{"iris"} },
		"":                 func(d *config.Discovery) { d.Exec, d.DNS = []string{"/nowhere"}, []string{"no.such.host.invalid:7000"} },
		"out of range":     func(d *config.Discovery) { d.Interval = time.Millisecond },
	} {
		err := start(change)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprint(err), "hunter2")) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

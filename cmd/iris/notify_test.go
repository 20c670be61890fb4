//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// systemd listens as the service manager does.
func systemd(t *testing.T, name string) (heard func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func() string {
		buf := make([]byte, 4096)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestManager(t *testing.T) {
	abstract := "@iris-test-" + strconv.Itoa(os.Getpid())
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), abstract} {
		heard := systemd(t, name)
		env := map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}
		m := newManager(func(k string) string { return env[k] })
		if m == nil || m.watchdog != 20*time.Millisecond {
			t.Fatalf("%s: %+v", name, m)
		}
		m.tell("READY=1", "STATUS=here")
		if got := heard(); got != "READY=1\nSTATUS=here" {
			t.Errorf("%s: heard %q", name, got)
		}
		var dead atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			m.watch(ctx, func(context.Context) error {
				if dead.Load() {
					return errors.New("stuck")
				}
				return nil
			})
		}()
		for range 3 {
			if got := heard(); got != "WATCHDOG=1" {
				t.Errorf("%s: heard %q", name, got)
			}
		}
		dead.Store(true) // no more signs of life, two at most under way
		cancel()
		<-over
		m.close()
	}
}

func TestNoManager(t *testing.T) {
	for _, name := range []string{"", "relative", "/nowhere/to/be/found"} {
		m := newManager(func(k string) string { return map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"}[k] })
		if m != nil {
			t.Errorf("%q is somebody", name)
		}
		m.tell("READY=1")
		m.watch(t.Context(), nil)
		m.close()
	}
	name := filepath.Join(t.TempDir(), "notify")
	systemd(t, name)
	for env, want := range map[[2]string]time.Duration{{"3000000", ""}: 3 * time.Second, {"3000000", "1"}: 0, {"-1", ""}: 0, {"x", ""}: 0, {"", ""}: 0} {
		m := newManager(func(k string) string {
			return map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": env[0], "WATCHDOG_PID": env[1]}[k]
		})
		if m.watchdog != want {
			t.Errorf("%v: %v, want %v", env, m.watchdog, want)
		}
		m.close()
	}
}

// TestNodeTellsItsManager has a node say when it is up, alive and leaving.
func TestNodeTellsItsManager(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	heard := systemd(t, name)
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "100000")
	t.Setenv("WATCHDOG_PID", "")
	p := startIris(t, "node")
	until := func(start string) {
		for got := ""; !strings.HasPrefix(got, start); {
			if got = heard(); !strings.HasPrefix(got, start) && got != "WATCHDOG=1" {
				t.Fatalf("heard %q, want %q", got, start)
			}
		}
	}
	until("READY=1\nSTATUS=node ")
	p.ready(t)
	until("WATCHDOG=1")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until("STOPPING=1\nSTATUS=leaving the network")
	if err := p.Wait(); err != nil {
		t.Errorf("%v; standard error:\n%s", err, p.err.String())
	}
}

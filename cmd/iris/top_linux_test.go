package main

import (
	"log/slog"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// live starts a node of a network; seeds are others of it.
func live(t *testing.T, admin string, seeds ...*node.Node) *node.Node {
	t.Helper()
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = "shop", config.Secret("the secret of the network on a terminal")
	cfg.Listen, cfg.Discovery.Host, cfg.Discovery.LAN = "127.0.0.1:0", false, false
	cfg.Relay.Listen, cfg.Admin.Listen = config.EndpointOff, admin
	cfg.Log.Handler = slog.DiscardHandler
	for _, n := range seeds {
		cfg.Seeds = append(cfg.Seeds, n.Addr().String())
	}
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, n) })
	return n
}

// stop ends a node; again does nothing.
func stop(t *testing.T, n *node.Node) {
	t.Helper()
	if err := n.Stop(t.Context()); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
}

// spell is what a terminal obeys: a title, another colour, nothing left on the screen.
const spell = "\x1b]2;owned\a\x1b[31m\x1b[2J"

// crowd gives nodes something to show: a cluster that answers and fails, and a letter to nobody, with spells in both.
func crowd(t *testing.T, server, asker *node.Node) {
	t.Helper()
	echo := actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			if string(m) == "break" {
				panic("broken " + spell)
			}
			ctx.Respond(m)
		}
	})
	for _, cluster := range []string{"orders", "archive"} {
		if _, err := server.Register(cluster, echo); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := asker.Request(t.Context(), cluster, actor.Bytes("hi")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := asker.Request(t.Context(), "orders", actor.Bytes("break")); err == nil {
		t.Fatal("nothing broke")
	}
	server.System().Send(actor.NewPID(server.ID(), "iris/"+spell), nil, "lost")
}

// iris top on a terminal of the kernel, at a network of three nodes.
func TestTopOnATerminal(t *testing.T) {
	seen := live(t, "127.0.0.1:0")
	other := live(t, config.EndpointOff, seen)
	third := live(t, config.EndpointOff, seen, other)
	crowd(t, seen, other)
	y := openTTY(t, 140, 30)
	if _, err := y.side.WriteString("$ iris top\n"); err != nil {
		t.Fatal(err)
	}
	before := y.settings()
	url := seen.AdminURLs()[0]
	top := y.iris("top", "-i", "500ms", "--admin", url)

	y.shows("network shop", "3 nodes, 0 suspected", `\[1 nodes\]`, `q quit`)
	for _, n := range []*node.Node{seen, other, third} {
		y.shows(`^` + n.ID()[:8] + ` +\S+ +ready `)
	}
	y.await("a screen of its own", func(s *screen) bool { return s.alternate && s.title == "iris top" })
	if y.settings() == before {
		t.Error("keys are echoed, and taken line by line")
	}
	pages(y)
	sizes(y)

	y.types("1")
	stop(t, third)
	y.shows(`^` + third.ID()[:8] + ` .* down `)
	stop(t, seen)
	y.shows("^no answer: there is no admin endpoint at http", `^`+other.ID()[:8]) // what was known stays
	again := live(t, strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), other)
	y.shows(`^`+again.ID()[:8]+` .*network shop`, "^[23] nodes, 0 suspected", `^`+other.ID()[:8]+` +\S+ +ready `)

	y.types("q")
	y.ends(top, before)
	y.mu.Lock()
	defer y.mu.Unlock()
	if strings.Contains(y.all.String(), "\x1b]2;owned") || strings.Contains(y.all.String(), "broken \x1b") || y.screen.title == "owned" {
		t.Error("what a handler said has acted on the terminal")
	}
	if len(y.screen.strange) > 0 {
		t.Errorf("the screen of this test does not know %q", y.screen.strange)
	}
}

// pages goes through the pages and their orders.
func pages(y *tty) {
	y.t.Helper()
	y.types("2")
	y.shows(`\[2 clusters\]`, `^orders +1 +1 `, `^archive +1 +1 `, `by answered`)
	first := func(want string) {
		y.t.Helper()
		y.await(want+" first", func(s *screen) bool { return strings.HasPrefix(s.lines()[4], want) })
	}
	y.types("s")
	y.shows("by name  ")
	first("archive ")
	y.types("r")
	y.shows("by name, reversed")
	first("orders ")
	y.types("r\t")
	y.shows(`\[3 actors\]`, `iris/clusters/orders/\S+ +running`, `by busy`)
	y.types("ssss")
	y.shows("by failures")
	first("iris/clusters/orders/")
	y.shows(`broken ` + regexp.QuoteMeta(`\x1b]2`))
	y.types("4")
	y.shows(`\[4 dead letters\]`, `^no such actor .*iris/`+regexp.QuoteMeta(`\x1b]2`))
	y.types("\x1b[Z") // shift-tab
	y.shows(`\[3 actors\]`)
	y.types("?")
	y.shows("the other way round")
	y.types("?p")
	y.shows("PAUSED")
	y.types("p")
	y.await("it goes on", func(s *screen) bool { return s.row("PAUSED") == "" && s.row("by failures") != "" })
}

// sizes makes the terminal smaller and larger.
func sizes(y *tty) {
	y.t.Helper()
	for _, size := range []struct{ width, height int }{{44, 9}, {160, 40}, {140, 30}} {
		y.size(size.width, size.height)
		y.await("the last line in its place", func(s *screen) bool {
			lines := s.lines()
			return strings.HasPrefix(lines[size.height-1], "every 500ms") && strings.HasPrefix(lines[2], " 1 nodes ") && strings.HasPrefix(lines[3], "ACTOR ")
		})
	}
}

// Whatever ends it, the terminal is as it was.
func TestTopLeavesTheTerminal(t *testing.T) {
	n := live(t, "127.0.0.1:0")
	y := openTTY(t, 80, 24)
	if _, err := y.side.WriteString("$ iris top\n"); err != nil {
		t.Fatal(err)
	}
	before := y.settings()
	for name, end := range map[string]func(pid int) error{
		"ctrl-c":  func(int) error { y.types("\x03"); return nil },
		"escape":  func(int) error { y.types("\x1b"); return nil },
		"SIGTERM": func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"SIGINT":  func(pid int) error { return syscall.Kill(pid, syscall.SIGINT) },
	} {
		top := y.iris("top", "--admin", n.AdminURLs()[0])
		y.await("a node on a screen of its own", func(s *screen) bool { return s.alternate && s.row("1 nodes, 0 suspected") != "" })
		if err := end(top.Process.Pid); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		y.ends(top, before)
	}
}

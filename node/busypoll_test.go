package node

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/transport/udp"
)

// Nodes that poll are linked, answer each other, several at once and one after the other, and
// end with all their goroutines.
func TestNodesThatPoll(t *testing.T) {
	conn, granted, err := udp.Listen(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	t.Cleanup(func() { // after the nodes have stopped
		eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
	})
	nodes := together(t, 2, func(c *config.Config) { c.BusyPoll = 10 * time.Millisecond })
	for i, name := range []string{"left", "right"} {
		if _, err := nodes[i].Register(name, actor.Func(echo)); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(from *Node, to string) {
		if got, err := from.Request(t.Context(), to, actor.Bytes("x")); err != nil || string(got.(actor.Bytes)) != "x" {
			t.Errorf("asked %s: %v, %v", to, got, err)
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				ask(nodes[0], "right")
				ask(nodes[1], "left")
			}
		})
	}
	all.Wait()
	if !granted.Offload {
		t.Skip("this kernel has no receive offload, without which no socket polls")
	}
	eventually(t, "a reader that polls", func() bool {
		ask(nodes[0], "right")
		return slices.ContainsFunc(stacks(), func(stack string) bool {
			return strings.Contains(stack, "runtime.Gosched") && strings.Contains(stack, "udp.(*offload).ask")
		})
	})
}

// stacks returns that of each goroutine.
func stacks() []string {
	text := make([]byte, 1<<20)
	return strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n")
}

package relay_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/node/relay/packet"
)

// Close ends the requests of the client that are under way, each with a result;
// nobody waits for their timeouts.
func TestCloseDuringARequest(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "slow")
		for i := range uint64(10) {
			client.send(packet.Request{ID: i, Cluster: "slow", TimeoutMs: 600_000})
			expect[packet.Serve](service)
		}
		client.send(packet.Close{})
		seen := map[uint64]bool{}
		for range 10 {
			r := expect[packet.Result](client)
			if !r.TimedOut || seen[r.ID] {
				t.Errorf("got %+v", r)
			}
			seen[r.ID] = true
		}
		if got := expect[packet.Closed](client); got.Reason != "" {
			t.Errorf("closed with %q", got.Reason)
		}
		client.expectEnd()
		service.close()
	})
}

// Replies that follow Close still count; requests without one fail at the asker
// at once.
func TestServiceClosesWhileItServes(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "c")
		var ids []uint64
		for i := range uint64(2) {
			client.send(packet.Request{ID: i, Cluster: "c", TimeoutMs: 600_000})
			ids = append(ids, expect[packet.Serve](service).ID)
		}
		service.send(packet.Close{}, packet.Reply{ID: ids[0], OK: true, Payload: []byte("in time")})
		if reason := service.expectEnd(); reason != "" {
			t.Errorf("closed with %q", reason)
		}
		for range 2 {
			switch r := expect[packet.Result](client); {
			case r.ID == 0 && string(r.Payload) == "in time":
			case r.ID == 1 && r.Fault != "":
			default:
				t.Errorf("got %+v", r)
			}
		}
		client.quiet()
	})
}

// A node that stops lets its clients answer, and tells them why they are closed.
func TestNodeStops(t *testing.T) {
	hs := houses(t, 2)
	client, service := hs[1].attach(t, ""), hs[0].attach(t, "c")
	client.send(packet.Request{ID: 1, Cluster: "c", TimeoutMs: 600_000})
	q := expect[packet.Serve](service)
	stopped := make(chan error, 1)
	go func() { stopped <- hs[0].Stop(t.Context()) }()
	eventually(t, "the stop", func() bool { return len(told[*actor.NodeStopping](hs[0])) > 0 })
	service.send(packet.Reply{ID: q.ID, OK: true, Payload: []byte("done")})
	if r := expect[packet.Result](client); string(r.Payload) != "done" {
		t.Errorf("got %+v", r)
	}
	if reason := service.expectEnd(); reason != "the node is stopping" {
		t.Errorf("closed with %q", reason)
	}
	_ = service.conn.Close()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A node does not wait for ever for clients that neither answer nor read.
func TestNodeStopsInTime(t *testing.T) {
	hs := houses(t, 2)
	client, service := hs[1].attach(t, ""), hs[0].attach(t, "c")
	client.send(packet.Request{ID: 1, Cluster: "c", TimeoutMs: 600_000})
	expect[packet.Serve](service)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	hs[0].late = true // for other reasons, on a busy machine
	_ = hs[0].Stop(ctx)
	if r := expect[packet.Result](client); r.OK || !r.TimedOut && r.Fault == "" {
		t.Errorf("got %+v", r)
	}
	if reason := service.expectEnd(); reason != "the node is stopping" {
		t.Errorf("closed with %q", reason)
	}
}

// A tunnel whose other end takes nothing does not use up the time of a node that
// stops.
func TestNodeStopsWithAStalledTunnel(t *testing.T) {
	hs := houses(t, 2)
	client, service := hs[0].attach(t, ""), hs[1].attach(t, "tun")
	join(client, service, "tun")
	for range 2 { // one message waits at the other end, one in the tunnel
		client.sendMessage(0, octets(3<<20))
	}
	client.whole() // the relay has taken both
	hs[0].late = true
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := hs[0].Stop(ctx); err == nil || !strings.Contains(err.Error(), "clients were cut off") {
		t.Errorf("stopped with %v", err)
	}
	if ctx.Err() != nil {
		t.Skip("the machine is too busy to say more")
	}
	service.send(packet.TunAllow{Space: packet.ClientWindow})
	if got := service.message(); len(got) != 3<<20 {
		t.Errorf("got %d octets", len(got))
	}
	if got := expect[packet.TunClosed](service); got.Reason == "" {
		t.Error("the other end got no reason")
	}
}

// An operator's command ends a client as it ends any handler.
func TestClientIsStoppedByCommand(t *testing.T) {
	h := houses(t, 1)[0]
	c := h.attach(t, "c")
	h.Events().Publish(&actor.StopHandler{PID: actor.NewPID(h.ID(), "iris/relay/1")})
	if reason := c.expectEnd(); reason != "stopped by its node" {
		t.Errorf("closed with %q", reason)
	}
}

// heap is what the process holds.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A client that does not read holds 64 MiB at most and is dropped when it has been
// so for a while. One that reads gets everything meanwhile.
func TestClientThatDoesNotRead(t *testing.T) {
	const size = 256 << 10
	h := houses(t, 1)[0]
	stuck, reader := h.attach(t, ""), h.attach(t, "")
	for _, c := range []*raw{stuck, reader} {
		c.send(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news"})
		expect[packet.Publish](c)
	}
	before := heap()
	most, last := int64(0), uint64(0)
	for n := uint64(1); len(told[*actor.RelayClientDown](h)) == 0; n++ {
		event := make(actor.Bytes, size)
		binary.BigEndian.PutUint64(event, n)
		if err := h.Publish(t.Context(), "news", event); err != nil {
			t.Fatal(err)
		}
		for last != n {
			if got := expect[packet.Publish](reader).Payload; len(got) == size {
				if m := binary.BigEndian.Uint64(got); m != last+1 {
					t.Fatalf("event %d follows %d", m, last)
				}
				last++
			}
		}
		if n%100 == 0 {
			most = max(most, heap()-before)
		}
	}
	t.Logf("%d events of %d KiB, the node held %d MiB more", last, size>>10, most>>20)
	if reason := h.downs(t, 1)[0]; !strings.Contains(reason, "does not read") {
		t.Errorf("dropped for %q", reason)
	}
	if most > 100<<20 {
		t.Errorf("%d MiB were held", most>>20)
	}
	reader.quiet()
}

// Results are never left out: a client that asks and does not read them is
// dropped.
func TestClientThatDoesNotReadItsResults(t *testing.T) {
	h := houses(t, 1)[0]
	if _, err := h.Register("big", actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(make(actor.Bytes, 1<<20))
		}
	})); err != nil {
		t.Fatal(err)
	}
	c := h.attach(t, "")
	for i := range uint64(200) {
		c.send(packet.Request{ID: i, Cluster: "big", TimeoutMs: 600_000})
	}
	if reason := h.downs(t, 1)[0]; !strings.Contains(reason, "does not read") {
		t.Errorf("dropped for %q", reason)
	}
}

// Of more requests than a client may have under way those too many are answered at once,
// as timed out; each has one result.
func TestManyRequestsUnderWay(t *testing.T) {
	const asked, most = 10_000, 4096
	h := houses(t, 1)[0]
	client, service := h.attach(t, ""), h.attach(t, "c")
	var octets []byte
	for i := range uint64(asked) {
		octets = packet.Append(octets, packet.Request{ID: i, Cluster: "c", TimeoutMs: 600_000})
	}
	client.write(octets)
	seen := make([]bool, asked)
	for range asked - most {
		if r := expect[packet.Result](client); !r.TimedOut || seen[r.ID] {
			t.Fatalf("got %+v", r)
		} else {
			seen[r.ID] = true
		}
	}
	for range most {
		service.send(packet.Reply{ID: expect[packet.Serve](service).ID, OK: true})
	}
	for range most {
		if r := expect[packet.Result](client); !r.OK || seen[r.ID] {
			t.Fatalf("got %+v", r)
		} else {
			seen[r.ID] = true
		}
	}
	client.quiet()
	service.quiet()
}

// Two programs that ask each other more than they may, before they answer anything, do not
// keep each other from answering.
func TestProgramsThatAskEachOther(t *testing.T) {
	const asked = 5000
	everywhere(t, func(t *testing.T, a, b *house) {
		pair := map[*raw]string{a.attach(t, "a"): "b", b.attach(t, "b"): "a"}
		for c, other := range pair {
			var octets []byte
			for i := range uint64(asked) {
				octets = packet.Append(octets, packet.Request{ID: i, Cluster: other, TimeoutMs: 600_000})
			}
			c.write(octets)
		}
		var wg sync.WaitGroup
		var left atomic.Int64 // results that have not come: until then both answer
		left.Store(2 * asked)
		for c := range pair {
			wg.Go(func() {
				for results := 0; ; {
					switch p, err := c.next(); p := p.(type) {
					case packet.Serve:
						c.send(packet.Reply{ID: p.ID, OK: true})
					case packet.Result:
						if results++; left.Add(-1) == 0 {
							for c := range pair {
								_ = c.conn.Close()
							}
						}
					default:
						if results != asked {
							t.Errorf("after %d results: %T, %v", results, p, err)
						}
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// Beyond the loopback interface a token is asked for, before anything else.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	const token = "00112233445566778899aabbccddeeff"
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := houses(t, 1, func(c *config.Config) { c.Relay.Listen, c.Relay.TokenFile = "0.0.0.0:0", file })[0]
	_, port, _ := strings.Cut(strings.TrimPrefix(h.addr, "[::]"), ":")
	h.addr = "127.0.0.1:" + port
	c := h.connect(t)
	c.write([]byte("iris-token " + token + "\n"))
	c.send(packet.Init{Version: packet.Version})
	expect[packet.Welcome](c)
	c.close()
	for _, line := range []string{"", "iris-token " + strings.Repeat("0", 32) + "\n", "iris-token " + token + "0"} {
		c := h.connect(t)
		c.write([]byte(line))
		c.send(packet.Init{Version: packet.Version, Cluster: strings.Repeat("c", 100)})
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		if n, _ := c.conn.Read(make([]byte, 1)); n > 0 {
			t.Errorf("with the line %q the relay said something", line)
		}
	}
}

// Clients come, serve, ask and go at once, and hear of nothing that is not meant
// for them.
func TestManyClientsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		var wg sync.WaitGroup
		for i := range 20 {
			h := []*house{a, b}[i%2]
			wg.Go(func() {
				for round := range 5 {
					cluster := fmt.Sprintf("c%d-%d", i, round)
					service, client := h.attach(t, cluster), h.attach(t, "")
					client.send(packet.Request{ID: 1, Cluster: cluster, Payload: []byte(cluster), TimeoutMs: 60_000})
					q := expect[packet.Serve](service)
					service.send(packet.Reply{ID: q.ID, OK: true, Payload: q.Payload})
					if r := expect[packet.Result](client); string(r.Payload) != cluster {
						t.Errorf("got %+v", r)
					}
					service.close()
					client.send(packet.Request{ID: 1, Cluster: cluster, TimeoutMs: 600_000})
					if r := expect[packet.Result](client); !r.TimedOut {
						t.Errorf("after the last member has gone: %+v", r)
					}
					client.close()
				}
			})
		}
		wg.Wait()
	})
}

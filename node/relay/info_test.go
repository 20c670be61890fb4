package relay

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
)

// stranger is a client of r that nobody reads from.
func stranger(r *Relay, number uint64, conn net.Conn) *client {
	c := &client{r: r, number: number, conn: conn}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.out.init(conn, nil, c.stalled)
	c.chores.init()
	c.asks.init()
	c.serves.init()
	c.topics.init()
	c.pipes.init(c)
	return c
}

// ending returns why c ended, empty if it has not.
func (c *client) ending() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

func TestClientsAreDescribed(t *testing.T) {
	r := &Relay{clients: map[uint64]*client{}}
	since := time.Now()
	busy, idle := stranger(r, 7, nil), stranger(r, 3, nil)
	busy.addr, busy.cluster, busy.since = "here", "c", since
	busy.topics.put("news", new(topics.Registration))
	busy.pipes.open[1], busy.pipes.open[2] = new(pipe), new(pipe)
	if err := busy.asks.begin(packet.Request{ID: 4}); err != nil {
		t.Fatal(err)
	}
	if err := busy.out.put(packet.Delivery{Payload: make([]byte, 10)}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{busy, idle} {
		if err := r.enlist(c); err != nil {
			t.Fatal(err)
		}
	}
	want := []ClientInfo{
		{Client: 3},
		{Client: 7, Addr: "here", Cluster: "c", Since: since, Topics: 1, Tunnels: 2, Asked: 1, Queued: 12},
	}
	if diff := cmp.Diff(want, r.Clients()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Programs count from the moment on that they ask to become clients, so that a flood of
// those that wait for their cluster is bounded too.
func TestPlacesAreBounded(t *testing.T) {
	r := new(Relay)
	for range maxClients {
		if err := r.reserve(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.reserve(); err == nil {
		t.Error("one more than there may be")
	}
	r.vacate()
	if err := r.reserve(); err != nil {
		t.Errorf("there is a place again: %v", err)
	}
}

// A connection counts as one that has not greeted until it has a reason to be here, or is
// gone.
func TestDeniedConnectionsAreCounted(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	r := &Relay{clients: map[uint64]*client{}}
	told := make(chan any, 1)
	r.refusals.publish = func(ev any) { told <- ev }
	go r.serve(here, false)
	if _, err := there.Write(packet.Append(nil, packet.Init{Version: "v2"})); err != nil {
		t.Fatal(err)
	}
	deny := make([]byte, 1)
	if _, err := there.Read(deny); err != nil || packet.Op(deny[0]) != packet.OpDeny {
		t.Fatalf("got %v, %v", deny, err)
	}
	r.halfOpen.mu.Lock()
	n := r.halfOpen.conns.Len() // the rest of Deny has not been read
	r.halfOpen.mu.Unlock()
	if n != 1 {
		t.Errorf("%d connections are counted", n)
	}
	_ = there.Close()
	if _, ok := (<-told).(*actor.RelayClientRefused); !ok || r.halfOpen.conns.Len() != 0 {
		t.Error("it is still counted")
	}
}

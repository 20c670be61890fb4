package relay_test

import (
	"encoding/binary"
	"encoding/json"
	"testing"

	"iris/actor"
	"iris/node/config"
	"iris/node/inspect"
	"iris/node/relay/packet"
)

// queued returns how much waits for all programs of h together, and for the one at addr.
func (h *house) queued(t *testing.T, addr string) (sum, one int) {
	t.Helper()
	data, err := h.Inspect().Ask(t.Context(), "", inspect.Query{What: "relay", Args: map[string]string{"limit": "1000"}})
	var page inspect.Page[inspect.RelayClient]
	if err == nil {
		err = json.Unmarshal(data, &page)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Items {
		sum += c.Queued
		if c.Addr == addr {
			one = c.Queued
		}
	}
	return sum, one
}

// What waits for many programs that do not read is bounded together, and what they miss is
// counted; one that reads gets every event, and answers as long as there is room for them.
func TestCrowdThatDoesNotRead(t *testing.T) {
	const crowd, events, size = 60, 60, 48 << 10
	h := houses(t, 1, func(c *config.Config) { c.Limits.Memory, c.Limits.Message = 64<<20, 8<<20 })[0] // 16 MiB wait
	if _, err := h.Register("big", actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(make(actor.Bytes, binary.BigEndian.Uint32(m)))
		}
	})); err != nil {
		t.Fatal(err)
	}
	ask := func(c *raw, id uint64, bytes uint32) packet.Result {
		t.Helper()
		c.send(packet.Request{ID: id, Cluster: "big", Payload: binary.BigEndian.AppendUint32(nil, bytes), TimeoutMs: 60_000})
		return expect[packet.Result](c)
	}
	good := h.attach(t, "")
	for _, c := range append(programs(t, h, crowd), good) {
		c.send(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news"})
		expect[packet.Publish](c)
	}
	if r := ask(good, 0, 8<<20); len(r.Payload) != 8<<20 {
		t.Fatalf("while there is room: %d bytes", len(r.Payload))
	}
	most, lost := 0, func() uint64 { return h.System().Counters().Dropped[actor.DeadRelay.String()] }
	for n := range uint64(events) {
		event := make(actor.Bytes, size)
		binary.BigEndian.PutUint64(event, n+1)
		if err := h.Publish(t.Context(), "news", event); err != nil {
			t.Fatal(err)
		}
		for {
			if got := expect[packet.Publish](good).Payload; len(got) == size {
				if m := binary.BigEndian.Uint64(got); m != n+1 {
					t.Fatalf("event %d instead of %d", m, n+1)
				}
				break
			}
		}
		// What it has read still counts until the relay's write has returned.
		eventually(t, "nothing to wait for who reads", func() bool {
			all, its := h.queued(t, good.conn.LocalAddr().String())
			most = max(most, all)
			return its == 0
		})
	}
	eventually(t, "the crowd to miss some", func() bool { return lost() > 0 })
	all, _ := h.queued(t, "")
	most = max(most, all)
	if bound := 16<<20 + (crowd+1)*(64<<10); most > bound {
		t.Errorf("%d bytes waited, at most %d may", most, bound)
	}
	t.Logf("%d KiB waited, %d events were missed", most>>10, lost())
	short := false
	for _, e := range told[*actor.Overloaded](h) {
		short = short || e.What == "memory for what waits for programs"
	}
	if !short {
		t.Error("nobody was told")
	}
	if r := ask(good, 1, 16<<10); len(r.Payload) != 16<<10 {
		t.Errorf("an answer that fits into what is its own: %+v", r)
	}
	if before, r := lost(), ask(good, 2, 8<<20); len(r.Payload) == 0 && (!r.TimedOut || lost() == before) {
		t.Errorf("an answer without room: %+v, %d lost", r, lost()-before)
	}
}

// programs attaches n.
func programs(t *testing.T, h *house, n int) (list []*raw) {
	for range n {
		list = append(list, h.attach(t, ""))
	}
	return list
}

package relay_test

import (
	"encoding/json"
	"testing"

	"iris/node/inspect"
	"iris/node/relay/packet"
)

// Of two services on a node the one that has nothing to do is asked.
func TestBusyServiceIsSpared(t *testing.T) {
	h := houses(t, 1)[0]
	client, busy, idle := h.attach(t, ""), h.attach(t, "c"), h.attach(t, "c")
	client.send(packet.Request{ID: 1, Cluster: "c", TimeoutMs: 60_000})
	first := make(chan *raw, 2)
	for _, c := range []*raw{busy, idle} {
		go func() {
			if _, err := c.next(); err == nil {
				first <- c
			}
		}()
	}
	if <-first == idle {
		busy, idle = idle, busy
	}
	for i := range uint64(20) {
		h.working(t, "c", 1) // a reply is sent before the request counts as done: until then both are busy
		client.send(packet.Request{ID: 2 + i, Cluster: "c", TimeoutMs: 60_000})
		if i == 0 {
			if c := <-first; c != idle {
				t.Fatal("the busy one was asked")
			}
			idle.send(packet.Reply{ID: 0, OK: true})
		} else {
			idle.send(packet.Reply{ID: expect[packet.Serve](idle).ID, OK: true})
		}
		if got := expect[packet.Result](client); got.ID != 2+i || !got.OK {
			t.Fatalf("got %+v", got)
		}
	}
}

// working waits until n requests are under way at the members of a cluster here, and none waits
// in a mailbox.
func (h *house) working(t *testing.T, cluster string, n int64) {
	t.Helper()
	eventually(t, "requests to be done", func() bool {
		data, err := h.Inspect().Ask(t.Context(), "", inspect.Query{What: "clusters", Args: map[string]string{"name": cluster}})
		var page inspect.Page[inspect.Cluster]
		if err == nil {
			err = json.Unmarshal(data, &page)
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items) == 1 && page.Items[0].InFlight == n && page.Items[0].Queued == 0
	})
}

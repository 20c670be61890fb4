package relay_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"iris/actor"
	"iris/node/config"
	"iris/node/relay/packet"
)

// everywhere runs a test with both ends at one node, and at two of three.
func everywhere(t *testing.T, f func(t *testing.T, a, b *house)) {
	t.Helper()
	t.Run("one node", func(t *testing.T) {
		h := houses(t, 1)[0]
		f(t, h, h)
	})
	t.Run("three nodes", func(t *testing.T) {
		hs := houses(t, 3)
		f(t, hs[0], hs[2])
	})
}

func TestRequests(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "echo")
		for i, body := range []string{"hello", "", string(bytes.Repeat([]byte("x"), 100_000))} {
			id := uint64(i)
			client.send(packet.Request{ID: id, Cluster: "echo", Payload: []byte(body), TimeoutMs: 60_000})
			q := expect[packet.Serve](service)
			if string(q.Payload) != body || q.TimeoutMs == 0 || q.TimeoutMs > 60_000 {
				t.Errorf("served %d bytes within %d ms", len(q.Payload), q.TimeoutMs)
			}
			service.send(packet.Reply{ID: q.ID, OK: true, Payload: q.Payload})
			got := expect[packet.Result](client)
			if diff := cmp.Diff(packet.Result{ID: id, OK: true, Payload: []byte(body)}, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		}
		client.send(packet.Request{ID: 7, Cluster: "echo", Payload: []byte("x"), TimeoutMs: 60_000})
		service.send(packet.Reply{ID: expect[packet.Serve](service).ID, Fault: "no such thing: ü"})
		if got := expect[packet.Result](client); got.Fault != "no such thing: ü" || got.OK || got.TimedOut || got.ID != 7 {
			t.Errorf("a fault arrived as %+v", got)
		}
		client.close()
		service.close()
	})
}

func TestTimeouts(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "slow")
		for _, ms := range []uint64{0, 1, 5, 50} {
			began := time.Now()
			client.send(packet.Request{ID: ms, Cluster: "slow", TimeoutMs: ms})
			if got := expect[packet.Result](client); !got.TimedOut || got.ID != ms {
				t.Errorf("got %+v", got)
			}
			if took := time.Since(began); took < time.Duration(ms)*time.Millisecond {
				t.Errorf("a timeout of %d ms after %v", ms, took)
			}
		}
		// What the service says too late is nobody's business; the last one was
		// certainly passed on.
		for {
			q := expect[packet.Serve](service)
			service.send(packet.Reply{ID: q.ID, OK: true})
			if q.TimeoutMs > 5 {
				break
			}
			if q.TimeoutMs == 0 {
				t.Error("a timeout of 0 was passed on")
			}
		}
		service.send(packet.Reply{ID: 12345, OK: true}) // nor this
		service.quiet()
		client.quiet()
	})
}

// Nobody waits for a timeout that the relay knows will come.
func TestNobodyServes(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client := a.attach(t, "")
		client.quiet()
		service := b.attach(t, "short")
		service.close()
		client.send(packet.Request{ID: 1, Cluster: "short", TimeoutMs: 60_000}, packet.TunInit{Tunnel: 1, Cluster: "short", TimeoutMs: 60_000})
		for range 2 {
			p, err := client.next()
			if err != nil {
				t.Fatal(err)
			}
			switch p := p.(type) {
			case packet.Result:
				if !p.TimedOut {
					t.Errorf("got %+v", p)
				}
			case packet.TunResult:
				if !p.TimedOut {
					t.Errorf("got %+v", p)
				}
			default:
				t.Errorf("got %+v", p)
			}
		}
	})
}

func TestBroadcasts(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		one, two, pure := a.attach(t, "all"), b.attach(t, "all"), b.attach(t, "")
		one.send(packet.Broadcast{Cluster: "all", Payload: []byte("first")})
		pure.send(packet.Broadcast{Cluster: "nobody", Payload: []byte("x")})
		for _, c := range []*raw{one, two} { // the sender is a member
			if got := expect[packet.Delivery](c); string(got.Payload) != "first" {
				t.Errorf("got %q", got.Payload)
			}
		}
		pure.send(packet.Broadcast{Cluster: "all", Payload: []byte{}})
		for _, c := range []*raw{one, two} {
			if got := expect[packet.Delivery](c); len(got.Payload) != 0 {
				t.Errorf("got %q", got.Payload)
			}
		}
		pure.quiet()
	})
}

// Packets of a client are handled in order: who subscribes and then publishes
// hears its own event, and all of them in order.
func TestEventsInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		const events = 1000
		reader := b.attach(t, "")
		reader.send(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news", Payload: []byte("ready")})
		if got := expect[packet.Publish](reader); string(got.Payload) != "ready" || got.Topic != "news" {
			t.Fatalf("got %+v", got)
		}
		both := a.attach(t, "")
		both.send(packet.Subscribe{Topic: "news"})
		var list []packet.Packet
		for i := range events {
			list = append(list, packet.Publish{Topic: "news", Payload: fmt.Append(nil, i)})
		}
		both.send(list...)
		for _, c := range []*raw{both, reader} {
			for i := range events {
				if got := expect[packet.Publish](c); string(got.Payload) != fmt.Sprint(i) {
					t.Fatalf("event %d is %q", i, got.Payload)
				}
			}
		}
		both.send(packet.Unsubscribe{Topic: "news"}, packet.Publish{Topic: "news", Payload: []byte("last")})
		if got := expect[packet.Publish](reader); string(got.Payload) != "last" {
			t.Errorf("got %q", got.Payload)
		}
		both.quiet()
		both.send(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news", Payload: []byte("again")})
		expect[packet.Publish](both)
		both.close()
	})
}

// What was sent before Close counts, and so does what was sent before the
// connection ended.
func TestPublishAndLeave(t *testing.T) {
	h := houses(t, 1)[0]
	reader := h.attach(t, "")
	reader.send(packet.Subscribe{Topic: "news"})
	reader.quiet()
	eventually(t, "the subscription", func() bool {
		reader.send(packet.Publish{Topic: "news", Payload: []byte("mine")})
		expect[packet.Publish](reader)
		return true
	})
	one := h.attach(t, "")
	one.send(packet.Publish{Topic: "news", Payload: []byte("closed")}, packet.Close{})
	one.expectEnd()
	if got := expect[packet.Publish](reader); string(got.Payload) != "closed" {
		t.Errorf("got %q", got.Payload)
	}
	two := h.attach(t, "")
	two.send(packet.Publish{Topic: "news", Payload: []byte("hung up")})
	_ = two.conn.Close()
	if got := expect[packet.Publish](reader); string(got.Payload) != "hung up" {
		t.Errorf("got %q", got.Payload)
	}
}

type typed struct{ A int }

func init() { actor.RegisterType[typed]("relay_test.typed") }

// Go handlers and relay clients serve and ask each other.
func TestGoHandlers(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		if _, err := b.Register("go", actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				switch string(m) {
				case "typed":
					ctx.Respond(typed{1})
				case "panic":
					panic("at the disco")
				default:
					ctx.Respond(m)
				}
			}
		})); err != nil {
			t.Fatal(err)
		}
		c := a.attach(t, "relay")
		for body, want := range map[string]packet.Result{
			"hello": {OK: true, Payload: []byte("hello")},
			"panic": {Fault: "the handler panicked: at the disco"},
		} {
			c.send(packet.Request{Cluster: "go", Payload: []byte(body), TimeoutMs: 60_000})
			if diff := cmp.Diff(want, expect[packet.Result](c)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", body, diff)
			}
		}
		c.send(packet.Request{Cluster: "go", Payload: []byte("typed"), TimeoutMs: 60_000})
		if got := expect[packet.Result](c); got.OK || got.TimedOut || got.Fault == "" {
			t.Errorf("a typed reply arrived as %+v", got)
		}
		type outcome struct {
			reply any
			err   error
		}
		done := make(chan outcome, 1)
		ask := func(m any) {
			go func() {
				reply, err := b.Request(t.Context(), "relay", m)
				done <- outcome{reply, err}
			}()
		}
		ask(actor.Bytes("hi"))
		q := expect[packet.Serve](c)
		c.send(packet.Reply{ID: q.ID, OK: true, Payload: append(q.Payload, '!')})
		if got := <-done; got.err != nil || string(got.reply.(actor.Bytes)) != "hi!" {
			t.Errorf("got %+v", got)
		}
		ask(actor.Bytes("hi"))
		c.send(packet.Reply{ID: expect[packet.Serve](c).ID, Fault: "not today"})
		var remote *actor.RemoteError
		if got := <-done; !errors.As(got.err, &remote) || remote.Text != "not today" {
			t.Errorf("got %+v", got)
		}
		ask(typed{2})
		if got := <-done; !errors.As(got.err, &remote) {
			t.Errorf("a typed request to bytes: %+v", got)
		}
		if err := b.Broadcast(t.Context(), "relay", typed{3}); err != nil {
			t.Error(err)
		}
		if err := b.Broadcast(t.Context(), "relay", actor.Bytes("all")); err != nil {
			t.Error(err)
		}
		if got := expect[packet.Delivery](c); string(got.Payload) != "all" {
			t.Errorf("got %q", got.Payload)
		}
		b.System().Root().Send(actor.Cluster("relay"), actor.Bytes("one"))
		if got := expect[packet.Delivery](c); string(got.Payload) != "one" {
			t.Errorf("got %q", got.Payload)
		}
		c.close()
	})
}

// A program that serves and dies does not let its askers wait.
func TestDeadService(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "mortal")
		client.send(packet.Request{ID: 1, Cluster: "mortal", TimeoutMs: 600_000})
		expect[packet.Serve](service)
		_ = service.conn.Close()
		if got := expect[packet.Result](client); got.Fault == "" {
			t.Errorf("got %+v, want a fault", got)
		}
		client.quiet()
		if reasons := b.downs(t, 1); reasons[0] != "the connection ended" {
			t.Errorf("gone because %q", reasons[0])
		}
	})
}

func TestClientsAreCounted(t *testing.T) {
	h := houses(t, 1, func(c *config.Config) { c.Relay.Listen = "0" })[0]
	if n := len(h.RelayAddrs()); n == 0 {
		t.Error("no addresses")
	}
	c := h.attach(t, "here")
	eventually(t, "the client", func() bool { return len(told[*actor.RelayClientUp](h)) == 1 })
	if e := told[*actor.RelayClientUp](h)[0]; e.Cluster != "here" || e.Addr != c.conn.LocalAddr().String() {
		t.Errorf("told %+v", e)
	}
	c.close()
	if reasons := h.downs(t, 1); reasons[0] != "" {
		t.Errorf("gone because %q", reasons[0])
	}
}

package client

import (
	"testing"
	"testing/synctest"

	"iris/node/relay/packet"
)

func TestTopics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		got := make(chan string, 100)
		if err := c.Subscribe("news", func(e []byte) { got <- string(e) }); err != nil {
			t.Error(err)
		}
		wantIs(t, c.Subscribe("news", nil), ErrSubscribed)
		if err := c.Publish(t.Context(), "news", []byte("hi")); err != nil {
			t.Error(err)
		}
		r.expect(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news", Payload: []byte("hi")})
		for i := range 26 {
			r.send(packet.Publish{Topic: "news", Payload: []byte{byte('a' + i)}})
		}
		for i := range 26 {
			if g := <-got; g != string(rune('a'+i)) {
				t.Fatalf("event %d is %q", i, g)
			}
		}
		if err := c.Unsubscribe("news"); err != nil {
			t.Error(err)
		}
		wantIs(t, c.Unsubscribe("news"), ErrNotSubscribed)
		if err := c.Subscribe("news", func(e []byte) { got <- "again " + string(e) }); err != nil {
			t.Error(err)
		}
		r.expect(packet.Unsubscribe{Topic: "news"}, packet.Subscribe{Topic: "news"})
		r.send(packet.Publish{Topic: "news", Payload: []byte("x")})
		if g := <-got; g != "again x" {
			t.Errorf("event %q", g)
		}
	})
}

// TestStaleEvents: events that come after Unsubscribe, and those of topics never
// subscribed, are dropped and counted.
func TestStaleEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		finish, n := make(chan struct{}), 0
		if err := c.Subscribe("news", func([]byte) { <-finish; n++ }); err != nil {
			t.Error(err)
		}
		r.expect(packet.Subscribe{Topic: "news"})
		event := packet.Publish{Topic: "news"}
		r.send(event, event, event) // one is being handled, two wait
		synctest.Wait()
		if err := c.Unsubscribe("news"); err != nil {
			t.Error(err)
		}
		r.expect(packet.Unsubscribe{Topic: "news"})
		r.send(event, packet.Publish{Topic: "other"})
		close(finish)
		synctest.Wait()
		if s := c.Stats(); n != 1 || s.EventsDropped != 2 || s.Strays != 2 {
			t.Errorf("%d handled, %+v", n, s)
		}
	})
}

// TestEventsDropped: each subscription has a queue of its own.
func TestEventsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{Queue: 2 * taskCost})
		finish, slow, quick := make(chan struct{}), 0, make(chan struct{}, 10)
		for topic, f := range map[string]func([]byte){
			"slow":  func([]byte) { <-finish; slow++ },
			"quick": func([]byte) { quick <- struct{}{} },
		} {
			if err := c.Subscribe(topic, f); err != nil {
				t.Error(err)
			}
			r.expect(packet.Subscribe{Topic: topic})
		}
		for range 10 {
			r.send(packet.Publish{Topic: "slow"}, packet.Publish{Topic: "quick"})
			<-quick
		}
		close(finish)
		synctest.Wait()
		if slow != 3 || c.Stats().EventsDropped != 7 {
			t.Errorf("%d handled, %d dropped", slow, c.Stats().EventsDropped)
		}
	})
}

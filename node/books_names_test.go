package node

import (
	"context"
	"testing"
	"time"

	"iris/actor"
)

// names are the ways to send to whoever serves the cluster c or hears the topic t.
var names = map[string]*actor.PID{"one member": actor.Cluster("c"), "members": actor.Members("c"), "topic": actor.Topic("t")}

// served is a world of two nodes where an actor of the second is the member of the
// cluster c and the subscriber of the topic t, as the first knows.
func (w *world) served(t *testing.T, props *actor.Props) (a, b *worldNode) {
	a, b = w.nodes[0], w.nodes[1]
	if _, err := b.Register("c", props); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Subscribe("t", props); err != nil {
		t.Fatal(err)
	}
	for _, to := range names { // the first of each asks who that is
		a.System().Root().Send(to, actor.Bytes("first"))
		b.System().Root().Send(to, actor.Bytes("first"))
	}
	pass(time.Second)
	return a, b
}

// What is sent to a name and finds the lanes full is counted once for everybody who
// would have heard it, and not once more because nobody did.
func TestBooksOfNamesWithoutALink(t *testing.T) {
	for what, to := range names {
		t.Run(what, func(t *testing.T) {
			inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
				a, b := w.served(t, actor.Func(func(actor.Context) {}))
				begin := w.closeBooks()
				w.air.cut(a, b, true)
				w.air.cut(b, a, true)
				for range 1000 {
					a.System().Root().Send(to, make(actor.Bytes, 30000))
				}
				w.until("the end of the link", time.Minute, func() bool { return len(a.endpoint.Links())+len(b.endpoint.Links()) == 0 })
				got := w.closeBooks().since(begin)
				lost := int64(got.out[0]-got.in[1]) + int64(got.out[1]-got.in[0])
				t.Logf("%d sent, %d delivered, dropped %v, %d lost with the link", got.sent, got.delivered, got.dropped, lost)
				if got.missing(0) != lost || lost == 0 || got.dropped[actor.DeadOverflow.String()] == 0 {
					t.Errorf("%d are missing", got.missing(0))
				}
			})
		})
	}
}

// What a full mailbox refuses is counted once as well, on the sender's node and on
// another; what another member takes is not counted as refused.
func TestBooksOfNamesWithFullMailboxes(t *testing.T) {
	for what, to := range names {
		t.Run(what, func(t *testing.T) {
			inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
				begin := w.closeBooks()
				open := make(chan struct{})
				a, b := w.served(t, gated(open, 16))
				if what == "one member" { // and another, which takes some that the first refuses
					if _, err := b.Register("c", gated(open, 32)); err != nil {
						t.Fatal(err)
					}
				}
				for range 50 {
					a.System().Root().Send(to, actor.Bytes("from elsewhere"))
					b.System().Root().Send(to, actor.Bytes("from here"))
				}
				pass(time.Second)
				close(open)
				got := w.closeBooks().since(begin)
				t.Logf("%d sent, %d delivered, dropped %v", got.sent, got.delivered, got.dropped)
				if n := got.missing(0); n != 0 || got.dropped[actor.DeadOverflow.String()] == 0 {
					t.Errorf("%d are missing", n)
				}
			})
		})
	}
}

// A program that gives up waiting for full lanes is told so; what was not sent by
// then is counted, once.
func TestBooksOfWhoGivesUp(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		a, b := w.served(t, actor.Func(func(actor.Context) {}))
		begin := w.closeBooks()
		w.air.cut(a, b, true)
		w.air.cut(b, a, true)
		copies, failed := uint64(0), 0
		give := func(send func(ctx context.Context) error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			copies++
			if err := send(ctx); err != nil {
				failed++
				if !actor.IsCounted(err) {
					t.Errorf("not counted: %v", err)
				}
			}
		}
		for range 400 {
			give(func(ctx context.Context) error { return a.Publish(ctx, "t", make(actor.Bytes, 30000)) })
			give(func(ctx context.Context) error { return a.Broadcast(ctx, "c", make(actor.Bytes, 30000)) })
		}
		w.until("the end of the link", time.Minute, func() bool { return len(a.endpoint.Links())+len(b.endpoint.Links()) == 0 })
		got := w.closeBooks().since(begin)
		lost := int64(got.out[0]-got.in[1]) + int64(got.out[1]-got.in[0])
		t.Logf("%d sent to each, %d failed, dropped %v, %d lost with the link", copies/2, failed, got.dropped, lost)
		if got.missing(copies) != lost || failed == 0 {
			t.Errorf("%d are missing", got.missing(copies))
		}
	})
}

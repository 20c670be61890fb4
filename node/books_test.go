package node

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

// accounts adds up what the systems of a world have counted.
type accounts struct {
	sent, delivered uint64
	dropped         map[string]uint64
	out, in         [2]uint64 // frames, by node
}

// closeBooks reads the counters when nothing is under way.
func (w *world) closeBooks() accounts {
	pass(time.Second)
	synctest.Wait()
	b := accounts{dropped: map[string]uint64{}}
	for i, n := range w.nodes {
		c := n.System().Counters()
		b.sent += c.Sent
		b.delivered += c.Delivered
		for reason, n := range c.Dropped {
			b.dropped[reason] += n
		}
		b.out[i], b.in[i] = n.endpoint.Carried()
	}
	return b
}

// since is what was counted after an earlier closing.
func (b accounts) since(e accounts) accounts {
	d := accounts{sent: b.sent - e.sent, delivered: b.delivered - e.delivered, dropped: map[string]uint64{}}
	for reason, n := range b.dropped {
		if n -= e.dropped[reason]; n > 0 {
			d.dropped[reason] = n
		}
	}
	for i := range d.out {
		d.out[i], d.in[i] = b.out[i]-e.out[i], b.in[i]-e.in[i]
	}
	return d
}

// missing is what was sent, with the copies for those who hear a name, and neither
// delivered nor dropped.
func (b accounts) missing(copies uint64) int64 {
	missing := int64(b.sent+copies) - int64(b.delivered)
	for _, n := range b.dropped {
		missing -= int64(n)
	}
	return missing
}

// gated is an actor that answers, and handles nothing before it is opened.
func gated(open <-chan struct{}, mailbox int) *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			<-open
			ctx.Respond(m)
		}
	}).Mailbox(mailbox)
}

// All counters of two nodes agree, whatever became of the messages: everything sent,
// copies for the members of clusters and the subscribers of topics included, was
// delivered or dropped for a reason, at one end or the other.
func TestBooksOfTwoNodes(t *testing.T) {
	inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) {
		a, b := w.nodes[0], w.nodes[1]
		sink := actor.Func(func(actor.Context) {})
		for _, n := range w.nodes {
			if _, err := n.Register("c", actor.Func(echo)); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Subscribe("t", sink); err != nil {
				t.Fatal(err)
			}
		}
		open := make(chan struct{})
		living, full, dying := b.System().Spawn(actor.Func(echo)), b.System().Spawn(gated(open, 8)), b.System().Spawn(gated(open, 100))
		begin := w.closeBooks()

		root, copies := a.System().Root(), uint64(0)
		none := actor.NewPID(b.ID(), "iris/user/none")
		mute := b.System().Spawn(actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				ctx.Respond(make(chan int)) // cannot be encoded
			}
		}))
		for range 100 {
			root.Send(living, actor.Bytes("tell"))
			root.Send(none, actor.Bytes("to nobody"))
			root.Send(actor.NewPID(a.ID(), "iris/user/none"), actor.Bytes("to nobody"))
			root.Send(living, make(chan int)) // cannot be encoded
			root.Send(dying, actor.Bytes("left over"))
			if err := a.Publish(t.Context(), "t", actor.Bytes("event")); err != nil {
				t.Error(err)
			}
			if err := b.Broadcast(t.Context(), "c", actor.Bytes("broadcast")); err != nil {
				t.Error(err)
			}
			if _, err := b.Request(t.Context(), "c", actor.Bytes("request")); err != nil {
				t.Error(err)
			}
			copies += 2 + 2 + 1
		}
		var asking sync.WaitGroup
		ask := func(pid *actor.PID, patience time.Duration) {
			asking.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, _ = root.Request(ctx, pid, actor.Bytes("request")) // the counters say what became of it
			})
		}
		ask(living, time.Minute)
		ask(none, time.Minute)
		ask(mute, time.Minute)
		ask(full, 50*time.Millisecond) // is being handled when its time is up
		pass(10 * time.Millisecond)
		for range 5 {
			ask(full, 50*time.Millisecond) // expires in the queue
		}
		pass(10 * time.Millisecond)
		for range 20 {
			root.Send(full, actor.Bytes("too much"))
		}
		ask(full, time.Minute)
		asking.Wait()
		asking.Go(func() {
			if err := b.System().Stop(t.Context(), dying); err != nil {
				t.Error(err)
			}
		})
		pass(100 * time.Millisecond) // it stops after the message that it is handling
		close(open)
		asking.Wait()

		got := w.closeBooks().since(begin)
		t.Logf("%d sent, %d copies, %d delivered, dropped %v", got.sent, copies, got.delivered, got.dropped)
		if n := got.missing(copies); n != 0 {
			t.Errorf("%d are missing", n)
		}
		want := map[string]uint64{
			"no such actor": 201, "not encodable": 101, "left over": 99, "mailbox full": 18, "expired": 5,
			"no sender":   4, // answers to tells that full and dying have handled
			"late answer": 6, // to the request that full was handling, and to those that expired
		}
		if !maps.Equal(got.dropped, want) {
			t.Errorf("dropped %v, want %v", got.dropped, want)
		}
	})
}

// When a link breaks, what still waited in it is dropped at its sender, and what was on
// its way is missing: as many messages as one end has handed to connections and the other
// has not received. Large ones, which go in chunks, are no exception.
func TestBooksOfACutLink(t *testing.T) {
	for what, large := range map[string]int{"small": 0, "one large in ten": 10, "large": 1} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, 2, time.Millisecond, func(t *testing.T, w *world) { booksOfACutLink(t, w, large) })
		})
	}
}

// booksOfACutLink sends tells and requests over a link that is cut meanwhile. One in so
// many is large; 0: none.
func booksOfACutLink(t *testing.T, w *world, large int) {
	a, b := w.nodes[0], w.nodes[1]
	living := b.System().Spawn(actor.Func(echoRequests).Mailbox(1 << 16))
	begin := w.closeBooks()
	var asking sync.WaitGroup
	message := func(i, size int) actor.Bytes {
		if large > 0 && i%large == 0 {
			size = 100 << 10 << (i / large % 6) // up to 3 MiB
		}
		return make(actor.Bytes, size)
	}
	send := func(n, size int) {
		for i := range n {
			a.System().Root().Send(living, message(i, size))
		}
		m := message(0, size)
		asking.Go(func() { _, _ = a.System().Root().Request(t.Context(), living, m) }) // the counters say what became of it
	}
	each := 200
	if large > 0 {
		each = 4
	}
	for i := range 20 {
		if i == 10 {
			w.air.cut(a, b, true)
			w.air.cut(b, a, true)
		}
		send(each, 16)
		pass(time.Millisecond)
	}
	send(1000, 8000) // more than the lane takes
	w.until("the end of the link", time.Minute, func() bool { return len(a.endpoint.Links()) == 0 })
	w.until("the same at the other end", time.Minute, func() bool { return len(b.endpoint.Links()) == 0 })
	send(100, 16)
	asking.Wait()
	got := w.closeBooks().since(begin)
	lost := int64(got.out[0]-got.in[1]) + int64(got.out[1]-got.in[0])
	t.Logf("%d sent, %d delivered, dropped %v, %d lost with the link", got.sent, got.delivered, got.dropped, lost)
	if got.missing(0) != lost || lost == 0 && large != 1 || got.dropped[actor.DeadOverflow.String()] == 0 ||
		got.dropped[actor.DeadUnreachable.String()] <= 100 {
		t.Errorf("%d are missing", got.missing(0))
	}
}

// echoRequests answers those who wait for it.
func echoRequests(ctx actor.Context) {
	if m, ok := ctx.Message().(actor.Bytes); ok && ctx.Sender() != nil {
		ctx.Respond(m[:1])
	}
}

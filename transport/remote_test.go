package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// A reply beyond the limit is answered with an error, at once.
func TestAReplyThatIsTooLargeIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net", func(c *Config) { c.Limits.Message = 1 << 20 })
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		pid, err := b.sys.SpawnNamed(actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				ctx.Respond(actor.Bytes(strings.Repeat(string(m), 1<<20)))
			}
		}), "repeats")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if reply, err := a.sys.Root().Request(ctx, pid, actor.Bytes("")); err != nil {
			t.Errorf("a small reply: %v, %v", reply, err)
		}
		began := time.Now()
		var remote *actor.RemoteError
		if _, err := a.sys.Root().Request(ctx, pid, actor.Bytes("xyz")); !errors.As(err, &remote) || !strings.Contains(remote.Text, "not sent") {
			t.Errorf("a reply of 3 MiB: %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("after %v", took)
		}
		a.close(t)
		b.close(t)
	})
}

// The time left travels in milliseconds, rounded up, however long it is.
func TestTTL(t *testing.T) {
	for left, want := range map[time.Duration]uint32{
		-time.Hour:                       1,
		0:                                1,
		1:                                1,
		time.Millisecond:                 1,
		time.Millisecond + 1:             2,
		24 * time.Hour:                   24 * 60 * 60 * 1000,
		1<<63 - 1:                        1 << 31,
		(1<<63 - 1) - time.Millisecond/2: 1 << 31,
	} {
		if got := TTL(left); got != want {
			t.Errorf("TTL(%v) = %d, want %d", left, got, want)
		}
	}
}

// A request that cannot be decoded is in the books, as one that no actor takes. What is no
// message to an actor is in them only if it is lost: as sent and as dropped.
func TestWhatIsNotDeliveredIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		before := b.sys.Counters()
		ask := &wire.Ask{ID: 7, Target: "iris/user/x", Body: wire.Body{Type: "nobody.knows", Data: []byte{1}}}
		if err := l.TrySend(Direct, ask); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		after := b.sys.Counters()
		if after.Dropped[actor.DeadCodec.String()] != 1 || after.Sent != before.Sent {
			t.Errorf("of the request: sent %d, dropped %v", after.Sent-before.Sent, after.Dropped)
		}
		b.GiveUp(a.ID(), &wire.Reply{ID: 9}, actor.ErrUnreachable)
		b.GiveUp(a.ID(), &wire.Tell{Target: "iris/user/x"}, actor.ErrUnreachable)
		if c := b.sys.Counters(); c.Dropped[actor.DeadUnreachable.String()] != 2 || c.Sent != after.Sent+1 {
			t.Errorf("of the answer: sent %d, dropped %v", c.Sent-after.Sent, c.Dropped)
		}
		a.close(t)
		b.close(t)
	})
}

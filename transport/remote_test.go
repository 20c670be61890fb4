package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"iris/actor"
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

package transport

import (
	"context"
	"errors"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// What the post took over and could not send has the outcome that a send without
// a link has: askers, senders and watchers are told.
func TestGivenUpFramesAreAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.place("net")
		posted := make(chan wire.Frame, 10)
		far := id.ID{Hi: 7, Lo: 7}
		a.SetPost(func(n id.ID, f wire.Frame) (bool, error) {
			if n != far {
				return false, nil
			}
			posted <- f
			return true, nil
		})
		a.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		there := actor.NewPID(far.String(), "iris/user/x")
		told := make(chan any, 10)
		sender := a.sys.Spawn(actor.Func(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				ctx.Watch(there)
			case *actor.RequestFailed, *actor.Terminated:
				told <- m
			}
		}))
		if f := <-posted; f.Kind() != wire.KindWatch {
			t.Errorf("posted %v, want a watch", f.Kind())
		} else {
			a.GiveUp(far, f, actor.ErrUnreachable)
		}
		if m, ok := (<-told).(*actor.Terminated); !ok || m.Why != actor.TerminatedNodeLost {
			t.Errorf("the watcher was told %v", m)
		}
		a.sys.Send(there, sender, actor.Bytes("hello"))
		a.GiveUp(far, <-posted, actor.ErrUnreachable)
		if m, ok := (<-told).(*actor.RequestFailed); !ok || !errors.Is(m.Err, actor.ErrUnreachable) || m.Target.Address != far.String() {
			t.Errorf("the sender was told %v", m)
		}
		go func() { a.GiveUp(far, <-posted, actor.ErrUnreachable) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := a.sys.Root().Request(ctx, there, actor.Bytes("?")); !errors.Is(err, actor.ErrUnreachable) || time.Since(began) > time.Second {
			t.Errorf("the asker was told %v after %v", err, time.Since(began))
		}
		a.GiveUp(far, &wire.Event{Topic: "t"}, actor.ErrExpired)
		if d := a.sys.Counters().Dropped; d["unreachable"] != 3 || d["expired"] != 1 {
			t.Errorf("dropped %v", d)
		}
		stranger := actor.NewPID(id.ID{Hi: 8}.String(), "iris/user/x")
		if _, err := a.sys.Root().Request(ctx, stranger, actor.Bytes("?")); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("without the post: %v", err)
		}
		a.close(t)
	})
}

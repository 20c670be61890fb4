package actor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRemoteRequest(t *testing.T) {
	n, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	far := b.Spawn(echoWord())
	if got := mustAsk(t, a, far, word{"x"}); got != (word{"re x"}) {
		t.Errorf("got %v", got)
	}
	if got := mustAsk(t, a, far, &word{"x"}).(*word); got.S != "re *x" {
		t.Errorf("a pointer came back as %v", got)
	}
	if got := mustAsk(t, a, far, Bytes("x")).(Bytes); string(got) != "re x" {
		t.Errorf("got %q", got)
	}
	_, err := ask(t, a, far, word{"boom"})
	var re *RemoteError
	if !errors.As(err, &re) || !re.Panic || re.Node != "n2" {
		t.Errorf("panic: %v", err)
	}
	var ce *CodecError
	if _, err := ask(t, a, far, 5); !errors.As(err, &ce) || !errors.Is(err, ErrUnknownType) {
		t.Errorf("unregistered: %v", err)
	}
	for _, id := range []string{"iris/user/none", "iris/topics", "eventstream", "deadletter", "$reply2", "iris/userx", "iris"} {
		if _, err := ask(t, a, NewPID("n2", id), word{}); !errors.Is(err, ErrNoActor) {
			t.Errorf("%s: %v, want ErrNoActor", id, err)
		}
	}
	n.cut["n2"] = true
	if _, err := ask(t, a, far, word{"x"}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("cut: %v", err)
	}
}

func TestRemoteConversation(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	far := b.Spawn(echoWord().Strategy(Strategy{BackoffMin: 1, BackoffMax: 1}))
	got := make(chan any, 10)
	near := a.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			ctx.Request(far, word{m})
		case word:
			got <- m
		case *RequestFailed:
			got <- m
		}
	}))
	a.Send(near, nil, "x")
	if m := receive(t, got); m != (word{"re x"}) {
		t.Errorf("got %v", m)
	}
	a.Send(near, nil, "boom")
	f, ok := receive(t, got).(*RequestFailed)
	var re *RemoteError
	if !ok || !errors.As(f.Err, &re) || !re.Panic || !Same(f.Target, far) {
		t.Errorf("got %+v", f)
	}
	if err := b.Stop(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	a.Send(near, nil, "x")
	if f, ok := receive(t, got).(*RequestFailed); !ok || !errors.Is(f.Err, ErrNoActor) {
		t.Errorf("got %+v", f)
	}
}

// The process that protoactor caches in a PID makes a PID shared by two systems bypass the wire.
func TestSharedPIDDoesNotBypassTheWire(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	self := make(chan *PID, 1)
	type local struct{ X int } // not registered: cannot be encoded
	got := make(chan any, 10)
	pid := b.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case *Started:
			self <- ctx.Self()
		case local:
			got <- m
		case word:
			got <- m
		}
	}))
	shared := receive(t, self)
	b.Send(shared, nil, local{})
	b.Send(pid, nil, local{})
	receive(t, got)
	receive(t, got)
	gone := terminations(t, b, shared) // puts the PID through protoactor
	w := watchEvents(a)
	a.Send(shared, nil, local{})
	a.Send(pid, nil, local{})
	awaitEvent(t, w, func(d *DeadLetter) bool { return d.Reason == DeadCodec })
	a.Send(shared, nil, word{"x"})
	if m := receive(t, got); m != (word{"x"}) {
		t.Errorf("%T bypassed the wire", m)
	}
	wb := watchEvents(b)
	a.end(shared, false)
	awaitEvent(t, wb, all[*DeadLetter]) // not exported
	select {
	case <-gone:
		t.Error("stopped by a node that may not")
	default:
	}
}

func TestRemoteForward(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2", "n3")
	back := sys[2].Spawn(echoWord())
	front := sys[1].Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(word); ok {
			ctx.Forward(back)
		}
	}))
	if got := mustAsk(t, sys[0], front, word{"x"}); got != (word{"re x"}) {
		t.Errorf("got %v", got)
	}
	_, err := ask(t, sys[0], front, word{"boom"})
	var re *RemoteError
	if !errors.As(err, &re) || re.Node != "n3" {
		t.Errorf("got %v", err)
	}
}

func TestRemoteWatch(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	far := b.Spawn(echoWord().Exported())
	gone := terminations(t, a, far)
	if n := b.Stats().Watches; n != 1 {
		t.Errorf("%d watches at n2, want 1", n)
	}
	a.RemoteTerminated("n3", far.Id, "iris/user/1", 0)        // another node cannot say so
	a.RemoteTerminated("n2", "iris/user/9", "iris/user/1", 0) // nor of somebody else
	if err := a.Stop(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	m := receive(t, gone)
	if !Same(m.Who, far) || m.Why != TerminatedStopped || len(gone) != 0 {
		t.Errorf("terminated %v %v and %d more", m.Who, m.Why, len(gone))
	}
	if m := receive(t, terminations(t, a, far)); m.Why != TerminatedNotFound {
		t.Errorf("why = %v, want NotFound", m.Why)
	}
	if m := receive(t, terminations(t, a, NewPID("n2", "iris/user"))); m.Why != TerminatedNotFound {
		t.Errorf("watched a supervisor of another node: %v", m.Why)
	}
	if n := a.Stats().Watches + b.Stats().Watches; n != 0 {
		t.Errorf("%d watches left", n)
	}
}

func TestWatchersAreForgotten(t *testing.T) {
	_, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	far := b.Spawn(echoWord())
	watching := func(unwatch bool) *PID {
		pid := a.Spawn(Func(func(ctx Context) {
			if _, ok := ctx.Message().(string); ok {
				ctx.Watch(far)
				if unwatch {
					ctx.Unwatch(far)
				}
				ctx.Respond("ok")
			}
		}))
		mustAsk(t, a, pid, "x")
		return pid
	}
	watching(true)
	if n := a.Stats().Watches + b.Stats().Watches; n != 0 {
		t.Errorf("%d watches after unwatch", n)
	}
	w := watching(false)
	if err := a.Stop(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if n := a.Stats().Watches + b.Stats().Watches; n != 0 {
		t.Errorf("%d watches of an actor that is gone", n)
	}
}

func TestNodeLost(t *testing.T) {
	n, sys := newNetwork(t, "n1", "n2")
	a, b := sys[0], sys[1]
	g := newGated()
	far := b.Spawn(g.props())
	silent := b.Spawn(Func(func(Context) {}))
	gone := terminations(t, a, far)
	near := a.Spawn(echo())
	terminations(t, b, near)
	lost := make(chan error, 2)
	a.request(silent, nil, word{}, time.Hour, func(r Reply) { lost <- r.Err })
	local := make(chan error, 1)
	id := a.request(a.Spawn(Func(func(Context) {})), nil, "x", time.Hour, func(r Reply) { local <- r.Err })
	n.mu.Lock()
	n.cut["n2"] = true
	n.mu.Unlock()
	a.NodeLost("n2")
	if err := receive(t, lost); !errors.Is(err, ErrLost) {
		t.Errorf("%v, want ErrLost", err)
	}
	if m := receive(t, gone); m.Why != TerminatedNodeLost || !Same(m.Who, far) {
		t.Errorf("terminated %v %v", m.Who, m.Why)
	}
	if st := a.Stats(); st.Watches != 0 || st.Replies != 1 {
		t.Errorf("left: %+v", st)
	}
	if !a.Replies().Cancel(id) {
		t.Error("the local request was lost with the node")
	}
	if m := receive(t, terminations(t, a, far)); m.Why != TerminatedNodeLost { // nothing answers any more
		t.Errorf("why = %v", m.Why)
	}
}

func TestRemoteStopNeedsExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, sys := newNetwork(t, "n1", "n2")
		a, b := sys[0], sys[1]
		open, private := b.Spawn(echoWord().Exported()), b.Spawn(echoWord())
		if err := a.Poison(t.Context(), open); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Stop(ctx, private); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop = %v", err)
		}
		if n := b.Counters().Dropped[DeadDenied.String()]; n != 1 {
			t.Errorf("denied = %d, want 1", n)
		}
		if _, err := a.Root().Request(t.Context(), private, word{}); err != nil {
			t.Error(err)
		}
		if n := a.Stats().Watches; n != 0 {
			t.Errorf("%d watches left", n)
		}
	})
}

func TestRepliesOnlyFromTheNodeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSystem(t)
		got := make(chan Reply, 10)
		r := s.Replies()
		id, err := r.Open("n2", time.Now().Add(time.Minute), func(rep Reply) { got <- rep })
		if err != nil || id == 0 {
			t.Fatal(id, err)
		}
		if r.Complete("n3", id, Reply{Message: "forged"}) || r.Complete("n2", id+1, Reply{}) {
			t.Error("accepted")
		}
		if !r.Complete("n2", id, Reply{Message: "real"}) || r.Complete("n2", id, Reply{}) || r.Cancel(id) {
			t.Error("not exactly once")
		}
		// The entry is used again: its old timer must not end the new request.
		<-time.After(59 * time.Second)
		id, _ = r.Open("n2", time.Time{}, func(rep Reply) { got <- rep })
		<-time.After(4 * time.Second)
		synctest.Wait()
		if len(got) != 1 {
			t.Errorf("%d replies, want 1", len(got))
		}
		<-time.After(2 * time.Second)
		synctest.Wait()
		if first := <-got; first.Message != "real" || first.From != "n2" {
			t.Errorf("got %+v", first)
		}
		if second := <-got; !errors.Is(second.Err, ErrTimeout) || len(got) != 0 {
			t.Errorf("got %+v and %d more", second, len(got))
		}
		if r.Complete("n2", id, Reply{}) {
			t.Error("completed after its timeout")
		}
	})
}

func TestRepliesExactlyOnceUnderContention(t *testing.T) {
	s := newTestSystem(t)
	r := s.Replies()
	const requests = 2000
	var done atomic.Int32
	for range requests {
		id, err := r.Open("n2", time.Now().Add(time.Millisecond), func(Reply) { done.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { r.Complete("n2", id, Reply{}) })
		wg.Go(func() { r.lost("n2") })
		wg.Wait()
	}
	if done.Load() != requests || r.len() != 0 {
		t.Errorf("done %d of %d, %d left", done.Load(), requests, r.len())
	}
}

type testNames struct{ s *System }

func (n testNames) Send(to, _ *PID, msg any) error {
	if to.Id == "none" {
		return ErrNoMembers
	}
	n.s.Send(NewPID(n.s.Node(), "iris/user/"+to.Id), nil, msg)
	return nil
}

func (n testNames) Request(to, _ *PID, msg any, ttl time.Duration, done func(any, error)) {
	if to.Id == "none" {
		done(nil, ErrNoMembers)
		return
	}
	n.s.request(NewPID(n.s.Node(), "iris/user/"+to.Id), nil, msg, ttl, func(r Reply) { done(r.Message, r.Err) })
}

func TestNames(t *testing.T) {
	s := newTestSystem(t)
	s.SetNames(testNames{s})
	if _, err := s.SpawnNamed(echo(), "echo"); err != nil {
		t.Fatal(err)
	}
	if got := mustAsk(t, s, Cluster("echo"), "hi"); got != "re hi" {
		t.Errorf("got %v", got)
	}
	if _, err := ask(t, s, Cluster("none"), "hi"); !errors.Is(err, ErrNoMembers) {
		t.Errorf("got %v", err)
	}
	got := make(chan any, 3)
	pid := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case int:
			ctx.Request(Cluster("echo"), "hi")
			ctx.Request(Cluster("none"), "hi")
			ctx.Send(Members("none"), "hi")
			ctx.Send(Topic("echo"), "hi")
		case string, *RequestFailed:
			got <- m
		}
	}))
	s.Send(pid, nil, 1)
	if m := receive(t, got); m != "re hi" {
		if f, ok := m.(*RequestFailed); !ok || !errors.Is(f.Err, ErrNoMembers) {
			t.Errorf("got %v", m)
		}
	}
	receive(t, got)
	if n := s.Counters().Dropped[DeadUnnamed.String()]; n != 1 {
		t.Errorf("%d dropped, want 1", n)
	}
}

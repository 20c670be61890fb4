package actor

import "testing"

func TestPropsAreCopiedBySpawning(t *testing.T) {
	s := newTestSystem(t)
	p := echo().Mailbox(7)
	pid := s.Spawn(p)
	p.Mailbox(1).MailboxBytes(1).DefaultLimits(2, 2)
	c := s.local(pid)
	if c.props.messages != 7 || c.props.bytes != DefaultMailboxBytes {
		t.Errorf("limits %d, %d", c.props.messages, c.props.bytes)
	}
	if q := echo().Clone().DefaultLimits(3, 4); q.messages != 3 || q.bytes != 4 {
		t.Errorf("limits %d, %d", q.messages, q.bytes)
	}
}

func TestLayersAboveReportDrops(t *testing.T) {
	s := newTestSystem(t)
	w := watchEvents(s)
	s.Dropped(DeadOverflow, "topic/news", "shop.Order", "n2", 7)
	if d := awaitEvent(t, w, all[*DeadLetter]); d.Count != 7 || d.Target != "topic/news" || d.Sender != "n2" {
		t.Errorf("dead letter = %+v", d)
	}
	failed := make(chan *RequestFailed, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		if f, ok := ctx.Message().(*RequestFailed); ok {
			failed <- f
		}
	}))
	// What a transport does with a message it cannot decode, here from ourselves.
	_, err := Decode("test.none", nil)
	s.Refuse("iris/user/x", &Inbound{From: "n1", SenderID: pid.Id}, "test.none", err)
	if f := receive(t, failed); f.Err != err || f.Target.Id != "iris/user/x" {
		t.Errorf("failed = %+v", f)
	}
	if c := s.Counters().Dropped; c[DeadOverflow.String()] != 7 || c[DeadCodec.String()] != 1 {
		t.Errorf("dropped = %v", c)
	}
}

// A peer that claims to be an internal actor of this node must not make a handler answer that one.
func TestPeerCannotBorrowASender(t *testing.T) {
	s := newTestSystem(t)
	senders := make(chan *PID, 10)
	pid := s.Spawn(Func(func(ctx Context) {
		if _, ok := ctx.Message().(string); ok {
			senders <- ctx.Sender()
		}
	}))
	for _, c := range []struct {
		node, id string
		want     bool
	}{
		{"", "iris/router", true}, // of the peer itself
		{"n1", "iris/router", false},
		{"n1", "$reply", false},
		{"$cluster", "shop", false},
		{"n1", "iris/user/1", true},
		{"n3", "iris/user/1", true},
	} {
		if err := s.DeliverRemote(pid.Id, &Inbound{Message: "x", From: "n2", SenderID: c.id, SenderNode: c.node}); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, senders); (got != nil) != c.want {
			t.Errorf("%s/%s: sender %v", c.node, c.id, got)
		}
	}
}

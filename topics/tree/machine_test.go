package tree

import (
	"fmt"
	"testing"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

var start = time.Unix(1000, 0)

// alone returns a machine that is root of a ring of itself, and a way to step it.
func alone(t *testing.T) (*Machine, func(time.Duration, Event) Out) {
	self := id.Hash("self")
	m := New(Config{Self: self, Group: group, Index: 7, Epoch: 1})
	step := func(at time.Duration, e Event) Out {
		t.Helper()
		var out Out
		m.Step(start.Add(at), e, &out)
		if err := m.valid(); err != nil {
			t.Fatalf("after %#v: %v", e, err)
		}
		return out
	}
	step(0, Ring{Root: self, Nearest: []id.ID{self}})
	return m, step
}

// answer returns the one frame sent to n.
func only[T wire.Frame](t *testing.T, out Out, n id.ID) T {
	t.Helper()
	var found []T
	for _, s := range out.Sends {
		if f, ok := s.Frame.(T); ok && s.To == n {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d frames %T to %v among %+v", len(found), *new(T), n.Short(), out.Sends)
	}
	return found[0]
}

func TestRootRefuses(t *testing.T) {
	a, b := id.Hash("a"), id.Hash("b")
	for _, c := range []struct {
		name  string
		frame wire.Frame
		want  Code
	}{
		{"a join for another node", &wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: b, Members: 1}}, CodeRefused},
		{"a join without members", &wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: a}}, CodeRefused},
		{"a leave for another node", &wire.GroupLeave{Seq: 1, Group: group, Node: b}, CodeRefused},
		{"nothing else", &wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: a, Members: 1}}, CodeOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, step := alone(t)
			if f := only[*wire.GroupAck](t, step(0, Recv{a, c.frame}), a); f.Code != c.want || f.Seq != 1 {
				t.Errorf("got %+v, want code %d", f, c.want)
			}
		})
	}
}

func TestNotRootSaysWhoIs(t *testing.T) {
	m, step := alone(t)
	a, other := id.Hash("a"), id.Hash("other")
	step(0, Ring{Root: other, Nearest: []id.ID{other, m.cfg.Self}})
	v := only[*wire.GroupView](t, step(0, Recv{a, &wire.GroupLookup{Seq: 1, Group: group}}), a)
	if v.Code != CodeNotRoot || v.Version.Root != other {
		t.Errorf("lookup: %+v", v)
	}
	k := only[*wire.GroupAck](t, step(0, Recv{a, &wire.GroupJoin{Seq: 2, Group: group, Entry: wire.Entry{Node: a, Members: 1}}}), a)
	if k.Code != CodeNotRoot || k.Version.Root != other {
		t.Errorf("join: %+v", k)
	}
}

func TestListIsBounded(t *testing.T) {
	m, step := alone(t)
	zone := string(make([]byte, 200))
	full := 0
	for i := range 2 * wire.MaxEntries {
		n := id.Hash("member", fmt.Sprint(i))
		out := step(time.Duration(i)*time.Microsecond, Recv{n, &wire.GroupJoin{
			Seq: 1, Group: group, Entry: wire.Entry{Node: n, Members: 1, Zone: zone[:i%200]},
		}})
		for _, s := range out.Sends {
			if a, ok := s.Frame.(*wire.GroupAck); ok && a.Code == CodeFull {
				full++
			}
		}
	}
	if full == 0 || len(m.root.entries) > wire.MaxEntries {
		t.Errorf("%d entries, %d refused", len(m.root.entries), full)
	}
	v := &wire.GroupView{Group: group, Entries: m.root.list}
	if b, err := wire.Encode(v); err == nil && len(b) > wire.MaxControl {
		t.Errorf("the list takes %d bytes", len(b))
	}
}

func TestAckWaitsForAskers(t *testing.T) {
	ms := time.Millisecond
	a, m1 := id.Hash("asker"), id.Hash("member")
	join := func(epoch uint64) wire.Frame {
		return &wire.GroupJoin{Seq: epoch, Group: group, Entry: wire.Entry{Node: m1, Epoch: epoch, Members: uint32(epoch)}}
	}
	acked := func(out Out) bool {
		for _, s := range out.Sends {
			if _, ok := s.Frame.(*wire.GroupAck); ok && s.To == m1 {
				return true
			}
		}
		return false
	}
	for _, c := range []struct {
		name string
		then func(step func(time.Duration, Event) Out, push *wire.GroupView) Out
		want bool
	}{
		{"nothing yet", func(step func(time.Duration, Event) Out, _ *wire.GroupView) Out { return step(100*ms, Tick{}) }, false},
		{"until acknowledged", func(step func(time.Duration, Event) Out, p *wire.GroupView) Out {
			return step(100*ms, Recv{a, &wire.GroupAck{Seq: p.PushSeq, Version: p.Version}})
		}, true},
		{"not for a forged ack", func(step func(time.Duration, Event) Out, p *wire.GroupView) Out {
			v := p.Version
			v.Counter += 5
			return step(100*ms, Recv{a, &wire.GroupAck{Seq: p.PushSeq + 5, Version: v}})
		}, false},
		{"until the asker dies", func(step func(time.Duration, Event) Out, _ *wire.GroupView) Out {
			self := id.Hash("self")
			return step(100*ms, Ring{Root: self, Nearest: []id.ID{self}, Down: []id.ID{a}})
		}, true},
		{"at most 500 ms", func(step func(time.Duration, Event) Out, _ *wire.GroupView) Out { return step(501*ms, Tick{}) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, step := alone(t)
			step(0, Recv{a, &wire.GroupLookup{Seq: 1, Group: group}})
			out := step(0, Recv{m1, join(1)})
			if acked(out) {
				t.Fatal("acknowledged before the asker knew")
			}
			if got := acked(c.then(step, only[*wire.GroupView](t, out, a))); got != c.want {
				t.Errorf("acknowledged: %v", got)
			}
		})
	}
}

func TestRenewalLeavesOutWhatIsKnown(t *testing.T) {
	_, step := alone(t)
	a, m1 := id.Hash("asker"), id.Hash("member")
	step(0, Recv{m1, &wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: m1, Members: 1}}})
	v := only[*wire.GroupView](t, step(0, Recv{a, &wire.GroupLookup{Seq: 1, Group: group}}), a)
	if v.Code != CodeOK || len(v.Entries) != 1 || v.LeaseMs != 10_000 {
		t.Fatalf("first answer %+v", v)
	}
	v = only[*wire.GroupView](t, step(time.Second, Recv{a, &wire.GroupLookup{Seq: 2, Group: group, Have: v.Version}}), a)
	if v.Code != CodeSame || len(v.Entries) != 0 {
		t.Errorf("renewal %+v", v)
	}
}

// A root that answers later than it is asked again is heard all the same, and its lease counts from the first time.
func TestSlowRootIsHeard(t *testing.T) {
	m, step := alone(t)
	root, m1 := id.Hash("root"), id.Hash("member")
	step(0, Ring{Root: root, Nearest: []id.ID{root, m.cfg.Self}})
	out := step(0, Ask{Waiter: 1})
	first := only[*wire.GroupLookup](t, out, root)
	at := time.Duration(0)
	for out.Wake.Sub(start) < 6*time.Second {
		at = out.Wake.Sub(start)
		out = step(at, Tick{Used: true})
		if f := only[*wire.GroupLookup](t, out, root); f.Seq != first.Seq {
			t.Fatalf("question %x after %v, want %x", f.Seq, at, first.Seq)
		}
	}
	view := &wire.GroupView{
		Seq: first.Seq, Group: group, Version: wire.Version{Root: root, Epoch: 1, Counter: 1}, LeaseMs: 10_000,
		Entries: []wire.Entry{{Node: m1, Epoch: 1, Members: 1}},
	}
	out = step(6*time.Second, Recv{root, view})
	if len(out.Answers) != 1 || out.Answers[0] != (Answer{1, CodeOK}) || !out.View.Until.Equal(start.Add(10*time.Second)) {
		t.Fatalf("answers %+v, view %+v", out.Answers, out.View)
	}
	if out = step(6*time.Second, Recv{root, view}); out.Changed || len(out.Answers) != 0 {
		t.Errorf("the answer to the repetition counted, too: %+v", out)
	}
}

// What is asked after a refusal is another question.
func TestAskedAgainAfterARefusal(t *testing.T) {
	m, step := alone(t)
	root := id.Hash("root")
	step(0, Ring{Root: root, Nearest: []id.ID{root, m.cfg.Self}})
	out := step(0, Ask{Waiter: 1})
	first := only[*wire.GroupLookup](t, out, root)
	out = step(time.Millisecond, Recv{root, &wire.GroupView{Seq: first.Seq, Group: group, Version: wire.Version{Root: root}, Code: CodeNotRoot}})
	out = step(out.Wake.Sub(start), Tick{Used: true})
	if again := only[*wire.GroupLookup](t, out, root); again.Seq == first.Seq {
		t.Errorf("%x again", again.Seq)
	}
}

func TestSilentMemberExpires(t *testing.T) {
	m, step := alone(t)
	m1 := id.Hash("member")
	out := step(0, Recv{m1, &wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: m1, Members: 1}}})
	var at time.Duration
	for !out.Wake.IsZero() && at < time.Minute {
		at = out.Wake.Sub(start)
		out = step(at, Tick{})
		if at < 10*time.Second && len(m.root.entries) == 0 {
			t.Fatalf("expired after %v", at)
		}
	}
	if !out.Idle || at > 15*time.Second {
		t.Errorf("idle %v after %v", out.Idle, at)
	}
}

func TestAnswersAreForOneMachine(t *testing.T) {
	m, step := alone(t)
	step(0, Ring{Root: id.Hash("root"), Nearest: []id.ID{id.Hash("root"), m.cfg.Self}})
	out := step(0, Join{Members: 1, Waiter: 1})
	f := only[*wire.GroupJoin](t, out, id.Hash("root"))
	if IndexOf(f.Seq) != 7 {
		t.Errorf("index %d in seq %x", IndexOf(f.Seq), f.Seq)
	}
}

// FuzzRecv feeds arbitrary frames of a peer to a root: no panic, no broken
// invariant, no unbounded answer.
func FuzzRecv(f *testing.F) {
	for _, fr := range []wire.Frame{
		&wire.GroupJoin{Seq: 1, Group: group, Entry: wire.Entry{Node: id.Hash("a"), Members: 1}},
		&wire.GroupView{PushSeq: 1, Group: group, Entries: []wire.Entry{{Node: id.Hash("a")}, {Node: id.Hash("a")}}},
		&wire.GroupReplica{Group: group, Version: wire.Version{Root: id.Hash("a")}, Entries: []wire.Entry{{Node: id.Hash("b")}}},
		&wire.GroupAck{Seq: 7<<32 | 1<<31, Version: wire.Version{Counter: 1 << 60}},
		&wire.GroupLookup{Seq: 1, Group: group}, &wire.GroupPull{Seq: 1, Group: group}, &wire.GroupLeave{Seq: 1, Group: group},
	} {
		b, err := wire.Encode(fr)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(10))
	}
	f.Fuzz(func(t *testing.T, b []byte, ms uint16) {
		fr, err := wire.Decode(b)
		if err != nil {
			return
		}
		self, peer := id.Hash("self"), id.Hash("a")
		m := New(Config{Self: self, Group: group, Index: 7})
		var out Out
		at := start
		for _, root := range []id.ID{self, peer} {
			for _, e := range []Event{
				Ring{Root: root, Nearest: []id.ID{root, self, peer}},
				Join{Members: 2, Waiter: 1},
				Ask{Waiter: 2},
				Recv{peer, fr},
				Recv{self, fr},
				Tick{Used: true},
				Recv{peer, fr},
			} {
				at = at.Add(time.Duration(ms) * time.Millisecond)
				out.Reset()
				m.Step(at, e, &out)
				if err := m.valid(); err != nil {
					t.Fatalf("after %#v: %v", e, err)
				}
				if len(out.Sends) > 20 {
					t.Fatalf("%d frames after %#v", len(out.Sends), e)
				}
			}
		}
	})
}

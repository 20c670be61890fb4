package tree

import (
	"slices"
	"testing"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// far returns a machine whose ring does not show the root of the group.
func far(t *testing.T) func(time.Duration, Event) Out {
	m := New(Config{Self: id.Hash("self"), Group: group, Index: 7, Epoch: 1})
	step := func(at time.Duration, e Event) Out {
		t.Helper()
		var out Out
		m.Step(start.Add(at), e, &out)
		if err := m.valid(); err != nil {
			t.Fatalf("after %#v: %v", e, err)
		}
		return out
	}
	step(0, Ring{Structured: true})
	return step
}

// to returns who is sent frames of the type of T.
func to[T wire.Frame](out Out) (list []id.ID) {
	for _, s := range out.Sends {
		if _, ok := s.Frame.(T); ok {
			list = append(list, s.To)
		}
	}
	return list
}

func TestARootThatIsNotShownIsLocated(t *testing.T) {
	sec := time.Second
	r1, r2 := id.Hash("r1"), id.Hash("r2")
	join := Join{Members: 1}
	denies := func(from id.ID, out Out) Event {
		t.Helper()
		f := only[*wire.GroupJoin](t, out, from)
		return Recv{from, &wire.GroupAck{Seq: f.Seq, Code: CodeNotRoot}}
	}
	t.Run("a member needs it", func(t *testing.T) {
		step := far(t)
		out := step(0, join)
		if !out.Locate || len(out.Sends) > 0 {
			t.Fatalf("%+v", out)
		}
		if out = step(sec, Located{r1}); !slices.Equal(to[*wire.GroupJoin](out), []id.ID{r1}) {
			t.Errorf("%+v", out)
		}
	})
	t.Run("an asker needs it", func(t *testing.T) {
		step := far(t)
		if out := step(0, Ask{}); !out.Locate {
			t.Fatalf("%+v", out)
		}
		if out := step(sec, Located{r1}); !slices.Equal(to[*wire.GroupLookup](out), []id.ID{r1}) {
			t.Errorf("%+v", out)
		}
	})
	t.Run("nobody else does", func(t *testing.T) {
		step := far(t)
		if out := step(time.Hour, Recv{r1, &wire.GroupLookup{Seq: 1, Group: group}}); out.Locate || !out.Idle {
			t.Errorf("%+v", out)
		}
	})
	t.Run("not found", func(t *testing.T) {
		step := far(t)
		step(0, join)
		out := step(sec, Located{})
		if out.Locate || out.Wake.Sub(start) != sec+locateGap {
			t.Fatalf("woken after %v", out.Wake.Sub(start))
		}
		if out = step(sec+locateGap, Tick{}); !out.Locate {
			t.Errorf("%+v", out)
		}
	})
	t.Run("it denies", func(t *testing.T) {
		step := far(t)
		step(0, join)
		out := step(sec, Located{r1})
		if out = step(2*sec, denies(r1, out)); !out.Locate {
			t.Fatalf("%+v", out)
		}
		if out = step(3*sec, Located{r2}); !slices.Equal(to[*wire.GroupJoin](out), []id.ID{r2}) {
			t.Errorf("%+v", out)
		}
	})
	t.Run("it is named again", func(t *testing.T) {
		step := far(t)
		step(0, join)
		asked := 0
		for at := time.Duration(0); at < 10*sec; at += 10 * time.Millisecond {
			out := step(at, Tick{})
			if out.Locate {
				asked++
				out = step(at, Located{r1})
			}
			for _, s := range out.Sends {
				step(at, Recv{r1, &wire.GroupAck{Seq: s.Frame.(*wire.GroupJoin).Seq, Code: CodeNotRoot}})
			}
		}
		if asked < 8 || asked > 20 {
			t.Errorf("asked %d times in 10 s", asked)
		}
	})
	t.Run("it is lost", func(t *testing.T) {
		step := far(t)
		step(0, join)
		step(sec, Located{r1})
		if out := step(2*sec, Ring{Structured: true, Down: []id.ID{r1}}); !out.Locate {
			t.Fatalf("%+v", out)
		}
		out := step(2*sec, Located{r1})
		if out.Locate || len(out.Sends) > 0 {
			t.Fatalf("the overlay names the lost root: %+v", out)
		}
		at := out.Wake.Sub(start)
		if out = step(at, Tick{}); !out.Locate {
			t.Fatalf("%+v", out)
		}
		if out := step(at, Located{r2}); !slices.Equal(to[*wire.GroupJoin](out), []id.ID{r2}) {
			t.Errorf("%+v", out)
		}
	})
	t.Run("now and then while in use", func(t *testing.T) {
		step := far(t)
		step(0, join)
		out := step(0, Located{r1})
		step(0, Recv{r1, &wire.GroupAck{Seq: only[*wire.GroupJoin](t, out, r1).Seq}})
		if out = step(relocate-1, Tick{}); out.Locate {
			t.Error("too early")
		}
		if out = step(relocate, Tick{}); !out.Locate {
			t.Error("too late")
		}
		out = step(relocate, Join{})
		step(relocate, Recv{r1, &wire.GroupAck{Seq: only[*wire.GroupLeave](t, out, r1).Seq}})
		if out = step(3*relocate, Tick{}); out.Locate {
			t.Error("while it is not used")
		}
	})
	t.Run("shown", func(t *testing.T) {
		step := far(t)
		step(0, join)
		if out := step(0, Ring{Structured: true, Root: r2, Nearest: []id.ID{r2}}); !slices.Equal(to[*wire.GroupJoin](out), []id.ID{r2}) {
			t.Errorf("%+v", out)
		}
		if out := step(0, Located{r1}); len(out.Sends) > 0 || out.Locate {
			t.Errorf("an answer that came late: %+v", out)
		}
		if out := step(0, Ring{Structured: true}); len(out.Sends) > 0 || out.Locate {
			t.Errorf("not shown any more, but known: %+v", out)
		}
	})
}

// A member whose entry came by a pull joins: the askers must know first.
func TestAckOfAJoinWaitsForAskersAlsoAfterAPull(t *testing.T) {
	m, step := alone(t)
	self, next, asker := m.cfg.Self, id.Hash("next"), id.Hash("asker")
	step(0, Ring{Root: self, Nearest: []id.ID{self, next}, Up: []id.ID{next}})
	out := step(0, Recv{asker, &wire.GroupLookup{Seq: 1, Group: group}})
	pull := only[*wire.GroupPull](t, out, next)
	e := wire.Entry{Node: id.Hash("member"), Epoch: 5, Members: 1}
	other := wire.Entry{Node: id.Hash("other"), Epoch: 5, Members: 1}
	version := wire.Version{Root: next, Epoch: 1}
	step(0, Recv{next, &wire.GroupReplica{Seq: pull.Seq, Group: group, Version: version, Entries: []wire.Entry{other}}})
	out = step(time.Second, Recv{other.Node, &wire.GroupJoin{Seq: 3, Group: group, Entry: other}})
	only[*wire.GroupAck](t, out, other.Node) // everybody knows
	step(2*time.Second, Ring{Root: self, Nearest: []id.ID{self, next}, Up: []id.ID{next}})
	out = step(2*time.Second, Recv{other.Node, &wire.GroupLeave{Seq: 4, Group: group, Node: other.Node, Epoch: 6}})
	pull = only[*wire.GroupPull](t, out, next)
	step(2*time.Second, Recv{next, &wire.GroupReplica{Seq: pull.Seq, Group: group, Version: version, Entries: []wire.Entry{e}}})
	out = step(2*time.Second, Recv{e.Node, &wire.GroupJoin{Seq: 5, Group: group, Entry: e}})
	if n := to[*wire.GroupAck](out); len(n) > 0 {
		t.Errorf("acknowledged to %v before the asker knows", n)
	}
	if out = step(3*time.Second, Tick{}); !slices.Contains(to[*wire.GroupAck](out), e.Node) {
		t.Errorf("not acknowledged after the longest wait: %+v", out)
	}
}

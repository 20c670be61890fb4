package pastry

import (
	"testing"
	"time"
)

// relay returns a lab whose node has passed a message of prev on to next, which
// took it over.
func relay(t *testing.T) (l *lab, prev, next, other Handle) {
	t.Helper()
	l = newLab(t, Config{}).alone()
	prev, next, other = l.leaf(l.other(0xf0)), l.leaf(l.other(0x12)), l.leaf(l.other(0x1a))
	out := l.recv(prev, Msg{Kind: Route, Active: true, Seq: 7, Origin: prev, ID: 1, Key: key(0x10)})
	if got := sends(out.Sends, Route); len(got) != 1 || got[0] != next {
		t.Fatalf("passed on to %v", got)
	}
	if got := sends(out.Sends, Ack); len(got) != 1 || got[0] != prev || len(sends(out.Sends, Passed)) != 0 {
		t.Fatalf("told the previous hop %+v", out.Sends)
	}
	out = l.recv(next, Msg{Kind: Ack, Active: true, Seq: l.node.pending[0].msg.Seq})
	if got := sends(out.Sends, Passed); len(got) != 1 || got[0] != prev || out.Sends[0].Msg.Seq != 7 {
		t.Fatalf("told the previous hop %+v", out.Sends)
	}
	return l, prev, next, other
}

func TestACopyIsKeptUntilPassed(t *testing.T) {
	l, _, next, _ := relay(t)
	if len(l.node.pending) != 1 {
		t.Fatalf("%d messages kept", len(l.node.pending))
	}
	if out := l.recv(next, Msg{Kind: Passed, Active: true, Seq: l.node.pending[0].msg.Seq}); len(l.node.pending) != 0 || len(out.Sends) != 0 {
		t.Errorf("%d messages kept, sent %+v", len(l.node.pending), out.Sends)
	}
}

func TestACopyIsSentWhenItsHolderDies(t *testing.T) {
	for name, dies := range map[string]func(l *lab, next Handle) []Sending{
		"silently": func(l *lab, _ Handle) []Sending { return l.wait(8 * time.Second) },
		"for the driver": func(l *lab, next Handle) []Sending {
			return append(l.step(Event{Kind: Down, From: next}).Sends, l.wait(time.Millisecond)...)
		},
		"with a word": func(l *lab, next Handle) []Sending {
			return append(l.recv(next, Msg{Kind: Leave}).Sends, l.wait(time.Millisecond)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, next, other := relay(t)
			if got := sends(dies(l, next), Route); len(got) == 0 || got[0] != other {
				t.Errorf("sent the copy to %v, want %v", got, other)
			}
		})
	}
}

func TestACopyIsNotKeptForEver(t *testing.T) {
	l, _, next, _ := relay(t)
	for range 30 {
		for _, s := range l.wait(3 * time.Second) {
			if s.To == next && s.Msg.Kind == Ping {
				l.recv(next, Msg{Kind: Pong, Active: true, Seq: s.Msg.Seq})
			}
		}
		if len(l.node.pending) == 0 {
			return
		}
	}
	t.Error("a living holder, and still a copy")
}

func TestTheRootDeliversOnce(t *testing.T) {
	l := newLab(t, Config{}).alone()
	o, p := l.leaf(l.other(0x20)), l.leaf(l.other(0x30))
	m := Msg{Kind: Route, Active: true, Seq: 7, Origin: o, ID: 1, Key: key(0x80)}
	for i, want := range []int{1, 0, 0} {
		out := l.recv(p, m)
		if upcalls(out, Deliver) != want || len(sends(out.Sends, Passed)) != 1 {
			t.Errorf("copy %d: %+v", i, out)
		}
	}
	m.ID++
	if out := l.recv(p, m); upcalls(out, Deliver) != 1 {
		t.Error("another message was taken for the same")
	}
	l.node.now += l.node.cfg.Expire + time.Second
	m.ID++
	if l.node.arrivedBefore(&m) || len(l.node.arrivals) != 1 {
		t.Errorf("remembers %d messages", len(l.node.arrivals))
	}
}

package pastry

import (
	"testing"
	"time"

	"iris/internal/id"
)

// lab is one node and the book it reads; the others exist only as handles.
type lab struct {
	*testing.T
	book *Book
	node *Node
	out  Out
	now  Time
}

func newLab(t *testing.T, cfg Config) *lab {
	t.Helper()
	cfg = cfg.Defaults()
	l := &lab{T: t, book: NewBook(), now: time.Second}
	l.node = New(&cfg, l.book, l.other(0x80), 1)
	return l
}

// other returns a node whose id starts with the byte first.
func (l *lab) other(first uint64) Handle { return l.book.Add(id.ID{Hi: first << 56, Lo: 1}, 1) }

func key(first uint64) id.ID { return id.ID{Hi: first << 56} }

// step steps the node and checks its invariants.
func (l *lab) step(e Event) *Out {
	l.Helper()
	l.out.Reset()
	l.node.Step(l.now, &e, &l.out)
	if err := l.node.Valid(); err != nil {
		l.Fatalf("after %+v: %v", e, err)
	}
	return &l.out
}

func (l *lab) recv(from Handle, m Msg) *Out {
	l.Helper()
	return l.step(Event{Kind: Recv, From: from, Msg: &m})
}

// wait lets d pass, ticking whenever the node wants it.
func (l *lab) wait(d time.Duration) (sent []Sending) {
	l.Helper()
	for end := l.now + d; l.node.wake != 0 && l.node.wake <= end; {
		l.now = max(l.now, l.node.wake)
		sent = append(sent, l.step(Event{Kind: Tick}).Sends...)
	}
	return sent
}

// alone starts the node as the first of its network.
func (l *lab) alone() *lab {
	l.Helper()
	if out := l.step(Event{Kind: Start}); len(out.Up) != 1 || out.Up[0].Kind != Ready {
		l.Fatalf("alone, but told %+v", out.Up)
	}
	return l
}

// leaf makes h a leaf.
func (l *lab) leaf(h Handle) Handle {
	l.Helper()
	l.recv(h, Msg{Kind: LeafProbe, Active: true, Mesh: true, Seq: 1})
	if !l.node.isLeaf(h) {
		l.Fatalf("%v is no leaf", l.book.ID(h))
	}
	return h
}

func sends(all []Sending, k Kind) (to []Handle) {
	for _, s := range all {
		if s.Msg.Kind == k {
			to = append(to, s.To)
		}
	}
	return to
}

func upcalls(o *Out, k UpcallKind) (n int) {
	for _, u := range o.Up {
		if u.Kind == k {
			n++
		}
	}
	return n
}

func TestAJoiningNodeDeliversNothing(t *testing.T) {
	l := newLab(t, Config{})
	seed, near := l.other(0x10), l.other(0x81)
	l.step(Event{Kind: Start, Seeds: []Handle{seed}})
	out := l.recv(seed, Msg{Kind: RowReply, Active: true, Row: rowNearby, Refs: []Handle{near}})
	for _, h := range sends(out.Sends, Ping) {
		l.recv(h, Msg{Kind: Pong, Active: true, Seq: l.node.probes[0].seq})
	}
	l.wait(10 * time.Millisecond)
	for l.node.phase == searching { // it may ask on
		l.recv(l.node.near, Msg{Kind: RowReply, Active: true, Row: rowNearby})
		l.wait(time.Second)
	}
	if l.node.phase != joining {
		t.Fatalf("phase %d", l.node.phase)
	}
	out = l.recv(near, Msg{Kind: Welcome, Active: true, ID: l.node.joinID, Leaves: []Handle{seed, near}})
	if got := sends(out.Sends, LeafProbe); len(got) != 2 {
		t.Fatalf("probes %v", got)
	}
	if out = l.recv(seed, Msg{Kind: Route, Active: true, Seq: 7, Key: key(0x80)}); len(out.Sends)+upcalls(out, Deliver) != 0 {
		t.Errorf("before its leaves answered: %+v", out)
	}
	l.recv(seed, Msg{Kind: LeafReply, Active: true, Seq: l.node.probes[0].seq})
	if l.node.Active() {
		t.Error("active although one leaf has not answered")
	}
	if out = l.recv(near, Msg{Kind: LeafReply, Active: true}); !l.node.Active() || upcalls(out, Ready) != 1 {
		t.Error("not active although all leaves have answered")
	}
	if out = l.recv(seed, Msg{Kind: Route, Active: true, Seq: 7, Key: key(0x80)}); upcalls(out, Deliver) != 1 || len(sends(out.Sends, Passed)) != 1 {
		t.Errorf("once active: %+v", out)
	}
}

func TestHearsayIsProbed(t *testing.T) {
	l := newLab(t, Config{}).alone()
	a, b, c := l.leaf(l.other(0x70)), l.other(0x90), l.leaf(l.other(0xa0))
	out := l.recv(a, Msg{Kind: LeafReply, Active: true, Leaves: []Handle{b}, Refs: []Handle{c}})
	if l.node.isLeaf(b) || !l.node.isLeaf(c) {
		t.Errorf("leaves %v: hearsay was believed", l.node.Leaves())
	}
	if got := sends(out.Sends, LeafProbe); len(got) != 1 || got[0] != b {
		t.Errorf("life of %v is to be verified, probed %v", b, got)
	}
	if got := sends(out.Sends, Ping); len(got) != 1 || got[0] != c {
		t.Errorf("death of %v is to be verified, pinged %v", c, got)
	}
	l.recv(b, Msg{Kind: LeafReply, Active: true})
	l.wait(10 * time.Second)
	if !l.node.isLeaf(b) || l.node.isLeaf(c) {
		t.Errorf("leaves %v: %v answered, %v did not", l.node.Leaves(), b, c)
	}
}

func TestRerouteAvoidsAllThatWereSilent(t *testing.T) {
	l := newLab(t, Config{}).alone()
	far, mid, near := l.leaf(l.other(0x20)), l.leaf(l.other(0x1a)), l.leaf(l.other(0x12))
	out := l.step(Event{Kind: Send, Msg: &Msg{Key: key(0x10), ID: 1}})
	if got := sends(out.Sends, Route); len(got) != 1 || got[0] != near {
		t.Fatalf("first to %v, want %v", got, near)
	}
	got := sends(l.wait(1200*time.Millisecond), Route)
	if len(got) < 2 || got[0] != mid || got[1] != far {
		t.Fatalf("then to %v, want %v and %v", got, mid, far)
	}
	seq := l.node.pending[0].msg.Seq
	l.recv(mid, Msg{Kind: Ack, Active: true, Seq: seq}) // late, and good enough
	if got := sends(l.wait(900*time.Millisecond), Route); len(got) != 0 {
		t.Error("a late acknowledgement was ignored")
	}
}

func TestNobodyDeliversForASilentRoot(t *testing.T) {
	l := newLab(t, Config{}).alone()
	root := l.leaf(l.other(0x90))
	l.step(Event{Kind: Send, Msg: &Msg{Key: key(0x90), ID: 1}})
	var delivered Time
	asked := 0
	for l.now < 20*time.Second && delivered == 0 {
		l.now = l.node.wake
		out := l.step(Event{Kind: Tick})
		asked += len(sends(out.Sends, Route))
		if upcalls(out, Deliver) > 0 {
			delivered = l.now
		}
		if delivered != 0 && l.node.isLeaf(root) {
			t.Fatal("delivered while the root was not known to be dead")
		}
	}
	if delivered == 0 || asked < 2 {
		t.Errorf("asked the root %d times more, delivered at %v", asked, delivered)
	}
}

func TestAPauseMakesUnready(t *testing.T) {
	l := newLab(t, Config{}).alone()
	a := l.leaf(l.other(0x90))
	l.now = l.node.wake + l.node.cfg.Pause + time.Millisecond
	out := l.recv(a, Msg{Kind: Route, Active: true, Seq: 3, Key: key(0x80)})
	if upcalls(out, Unready) != 1 || upcalls(out, Deliver) != 0 || len(sends(out.Sends, Ack)) != 0 {
		t.Fatalf("after a pause: %+v", out)
	}
	if out = l.recv(a, Msg{Kind: LeafReply, Active: true}); upcalls(out, Ready) != 1 {
		t.Errorf("after its leaf answered: %+v", out)
	}
}

func TestAnnounceOnlyBesideTheDead(t *testing.T) {
	for _, tc := range []struct {
		name string
		dead uint64
		want []uint64 // who is told, by first byte
	}{
		{"my successor: all", 0x90, []uint64{0xa0, 0xb0, 0x60, 0x70}},
		{"another: the one before it", 0xb0, []uint64{0xa0}},
		{"my predecessor: the one before it", 0x70, []uint64{0x60}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, Config{}).alone()
			at := map[uint64]Handle{}
			for _, b := range []uint64{0x60, 0x70, 0x90, 0xa0, 0xb0} {
				at[b] = l.leaf(l.other(b))
			}
			told := map[Handle]bool{}
			sent := l.step(Event{Kind: Down, From: at[tc.dead]}).Sends
			for _, h := range sends(append(sent, l.wait(time.Second)...), Announce) {
				told[h] = true
			}
			if len(told) != len(tc.want) {
				t.Fatalf("told %v, want %x", told, tc.want)
			}
			for _, b := range tc.want {
				if !told[at[b]] {
					t.Errorf("%x was not told", b)
				}
			}
		})
	}
}

func TestLeaveIsTakenAtOnce(t *testing.T) {
	l := newLab(t, Config{}).alone()
	a, b := l.leaf(l.other(0x90)), l.leaf(l.other(0xa0))
	if out := l.recv(a, Msg{Kind: Leave}); l.node.isLeaf(a) || upcalls(out, Gone) != 1 {
		t.Errorf("leaves %v", l.node.Leaves())
	}
	l.recv(b, Msg{Kind: LeafProbe, Active: true, Seq: 2, Leaves: []Handle{a}})
	if len(sends(l.out.Sends, LeafProbe)) != 0 {
		t.Error("who left is not probed again on hearsay")
	}
	if out := l.step(Event{Kind: Stop}); len(sends(out.Sends, Leave)) != 1 || out.Wake != 0 {
		t.Errorf("goodbye: %+v", out)
	}
}

func TestANewIncarnationReplacesTheOld(t *testing.T) {
	l := newLab(t, Config{}).alone()
	old := l.leaf(l.other(0x90))
	again := l.leaf(l.book.Add(l.book.ID(old), 2))
	if l.node.isLeaf(old) || l.node.inTable(old) || l.node.Leaves()[0] != again {
		t.Errorf("leaves %v", l.node.Leaves())
	}
	l.recv(old, Msg{Kind: LeafProbe, Active: true})
	if l.node.isLeaf(old) {
		t.Error("the old incarnation is back")
	}
}

func TestMeshSizes(t *testing.T) {
	l := newLab(t, Config{Leaf: 4, MeshMax: 8, MeshMin: 6}).alone()
	for i := range uint64(7) {
		l.leaf(l.other(0x11 + 0x1f*i))
	}
	if !l.node.Mesh() || len(l.node.Leaves()) != 7 {
		t.Fatalf("mesh %v of %d", l.node.Mesh(), len(l.node.Leaves()))
	}
	l.recv(l.other(0xf8), Msg{Kind: LeafProbe, Active: true, Mesh: true})
	if l.node.Mesh() || len(l.node.Leaves()) != 4 {
		t.Fatalf("mesh %v of %d after an eighth leaf", l.node.Mesh(), len(l.node.Leaves()))
	}
}

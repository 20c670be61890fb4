package pastry

import (
	"slices"
	"testing"
	"time"
)

// seeking returns a lab whose node was told to join through seeds.
func seeking(t *testing.T, firsts ...uint64) (*lab, []Handle) {
	t.Helper()
	l := newLab(t, Config{})
	var seeds []Handle
	for _, f := range firsts {
		seeds = append(seeds, l.other(f))
	}
	if got := sends(l.step(Event{Kind: Start, Seeds: seeds}).Sends, RowRequest); len(got) != 1 || got[0] != seeds[0] {
		t.Fatalf("asked %v first", got)
	}
	return l, seeds
}

func TestSeedsWithoutAPlaceAreAskedInTurn(t *testing.T) {
	l, seeds := seeking(t, 0x10, 0x20, 0x30)
	none := Msg{Kind: RowReply, Row: rowNearby}
	for i, s := range seeds[:2] {
		if got := sends(l.recv(s, none).Sends, RowRequest); len(got) != 1 || got[0] != seeds[i+1] {
			t.Fatalf("after %d, asked %v", s, got)
		}
	}
	if out := l.recv(seeds[2], none); len(out.Sends) != 0 {
		t.Fatalf("after all: %+v", out.Sends)
	}
	if got := l.wait(seedAgain - time.Millisecond); len(got) != 0 {
		t.Errorf("too soon: %+v", got)
	}
	if got := sends(l.wait(2*seedAgain), RowRequest); len(got) != 1 || got[0] != seeds[0] {
		t.Errorf("again: %v", got)
	}
}

func TestAnActiveNodeInvites(t *testing.T) {
	l, seeds := seeking(t, 0x10)
	l.recv(seeds[0], Msg{Kind: RowReply, Row: rowNearby})
	host := l.other(0x90)
	out := l.recv(host, Msg{Kind: LeafProbe, Active: true, Seq: 9, Leaves: seeds})
	if len(l.node.Leaves()) != 0 || len(sends(out.Sends, LeafReply)) != 0 {
		t.Errorf("a node without a place took leaves: %v", l.node.Leaves())
	}
	if got := sends(out.Sends, Pong); len(got) != 1 || out.Sends[0].Msg.Seq != 9 {
		t.Errorf("answered %+v", out.Sends)
	}
	if got := sends(out.Sends, RowRequest); len(got) != 1 || got[0] != host {
		t.Errorf("asked %v", got)
	}
}

func TestStartAgain(t *testing.T) {
	l, seeds := seeking(t, 0x10)
	more := l.other(0x20)
	l.step(Event{Kind: Start, Seeds: []Handle{more}})
	if got := sends(l.recv(seeds[0], Msg{Kind: RowReply}).Sends, RowRequest); len(got) != 1 || got[0] != more {
		t.Errorf("asked %v, want the new seed", got)
	}
	out := l.step(Event{Kind: Start})
	if !l.node.Active() || upcalls(out, Ready) != 1 {
		t.Error("told to begin, and not active")
	}
	if got := sends(out.Sends, LeafProbe); len(got) != 2 {
		t.Errorf("the seeds were not told: %v", got)
	}
	l.recv(more, Msg{Kind: Pong, Seq: l.node.probes[1].seq})
	if got := sends(l.wait(time.Minute), LeafProbe); len(got) == 0 || got[0] != seeds[0] || len(l.node.Leaves()) != 0 {
		t.Errorf("probed %v: %v has no place, %v is silent", got, more, seeds[0])
	}
}

func TestIdleNodesHaveNoPlace(t *testing.T) {
	l := newLab(t, Config{})
	o := l.other(0x10)
	if out := l.recv(o, Msg{Kind: RowRequest, Row: rowNearby}); len(sends(out.Sends, RowReply)) != 1 || out.Sends[0].Msg.Active {
		t.Errorf("answered %+v", out.Sends)
	}
	if out := l.recv(o, Msg{Kind: Route, Active: true, Seq: 1, Key: key(0x80)}); len(out.Sends)+len(out.Up) != 0 {
		t.Errorf("took a message over: %+v", out)
	}
}

func TestMetIsALeafAfterOneRoundTrip(t *testing.T) {
	l := newLab(t, Config{}).alone()
	o := l.other(0x90)
	out := l.step(Event{Kind: Met, From: o, RTT: time.Millisecond})
	if got := sends(out.Sends, LeafProbe); len(got) != 1 || got[0] != o || l.node.isLeaf(o) {
		t.Fatalf("probed %v, leaves %v", got, l.node.Leaves())
	}
	l.recv(o, Msg{Kind: LeafReply, Active: true, Seq: out.Sends[0].Msg.Seq})
	if !l.node.isLeaf(o) {
		t.Error("no leaf")
	}
	if out = l.step(Event{Kind: Met, From: o, RTT: time.Millisecond}); len(out.Sends) != 0 {
		t.Errorf("known already: %+v", out.Sends)
	}
}

func TestStrangersAreAskedNowAndThen(t *testing.T) {
	l := newLab(t, Config{Leaf: 4, MeshMax: -1}).alone()
	for _, b := range []uint64{0x70, 0x78, 0x88, 0x90} {
		l.leaf(l.other(b))
	}
	asked := 0
	for i := range 10 {
		out := l.step(Event{Kind: Met, From: l.other(uint64(i)), RTT: time.Millisecond})
		asked += len(sends(out.Sends, Join))
	}
	if asked != 1 {
		t.Errorf("asked %d strangers at once who lives here", asked)
	}
}

func TestAProbeThatWaitedForItsLinkIsSentAgain(t *testing.T) {
	l := newLab(t, Config{}).alone()
	h := l.other(0x20)
	first := slices.Clone(l.step(Event{Kind: Met, From: h}).Sends)
	l.now += 100 * time.Millisecond // for the handshake
	again := l.step(Event{Kind: Met, From: h, RTT: time.Millisecond}).Sends
	if len(first) != 1 || len(again) != 1 || again[0].Msg.Kind != LeafProbe || again[0].Msg.Seq == first[0].Msg.Seq {
		t.Fatalf("sent %+v, then %+v", first, again)
	}
	l.now += time.Millisecond
	l.recv(h, Msg{Kind: LeafReply, Active: true, Seq: again[0].Msg.Seq})
	if got := l.node.RTT(h); got > 2*time.Millisecond {
		t.Errorf("round trip %v includes the handshake", got)
	}
}

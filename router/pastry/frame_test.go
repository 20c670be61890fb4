package pastry

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// addresses is a small address book: nodes by reference.
type addresses struct {
	book *Book
	most int
	by   map[incarnation]Handle
}

type incarnation struct {
	node  id.ID
	epoch uint64
}

func newAddresses(book *Book, most int) *addresses {
	a := &addresses{book: book, most: most, by: map[incarnation]Handle{}}
	for h := Handle(1); int(h) < book.Len(); h++ {
		a.by[incarnation{book.ID(h), book.Epoch(h)}] = h
	}
	return a
}

func (a *addresses) Ref(h Handle) wire.NodeRef {
	return wire.NodeRef{ID: a.book.ID(h), Incarnation: a.book.Epoch(h)}
}

func (a *addresses) Handle(n wire.NodeRef) Handle {
	who := incarnation{n.ID, n.Incarnation}
	if a.by[who] == None && a.book.Len() <= a.most {
		a.by[who] = a.book.Add(n.ID, n.Incarnation)
	}
	return a.by[who]
}

// network returns a book of a few nodes.
func network(k uint64) *Book {
	b := NewBook()
	for i := range k {
		b.Add(id.ID{Hi: i<<60 | 1, Lo: i}, i+1)
	}
	return b
}

func frames() []Msg {
	msgs := []Msg{
		{Kind: Route, Active: true, Hops: 3, Seq: 9, Origin: 2, Key: key(0x45), ID: 77, Body: Query{}},
		{Kind: Route, Mesh: true, Origin: 2, Key: key(0x45), ID: 77, Body: Query{Answer: true, Node: 4}},
		{Kind: Join, Row: digits, Origin: 3, Key: id.ID{Hi: 2<<60 | 1, Lo: 2}, ID: 5, Refs: []Handle{1, 2}},
		{Kind: RowReply, Active: true, Row: rowNearby, Refs: []Handle{4, 2}, RTTs: []uint16{0, 65535}, Leaves: []Handle{5}},
		{Kind: RowRequest, Row: rowLeaves},
		{Kind: LeafProbe, Seq: 1 << 31, Leaves: []Handle{1, 2, 3}, Refs: []Handle{4}},
	}
	for _, k := range []Kind{Ack, Welcome, Ping, Pong, LeafReply, Heartbeat, Announce, Introduce, Leave} {
		msgs = append(msgs, Msg{Kind: k, Active: true, Seq: 3, ID: 1 << 60, Leaves: []Handle{6}})
	}
	return msgs
}

func TestFramesSurviveTheWire(t *testing.T) {
	refs := newAddresses(network(8), 9)
	for _, m := range frames() {
		b, err := wire.Encode(Frame(&m, refs))
		if err != nil {
			t.Fatalf("%v: %v", m.Kind, err)
		}
		f, err := wire.Decode(b)
		if err != nil {
			t.Fatalf("%v: %v", m.Kind, err)
		}
		got, err := Message(f, refs)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%v:\n got %+v, %v\nwant %+v", m.Kind, got, err, m)
		}
	}
}

func TestFramesThatNobodySends(t *testing.T) {
	node := wire.NodeRef{ID: key(0x33)}
	for _, tc := range []struct {
		f    wire.Frame
		want string
	}{
		{&wire.Goodbye{}, "no message"},
		{&wire.Overlay{}, "no message"},
		{&wire.Overlay{What: uint8(Route), Origin: node}, "no message"},
		{&wire.Overlay{What: uint8(Kinds)}, "no message"},
		{&wire.Overlay{What: uint8(Join)}, "origin"},
		{&wire.Overlay{What: uint8(Join), Origin: node, Row: digits + 1}, "row"},
		{&wire.Overlay{What: uint8(RowRequest), Row: 253}, "row"},
		{&wire.Overlay{What: uint8(RowReply), Row: digits}, "row"},
		{&wire.Overlay{What: uint8(RowReply), Refs: []wire.NodeRef{node}, RTTs: []uint16{1, 2}}, "parallel"},
		{&wire.Overlay{What: uint8(Announce), Refs: make([]wire.NodeRef, MaxRefs+1)}, "too many"},
		{&wire.Route{What: wire.RouteLocate}, "origin"},
		{&wire.Route{What: 0, Origin: node}, "question"},
		{&wire.Route{What: wire.RouteLocate, Origin: node, Node: node}, "question"},
		{&wire.Route{What: wire.RouteLocated, Origin: node}, "question"},
	} {
		if _, err := Message(tc.f, newAddresses(network(2), 9)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.f, err, tc.want)
		}
	}
}

func TestRefsWithoutRoomAreLeftOut(t *testing.T) {
	refs := newAddresses(network(2), 2)
	f := wire.Overlay{What: uint8(RowReply), RTTs: []uint16{7, 8, 9}}
	for _, n := range []id.ID{key(0x77), refs.book.ID(2), {}} {
		r := wire.NodeRef{ID: n, Incarnation: 2} // as network has it
		f.Refs = append(f.Refs, r)
	}
	m, err := Message(&f, refs)
	if err != nil || len(m.Refs) != 1 || m.Refs[0] != 2 || len(m.RTTs) != 1 || m.RTTs[0] != 8 {
		t.Errorf("%+v, %v", m, err)
	}
}

// FuzzMessage feeds a running node with anything that the wire lets through.
func FuzzMessage(f *testing.F) {
	for _, m := range frames() {
		b, err := wire.Encode(Frame(&m, newAddresses(network(8), 9)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, byte(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, from byte) {
		frame, err := wire.Decode(b)
		if err != nil {
			return
		}
		cfg := Config{Leaf: 4, MeshMax: 8, MeshMin: 6}.Defaults()
		refs := newAddresses(network(12), 40)
		m, err := Message(frame, refs)
		if err != nil {
			return
		}
		if again, err := Message(Frame(&m, refs), refs); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
		n := New(&cfg, refs.book, 1, 1)
		var out Out
		n.Step(time.Second, &Event{Kind: Start}, &out)
		for i := range 3 {
			n.Step(time.Duration(i+2)*time.Second, &Event{Kind: Recv, From: Handle(from%12) + 1, Msg: &m}, &out)
			if err := n.Valid(); err != nil {
				t.Fatalf("after %+v: %v", m, err)
			}
		}
		for _, s := range out.Sends {
			if _, err := wire.Encode(Frame(&s.Msg, refs)); err != nil {
				t.Fatalf("cannot send %+v: %v", s.Msg, err)
			}
		}
	})
}

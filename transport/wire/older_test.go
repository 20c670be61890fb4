package wire

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"
)

// Nodes that know less of the protocol than this one, or more.

// Frames of nodes from before Hello.TunnelPort, Entry.Reliable, Event.Twin, Mode and GoodbyeAck.Lanes mean what
// they meant, also behind frames that had these fields.
func TestOlderPeersLeaveFieldsOut(t *testing.T) {
	const ab = "c4100102030405060708090a0b0c0d0e0f10"
	const version, entry = "93" + ab + "03ce00011170", "96" + ab + "010408a26575c2"
	echo, v := Group{GroupCluster, "echo"}, Version{nodeA, 3, 70_000}
	old := Entry{Node: nodeA, Epoch: 1, Members: 4, Weight: 8, Zone: "eu"}
	now := old
	now.Reliable = true
	for _, c := range []struct {
		bytes        string
		before, want Frame
	}{
		{"91" + "04", &GoodbyeAck{2}, &GoodbyeAck{}},
		{"99" + "01" + "01" + "07" + "00" + "00" + "90" + "a0" + "a0" + "90", &Hello{Version: 1, TunnelPort: 4001}, &Hello{Version: 1, Incarnation: 7, Addrs: []string{}, Labels: []string{}}},
		{"95" + "30" + "a46e657773" + "a0" + "c400" + "a0", &Event{"news", Body{}, "", true}, &Event{Topic: "news"}},
		{"94" + "14" + "01" + "00" + version, &GroupAck{1, 0, v, ModeTrees}, &GroupAck{Seq: 1, Version: v}},
		{"94" + "10" + "01" + "9201a46563686f" + entry, &GroupJoin{1, echo, now}, &GroupJoin{1, echo, old}},
		{
			"98" + "13" + "03" + "00" + "9201a46563686f" + version + "cd2710" + "00" + "91" + entry,
			&GroupView{1, 0, echo, v, 1, 1, []Entry{now}, ModeTrees},
			&GroupView{Seq: 3, Group: echo, Version: v, LeaseMs: 10_000, Entries: []Entry{old}},
		},
		{
			"95" + "15" + "05" + "9201a46563686f" + version + "91" + entry,
			&GroupReplica{5, echo, v, []Entry{now}, ModeTrees}, &GroupReplica{5, echo, v, []Entry{old}, 0},
		},
	} {
		b, err := hex.DecodeString(c.bytes)
		if err != nil {
			t.Fatal(err)
		}
		stream := append(mustAppend(t, NewWriter(), nil, c.before), prefixed(b)...)
		r := NewReader(bytes.NewReader(stream), MaxFrame)
		for _, want := range []Frame{c.before, c.want} {
			got, err := r.Next()
			if err != nil {
				t.Fatalf("%v: %v", want.Kind(), err)
			}
			if d := equal(got, want); d != "" {
				t.Error(d)
			}
		}
	}
}

// A later version may add a field to any frame.
func TestNewerPeersAddFields(t *testing.T) {
	for k, frames := range samples() {
		for _, want := range frames {
			b, err := Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			if b[0] >= 0x9f {
				t.Fatalf("%v has too many fields for this test", k)
			}
			b[0]++
			got, err := Decode(append(b, 0x82, 0xa1, 'k', 0x92, 1, 2, 0xa1, 'l', 0xc0))
			if err != nil {
				t.Errorf("%v: %v", k, err)
			} else if d := equal(got, want); d != "" {
				t.Error(d)
			}
		}
	}
}

// Nor may a field more in a record of a frame do any harm.
func TestNewerPeersAddFieldsToRecords(t *testing.T) {
	tree, node := seq(0x92, 2, 0xa1, "t", 0), seq(0xc4, 16, "0123456789abcdef")
	ref := seq(0x94, node, 7, 0x91, 0xa1, "a", 0xa3, "new")
	mark := seq(0x95, node, 1, 2, 3, 0xa3, "new")
	for _, b := range [][]byte{
		seq(0x9c, 12, 1, 0xc2, 0xc2, 0, 0, 0, 0, ref, 0x92, ref, ref, 0x91, ref, 0x91, 7),
		seq(0x9a, 40, 0xc2, 0xc2, 0, 0, 0, ref, 0xc0, 2, ref),
		seq(0x93, 52, 0x93, 2, 0xa1, "t", 0xc0, 0),
		seq(0x9c, 51, tree, 1, 0, 0xc2, 0x90, 0x90, 0x92, 0x94, node, 1, 2, 0xc0, 0x93, node, 1, 2, 0xc0, 0x90, 0),
		seq(0x97, 56, tree, 0xc2, 0xc2, 0xc2, 0x92, mark, mark),
		seq(0x96, 58, tree, node, 0, 0x91, 0x93, 1, 2, 0xc0),
	} {
		f, err := Decode(b)
		if err != nil {
			t.Errorf("% x: %v", b, err)
			continue
		}
		again(t, f)
	}
}

// The kinds from 50 on, Overlay and Route are younger than the dictionary. Who
// does not know them passes over them, and stays in step with the names around.
func TestYoungerKindsLeaveTheDictionaryAlone(t *testing.T) {
	const unknown = 100
	old, all := &Event{Topic: "news", Body: Body{Type: "shop.Ping"}}, samples()
	w := NewWriter()
	stream := mustAppend(t, w, nil, old)
	n, kinds := 1, []Kind{KindOverlay, KindRoute}
	for k := KindTreeJoin; k <= KindTopicEnter; k++ {
		kinds = append(kinds, k)
	}
	var skipped uint64
	for _, k := range kinds {
		for _, f := range all[k] {
			names := len(w.order)
			b := mustAppend(t, w, nil, f)
			if len(w.order) != names {
				t.Errorf("%v touched the dictionary", k)
			}
			b[prefixOf(b)+1] = unknown
			stream = mustAppend(t, w, append(stream, b...), old)
			n++
			skipped++
		}
	}
	r := NewReader(bytes.NewReader(stream), MaxFrame)
	for range n {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if d := equal(f, old); d != "" {
			t.Fatal(d)
		}
	}
	if _, err := r.Next(); err != io.EOF || r.Skipped() != skipped {
		t.Errorf("%v, skipped %d of %d", err, r.Skipped(), skipped)
	}
}

package scribe

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

var group = wire.Group{Kind: wire.GroupTopic, Name: "news"}

// everyMessage returns one of each sort with every field set.
func everyMessage() []Message {
	a, b := id.ID{Hi: 1}, id.ID{Lo: 2}
	return []Message{
		&Join{Seq: 7, Kind: Backup, Size: 3, Sample: []id.ID{a, b}},
		&Ack{
			Seq: 7, Code: Redirect, Rooted: true, Path: []id.ID{a, b}, Backups: []id.ID{b},
			Others: []Other{{a, 1500 * time.Microsecond, 4}, {Node: b}}, Next: a, Sample: []id.ID{a}, Mode: Trees,
		},
		&Leave{},
		&Replica{Children: []id.ID{a, b}},
		&Invite{Old: a},
	}
}

func TestFramesOfMessages(t *testing.T) {
	for i, m := range everyMessage() {
		f := Frame(group, i%Stripes, m)
		b, err := wire.Encode(f)
		if err != nil {
			t.Fatalf("%#v: %v", m, err)
		}
		if f, err = wire.Decode(b); err != nil {
			t.Fatalf("%#v: %v", m, err)
		}
		got, stripe, err := Parse(f)
		if err != nil || stripe != i%Stripes || !reflect.DeepEqual(got, m) {
			t.Errorf("got %#v, stripe %d, %v\nwant %#v", got, stripe, err, m)
		}
	}
}

func TestFramesThatBreakARule(t *testing.T) {
	zero := []id.ID{{}}
	for name, f := range map[string]wire.Frame{
		"another frame": &wire.Event{},
		"stripe":        &wire.TreeLeave{Group: group, Stripe: Stripes},
		"kind of join":  &wire.TreeJoin{Group: group, Found: uint8(Refresh) + 1},
		"code":          &wire.TreeAck{Group: group, Code: uint8(Dropped) + 1},
		"mode":          &wire.TreeAck{Group: group, Mode: uint8(Trees) + 1},
		"nobody's path": &wire.TreeAck{Group: group, Path: zero},
		"no backup":     &wire.TreeAck{Group: group, Backups: zero},
		"no child":      &wire.TreeReplica{Group: group, Children: zero},
	} {
		if m, _, err := Parse(f); !errors.Is(err, ErrFrame) || m != nil {
			t.Errorf("%s: %#v, %v", name, m, err)
		}
	}
}

// FuzzParse steps a machine with whatever frame a peer may send.
func FuzzParse(f *testing.F) {
	for _, m := range everyMessage() {
		b, err := wire.Encode(Frame(group, 1, m))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := wire.Decode(b)
		if err != nil {
			return
		}
		m, stripe, err := Parse(frame)
		if err != nil {
			return
		}
		again, s, err := Parse(Frame(group, stripe, m))
		if err != nil || s != stripe || !reflect.DeepEqual(again, m) {
			t.Fatalf("%#v became %#v, %v", m, again, err)
		}
		w := newWorld(t, 1, 3)
		v := w.nodes[0]
		w.subscribe(v, true)
		w.run(time.Second)
		w.step(v, Recv{From: w.nodes[1].id, Msg: m})
		w.run(time.Second)
	})
}

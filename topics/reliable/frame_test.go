package reliable

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

var group = wire.Group{Kind: wire.GroupReliable, Name: "orders"}

// samples are messages with every field set.
func samples() []Message {
	marks := []Mark{{s1, 3, 9}, {Stream{peer, 7}, 0, 0}}
	return []Message{
		&Data{Stream: s1, Seq: 4, Hops: 2, Twin: true, Body: wire.Body{Type: "shop.Order", Data: []byte("x")}, Trace: "t"},
		&Sync{Stripe: 1, Answer: true, Fresh: true, More: true, Marks: marks},
		&Digest{Copy: true, Hops: 3, Marks: marks},
		&Pull{Stream: s1, Ranges: []Range{{1, 1}, {5, 9}}},
		&Enter{Stripe: 1},
	}
}

func TestFramesOfMessages(t *testing.T) {
	for _, m := range samples() {
		b, err := wire.Encode(Frame(group, m))
		if err != nil {
			t.Fatalf("%#v: %v", m, err)
		}
		f, err := wire.Decode(b)
		if err != nil {
			t.Fatalf("%#v: %v", m, err)
		}
		if got, err := Parse(f); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %#v, %v\nwant %#v", got, err, m)
		}
	}
}

func TestFramesThatBreakARule(t *testing.T) {
	even := uint8(scribe.StripeOf(pub, scribe.Stripes))
	for name, f := range map[string]wire.Frame{
		"another frame":   &wire.TreeLeave{Group: group},
		"no publisher":    &wire.TopicData{Group: group, Seq: 1},
		"seq 0":           &wire.TopicData{Group: group, Stripe: even, Publisher: pub},
		"seq":             &wire.TopicData{Group: group, Stripe: even, Publisher: pub, Seq: maxSeq + 1},
		"hops":            &wire.TopicData{Group: group, Stripe: even, Publisher: pub, Seq: 1, Hops: maxHops + 1},
		"stripe of data":  &wire.TopicData{Group: group, Stripe: 1 - even, Publisher: pub, Seq: 1},
		"stripe of sync":  &wire.TopicSync{Group: group, Stripe: scribe.Stripes},
		"mark":            &wire.TopicSync{Group: group, Marks: []wire.TopicMark{{Publisher: pub, Low: 2, High: 1}}},
		"mark of nobody":  &wire.TopicDigest{Group: group, Marks: []wire.TopicMark{{Low: 1, High: 1}}},
		"hops of digest":  &wire.TopicDigest{Group: group, Hops: maxHops + 1},
		"range":           &wire.TopicPull{Group: group, Publisher: pub, Ranges: []wire.TopicRange{{From: 2, To: 1}}},
		"range from 0":    &wire.TopicPull{Group: group, Publisher: pub, Ranges: []wire.TopicRange{{From: 0, To: 1}}},
		"pull of nobody":  &wire.TopicPull{Group: group},
		"stripe of enter": &wire.TopicEnter{Group: group, Stripe: scribe.Stripes},
	} {
		if m, err := Parse(f); !errors.Is(err, ErrFrame) || m != nil {
			t.Errorf("%s: %#v, %v", name, m, err)
		}
	}
}

// FuzzParse steps a machine with whatever frame a peer may send.
func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		b, err := wire.Encode(Frame(group, m))
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
		m, err := Parse(frame)
		if err != nil {
			return
		}
		if again, err := Parse(Frame(group, m)); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%#v became %#v, %v", m, again, err)
		}
		for _, reliable := range []bool{true, false} {
			x := New(Config{Self: self, Reliable: reliable, Rand: rand.New(rand.NewPCG(1, 1))})
			var out Out
			for _, e := range []Event{
				Local{true}, Recv{peer, m}, Place{InTree: true, Root: true, Children: []id.ID{peer}}, Recv{peer, m}, Recv{other, m},
			} {
				x.Step(start, e, &out)
				if err := x.Valid(); err != nil {
					t.Fatalf("after %#v: %v", e, err)
				}
			}
		}
	})
}

package transport

import (
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"

	"iris/internal/id"
	"iris/transport/wire"
)

// unknown turns frames into the bytes of one of a kind that nobody knows.
func unknown(t *testing.T, f wire.Frame) []byte {
	t.Helper()
	b := encoded(t, f)
	b[1] = 100 // the array's header, then the kind
	if wire.New(100) != nil {
		t.Fatal("there is a kind 100 now: choose another")
	}
	return b
}

// A node passes over what a newer one may send: frames of unknown kinds on every
// lane, whole and in chunks, and known ones that it has no handler for. All that
// stands around them is handled in its order.
func TestUnknownKindsAreSkipped(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in, ends := collect(b), make(chan wire.Kind)
		last := map[Lane]wire.Frame{
			Control: &wire.Leave{}, Direct: &wire.Stop{Target: "x"}, Transit: &wire.Route{}, Bulk: &wire.Request{ID: 1, Cluster: "c"},
		}
		for _, f := range last {
			b.Handle(f.Kind(), func(*Link, wire.Frame) { ends <- f.Kind() })
		}
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, from := linked(t, a, b)
		synctest.Wait()
		before := from.Stats().Skipped

		data := &wire.TopicData{Group: wire.Group{Kind: wire.GroupTopic, Name: "t"}, Body: wire.Body{Type: "x", Data: make([]byte, 300<<10)}}
		large := unknown(t, data)
		for lane := Control; lane <= Transit; lane++ {
			enc := wire.NewWriter() // of the lane, whose stream is new but for control
			out := l.control.Write
			if lane != Control {
				s, err := l.conn.OpenUniStream()
				if err != nil {
					t.Fatal(err)
				}
				out = s.Write
			}
			var frames []byte
			put := func(f wire.Frame) {
				var err error
				if frames, err = enc.Append(frames, f); err != nil {
					t.Fatal(err)
				}
			}
			skip := func(b []byte) { frames = append(binary.AppendUvarint(frames, uint64(len(b))), b...) }
			if lane != Control {
				put(&wire.LaneOpen{Lane: uint8(lane)})
			}
			if lane == Fanout {
				put(event("one", 1))
			}
			skip(unknown(t, &wire.Leave{Incarnation: 1}))
			if lane == Fanout {
				put(&wire.TopicEnter{Group: data.Group}) // known, not handled
				put(event("two", 2))
				put(&wire.Large{Seq: 0}) // the place of the unknown one that is large
				put(event("one", 3))
			} else {
				put(last[lane])
			}
			if _, err := out(frames); err != nil {
				t.Fatal(err)
			}
		}
		chunks := []wire.Frame{&wire.LaneOpen{Lane: uint8(Bulk)}}
		for seq, lane := range []Lane{Fanout, Control} { // Control: it has no place
			for at := 0; at < len(large); at += wire.MaxChunk {
				end := min(at+wire.MaxChunk, len(large))
				chunks = append(chunks, &wire.Chunk{Seq: uint64(seq), Lane: uint8(lane), Total: uint64(len(large)), Last: end == len(large), Data: large[at:end]})
			}
		}
		end := encoded(t, last[Bulk])
		chunks = append(chunks, &wire.Chunk{Seq: 2, Total: uint64(len(end)), Last: true, Data: end})
		if err := raw(l, false, chunks...); err != nil {
			t.Fatal(err)
		}
		for i, topic := range []string{"one", "two", "one"} {
			in.want(t, fmt.Sprintf("%s/%d", topic, i+1))
		}
		for range last {
			<-ends
		}
		synctest.Wait()
		if n := from.Stats().Skipped - before; n != 7 || !l.Up() || !from.Up() {
			t.Errorf("skipped %d, want 4 of the lanes, 2 in chunks, 1 without a handler; up: %v, %v", n, l.Up(), from.Up())
		}
		a.close(t)
		b.close(t)
	})
}

// The table of lanes in docs/protocol.md, section 2.
func TestKindsBelongToLanes(t *testing.T) {
	in := func(k, from, to wire.Kind) bool { return k >= from && k <= to }
	for k := range 256 {
		k := wire.Kind(k)
		for lane, want := range map[Lane]bool{
			Control: in(k, 0, 31), Direct: in(k, 32, 39), Fanout: in(k, 48, 59), Transit: in(k, 16, 59), Bulk: false,
		} {
			if got := belongs(k, lane); got != want {
				t.Errorf("kind %d on %v: %v", k, lane, got)
			}
		}
	}
}

// The frames of the overlay and of trees travel where they are meant to.
func TestFramesOfTheOverlayTravel(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		got := make(chan string, 100)
		for k := wire.KindOverlay; k <= wire.KindTopicEnter; k++ {
			b.Handle(k, func(_ *Link, f wire.Frame) { got <- f.Kind().String() })
		}
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		g := wire.Group{Kind: wire.GroupReliable, Name: "news"}
		ref := wire.NodeRef{ID: id.ID{Lo: 1}, Addrs: []string{"10.0.0.1:7000"}}
		for _, c := range []struct {
			lane   Lane
			frames []wire.Frame
		}{
			{Control, []wire.Frame{&wire.Overlay{What: 5, Refs: []wire.NodeRef{ref}, RTTs: []uint16{3}}}},
			{Transit, []wire.Frame{&wire.Route{Origin: ref, What: wire.RouteLocate}}},
			{Fanout, []wire.Frame{
				&wire.TreeJoin{Group: g}, &wire.TopicSync{Group: g, Marks: make([]wire.TopicMark, wire.MaxMarks)},
				&wire.TopicData{Group: g, Body: wire.Body{Data: make([]byte, 1<<20)}}, &wire.TreeAck{Group: g}, &wire.TreeLeave{Group: g},
				&wire.TreeReplica{Group: g}, &wire.TreeInvite{Group: g}, &wire.TopicDigest{Group: g}, &wire.TopicPull{Group: g}, &wire.TopicEnter{Group: g},
			}},
		} {
			for _, f := range c.frames {
				if err := l.Send(t.Context(), c.lane, f); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.frames {
				if k := <-got; k != f.Kind().String() {
					t.Errorf("on %v: got %s, want %v", c.lane, k, f.Kind())
				}
			}
		}
		a.close(t)
		b.close(t)
	})
}

package topics

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"iris/actor"
	"iris/transport/wire"
)

// subscribe makes an actor a reader of topics.
func (n *node) subscribe(t testing.TB, p *actor.Props, topics ...string) {
	t.Helper()
	pid := n.sys.Spawn(p)
	for _, topic := range topics {
		if _, err := n.Topics.Subscribe(t.Context(), topic, SubscribeOptions{}, pid); err != nil {
			t.Fatal(err)
		}
	}
}

// take gives the node an event as a lane reader does.
func take(in *intake, topic, text string) {
	in.Frame(&wire.Event{Topic: topic, Body: wire.Body{Data: []byte(text)}})
}

// newTestIntake is what takes the frames of the lane of a peer that keeps its buffers.
func newTestIntake(n *node) *intake {
	return n.newIntake(nodeID(99), func(int) bool { return false }).(*intake)
}

// A frame that is taken again is taken as if it had come by itself: with other data, for those whom
// the one before was for.
func TestIntakeTakesAFrameAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFabric(t, 1).nodes[0]
		r := &reader{}
		n.subscribe(t, r.props(), "a")
		in := newTestIntake(n)
		large := strings.Repeat("large", 10_000)
		for _, topic := range []string{"a", "nobody listens", "a"} {
			e := &wire.Event{Topic: topic, Body: wire.Body{Data: []byte("first")}}
			in.Frame(e)
			for _, data := range []string{"second", large, "third"} {
				e.Body.Data = []byte(data)
				in.Again()
			}
		}
		in.Flush()
		synctest.Wait()
		var want []string
		for range 2 {
			for _, data := range []string{"first", "second", large, "third"} {
				want = append(want, "event a "+data)
			}
		}
		if got := r.got; !slices.Equal(got, want) {
			t.Errorf("heard %.200q", got)
		}
	})
}

// What comes for one actor in several topics keeps its order, whatever else comes between; and so does what is large.
func TestIntakeKeepsTheOrderAcrossTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFabric(t, 1).nodes[0]
		both, one, batched := &reader{}, &reader{}, []string{}
		n.subscribe(t, both.props(), "a", "b", "c")
		n.subscribe(t, one.props(), "b")
		n.subscribe(t, actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(*actor.Batch); ok {
				for i := range m.Len() {
					batched = append(batched, fmt.Sprintf("event %s %s", actor.Meta(ctx).Topic, m.At(i)))
				}
			}
		}).Batches(), "c", "z0")
		for i := range 40 {
			n.subscribe(t, actor.Func(func(actor.Context) {}), fmt.Sprint("z", i))
		}
		in := newTestIntake(n)
		var want, wantOne, wantBatched []string
		send := func(topic, text string) {
			take(in, topic, text)
			line := fmt.Sprintf("event %s %s", topic, text)
			want = append(want, line)
			switch topic {
			case "b":
				wantOne = append(wantOne, line)
			case "c":
				wantBatched = append(wantBatched, line)
			}
		}
		for i := range 400 {
			text := fmt.Sprint(i)
			switch {
			case i%50 == 0:
				text += strings.Repeat(" large", 3000)
			case i%70 == 0:
				in.Flush()
			case i%7 == 0:
				take(in, fmt.Sprint("z", 1+i%39), "x")
			case i%11 == 0:
				take(in, "nobody listens", "x")
			}
			send([]string{"a", "a", "b", "c", "c", "c"}[(i*i+i/3)%6], text)
		}
		in.Flush()
		synctest.Wait()
		for what, c := range map[string][2][]string{"three topics": {both.got, want}, "one": {one.got, wantOne}, "batches": {batched, wantBatched}} {
			if !slices.Equal(c[0], c[1]) {
				t.Errorf("%s: %d events, want %d in their order", what, len(c[0]), len(c[1]))
			}
		}
	})
}

// Traces, broadcasts, twins and what cannot be decoded are told apart within one go.
func TestIntakeTellsMessagesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFabric(t, 1).nodes[0]
		var got []string
		hear := actor.Func(func(ctx actor.Context) {
			if m, ok := ctx.Message().(actor.Bytes); ok {
				d := actor.Meta(ctx)
				got = append(got, fmt.Sprintf("%v %s%s %s %s", d.Kind, d.Topic, d.Cluster, m, d.Trace))
				if d.Origin != nodeID(99).String() {
					t.Errorf("from %s", d.Origin)
				}
			}
		})
		n.subscribe(t, hear, "news")
		n.serve(t, "news", hear, 1) // a cluster of the same name
		in := newTestIntake(n)
		event := func(text, trace string) {
			in.Frame(&wire.Event{Topic: "news", Body: wire.Body{Data: []byte(text)}, Trace: trace})
		}
		event("1", "")
		event("2", "t")
		event("3", "t")
		in.Frame(&wire.Event{Topic: "news", Body: wire.Body{Type: "nobody.Knows", Data: []byte{1}}, Trace: "t"})
		event("4", "")
		in.Flush()
		synctest.Wait()
		in.Frame(&wire.Broadcast{Cluster: "news", Body: wire.Body{Data: []byte("5")}})
		in.Frame(&wire.Broadcast{Cluster: "news", Body: wire.Body{Data: []byte("6")}, Trace: "u"})
		in.Flush()
		synctest.Wait()
		n.find(wire.GroupTopic, "news").takes.Store(true) // reliable events come by the trees
		in.Frame(&wire.Event{Topic: "news", Body: wire.Body{Data: []byte("twin")}, Twin: true})
		in.Frame(&wire.Event{Topic: "news", Body: wire.Body{Data: []byte("7")}})
		in.Flush()
		synctest.Wait()
		want := []string{"event news 1 ", "event news 2 t", "event news 3 t", "event news 4 ", "broadcast news 5 ", "broadcast news 6 u", "event news 7 "}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if d := n.sys.Counters().Dropped[actor.DeadCodec.String()]; d != 1 {
			t.Errorf("%d not decoded, want 1", d)
		}
	})
}

// Every subscriber of a node gets every event; one that is full misses what does not fit, to the message.
func TestSubscribersShareWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFabric(t, 1).nodes[0]
		readers := []*reader{{}, {}, {}}
		for _, r := range readers {
			n.subscribe(t, r.props(), "news")
		}
		release, full := make(chan struct{}), 0
		n.subscribe(t, actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				<-release
				full++
			}
		}).Mailbox(10), "news")
		in := newTestIntake(n)
		take(in, "news", "first")
		in.Flush()
		synctest.Wait() // the slow one works on it
		for i := range 100 {
			take(in, "news", fmt.Sprint(i))
		}
		in.Flush()
		synctest.Wait()
		if d := n.sys.Counters().Dropped[actor.DeadOverflow.String()]; d != 90 {
			t.Errorf("%d dropped, want 90", d)
		}
		close(release)
		synctest.Wait()
		for i, r := range readers {
			if r.count() != 101 || r.got[100] != "event news 99" {
				t.Errorf("reader %d got %d", i, r.count())
			}
		}
		if full != 11 {
			t.Errorf("the slow one got %d, want 11", full)
		}
	})
}

func TestKeptPayloadsAreNotCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFabric(t, 1).nodes[0]
		var mu sync.Mutex
		var got []actor.Bytes
		for range 2 {
			n.subscribe(t, actor.Func(func(ctx actor.Context) {
				if m, ok := ctx.Message().(actor.Bytes); ok {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, m)
				}
			}), "news")
		}
		kept := true
		in := n.newIntake(nodeID(99), func(int) bool { return kept }).(*intake)
		data := bytes.Repeat([]byte{1}, 40_000)
		for range 2 {
			in.Frame(&wire.Event{Topic: "news", Body: wire.Body{Data: data}})
			synctest.Wait()
			kept = false
		}
		for i, same := range []bool{true, true, false, false} {
			if (&got[i][0] == &data[0]) != same || len(got[i]) != len(data) {
				t.Errorf("message %d: copied %v, want %v", i, same, !same)
			}
		}
	})
}

func TestGatheringDoesNotAllocate(t *testing.T) {
	f := &fabric{t: t}
	n := f.add(0)
	t.Cleanup(f.close)
	var got atomic.Int64
	n.subscribe(t, actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*actor.Batch); ok {
			got.Add(int64(m.Len()))
		}
	}).Batches().Mailbox(1<<20), "news")
	in := newTestIntake(n)
	e := &wire.Event{Topic: "news", Body: wire.Body{Data: make([]byte, 16)}}
	allocs := testing.AllocsPerRun(100, func() {
		for range 1000 {
			in.Frame(e)
		}
		in.Flush()
	})
	if allocs > 20 { // of a thousand events: bundles that wait in the mailbox are not used again yet
		t.Errorf("%v allocations for 1000 events", allocs)
	}
}

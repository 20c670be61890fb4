package router

import (
	"errors"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

func TestPostIsBoundedInNodesAndBytes(t *testing.T) {
	var m mail
	for i := range uint64(postNodes) {
		if _, fresh, err := m.open(id.ID{Lo: i + 1}); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
	}
	if _, _, err := m.open(id.ID{Lo: postNodes + 1}); !errors.Is(err, actor.ErrOverloaded) {
		t.Errorf("one node more: %v", err)
	}
	put := func(n uint64) error {
		return m.find(id.ID{Lo: n}).put(posted{frame: tell("x"), size: postBytes, at: time.Now()})
	}
	for i := range uint64(postTotal / postBytes) {
		if err := put(i + 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(postNodes); !errors.Is(err, actor.ErrOverloaded) {
		t.Errorf("a byte more: %v", err)
	}
	if failed := m.find(id.ID{Lo: 1}).expire(time.Now(), actor.ErrClosed); len(failed) != 1 {
		t.Errorf("%d expired", len(failed))
	}
	if err := put(postNodes); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if m.find(id.ID{Lo: 1}) != nil || m.boxes.Load() != postNodes-1 {
		t.Error("an empty box stays")
	}
}

func TestWishesAreCountedAndBounded(t *testing.T) {
	var w wishes
	a, b := actor.NewPID("n", "a"), actor.NewPID("n", "b")
	n := func(i int) id.ID { return id.ID{Lo: uint64(i)} }
	w.set(a, []id.ID{n(1), n(2)})
	w.set(b, []id.ID{n(2), n(3)})
	if len(w.nodes()) != 3 || !w.want(n(1)) || !w.want(n(3)) {
		t.Errorf("wanted %v", w.nodes())
	}
	w.set(a, []id.ID{n(1)})
	w.end(b)
	if len(w.nodes()) != 1 || w.want(n(2)) || len(w.pids()) != 1 {
		t.Errorf("wanted %v", w.nodes())
	}
	var many []id.ID
	for i := range maxKept + 10 {
		many = append(many, n(i+100))
	}
	w.set(b, many)
	if len(w.nodes()) != maxKept || w.overflow() != 11 {
		t.Errorf("%d wanted, %d refused", len(w.nodes()), w.overflow())
	}
	w.set(a, nil)
	w.set(b, nil)
	if len(w.nodes())+len(w.pids())+len(w.count) != 0 {
		t.Error("something is left")
	}
}

func TestWantGoesInRounds(t *testing.T) {
	start := time.Unix(0, 0)
	same := func(d time.Duration) time.Duration { return d }
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	w := &want{addrs: []string{"a", "b"}}
	expect := func(ms int, call string, search bool) {
		t.Helper()
		if c, s := w.step(at(ms), same); c != call || s != search {
			t.Fatalf("at %d ms: %q, %v; want %q, %v", ms, c, s, call, search)
		}
	}
	expect(0, "a", false)
	expect(10, "", false)
	if !w.failed(at(20), "a") || w.failed(at(20), "z") {
		t.Error("the only call has failed")
	}
	expect(20, "b", false)
	expect(900, "", false)
	expect(1020, "", true) // patience is over
	w.found(at(1030), []string{"c"}, true, same)
	expect(1030, "c", false)
	w.failed(at(1040), "b") // an old one
	expect(1040, "", false)
	w.failed(at(1050), "c")
	expect(1050, "", false)
	if w.doing != resting || w.failures != 1 || !w.next.Equal(at(1100)) {
		t.Errorf("after a round: %+v", w)
	}
	w.addrs = nil
	expect(1100, "", true)
	w.found(at(1110), nil, false, same)
	if w.absent != 1 || w.failures != 2 || !w.next.Equal(at(1210)) {
		t.Errorf("nobody there: %+v", w)
	}
	expect(1210, "", true)
	expect(1210+int(searchFor/time.Millisecond), "", false) // no answer at all
	if w.doing != resting || w.failures != 3 {
		t.Errorf("no answer: %+v", w)
	}
}

func TestRequestsThatWaitAge(t *testing.T) {
	ask, request := &wire.Ask{TTLMs: 1000}, &wire.Request{TTLMs: 1000}
	if !age(ask, 400*time.Millisecond) || ask.TTLMs != 600 || !age(request, 999*time.Millisecond) || request.TTLMs != 1 {
		t.Errorf("left %d and %d", ask.TTLMs, request.TTLMs)
	}
	if age(ask, time.Second) || !age(&wire.Ask{}, time.Hour) || !age(tell("x"), time.Hour) {
		t.Error("who has no time left, and who has no limit")
	}
}

// taker is an endpoint with one link, which takes everything.
type taker struct {
	endpoint
	link
}

func (taker) ID() id.ID                                { return id.ID{} }
func (e taker) Link(id.ID) link                        { return e.link }
func (taker) TrySend(transport.Lane, wire.Frame) error { return nil }

// BenchmarkPost is what a post to a node with a link costs beside the link.
func BenchmarkPost(b *testing.B) {
	r := &Router{ep: &taker{link: &taker{}}}
	f, n := tell("x"), id.ID{Lo: 7}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := r.Post(n, transport.Direct, f); err != nil {
				b.Error(err)
			}
		}
	})
}

package wire

import (
	"bytes"
	"runtime"
	"testing"
)

// hot are the frames that carry users' messages.
func hot(size int) []Frame {
	body := Body{"shop.Order", make([]byte, size)}
	return []Frame{
		&Tell{Target: "iris/user/1", Sender: "iris/user/2", SenderNode: nodeB, SenderReq: 70_000, Body: body},
		&Request{ID: 70_000, Cluster: "echo", TTLMs: 5000, Key: []byte("0123456789abcdef"), Body: body},
		&Reply{ID: 70_000, HasLoad: true, Load: Load{1, 1500, false, 4}, Body: body},
		&Event{Topic: "news", Body: body},
		&Ask{ID: 70_000, Target: "iris/user/1", TTLMs: 5000, Body: body},
		&Broadcast{Cluster: "echo", Body: body},
		&TopicData{Group: Group{GroupReliable, "news"}, Stripe: 1, Publisher: nodeB, Epoch: 1 << 60, Seq: 70_000, Body: body},
	}
}

// loop returns the same bytes for ever.
type loop struct {
	b  []byte
	at int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.b[l.at:])
	l.at = (l.at + n) % len(l.b)
	return n, nil
}

// known returns the encoding of f once its names are known, and a Reader that
// knows them and goes on to read src.
func known(t testing.TB, f Frame) (*Reader, []byte) {
	w := NewWriter()
	first := mustAppend(t, w, nil, f)
	again := mustAppend(t, w, nil, f)
	r := NewReader(bytes.NewReader(first), MaxFrame)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.src = &loop{b: again}
	return r, again
}

func TestHotFramesDoNotAllocate(t *testing.T) {
	for _, f := range hot(1000) {
		t.Run(f.Kind().String(), func(t *testing.T) {
			w := NewWriter()
			buf := mustAppend(t, w, nil, f)
			if n := testing.AllocsPerRun(200, func() {
				var err error
				if buf, err = w.Append(buf[:0], f); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("encode: %v allocations", n)
			}
			r, _ := known(t, f)
			for range 200 { // until the buffer has its size
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if n := testing.AllocsPerRun(200, func() {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("decode: %v allocations", n)
			}
		})
	}
}

func TestReaderAllocatesNoMoreThanTheFrameAllows(t *testing.T) {
	// Counts that a frame may claim are bounded by its bytes and by a limit.
	const runs = 20
	for _, l := range lists {
		b := mustAppend(t, NewWriter(), nil, l.make(l.limit))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := NewReader(bytes.NewReader(b), MaxFrame).Next(); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > uint64(16*len(b)+8<<10) {
			t.Errorf("%s: %d bytes allocated for a frame of %d", l.name, got, len(b))
		}
	}
}

// measured are the frames of the benchmarks: an Overlay as a node of a large
// ring sends it, with its leaf set and a row, and a TopicSync of 100 streams.
func measured() []Frame {
	list := refs(48)
	for i := range list {
		list[i].Incarnation, list[i].Addrs = 1<<50, []string{"192.168.100.1:40000"}
	}
	marks := make([]TopicMark, 100)
	for i := range marks {
		marks[i] = TopicMark{nodeA, 1 << 60, 1000, 1000}
	}
	return append(
		hot(128),
		&Overlay{What: 13, Active: true, Leaves: list[:32], Refs: list[32:], RTTs: make([]uint16, 16)},
		&TopicSync{Group: Group{GroupReliable, "news"}, Marks: marks},
	)
}

func BenchmarkEncode(b *testing.B) {
	for _, f := range measured() {
		b.Run(f.Kind().String(), func(b *testing.B) {
			w := NewWriter()
			buf := mustAppend(b, w, nil, f)
			b.ReportAllocs()
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				buf, _ = w.Append(buf[:0], f)
			}
		})
	}
}

// Many events that are alike, as a busy lane brings them.
func BenchmarkDecodeAgain(b *testing.B) {
	f := &Event{Topic: "news", Body: Body{Data: make([]byte, 16)}}
	r, again := known(b, f)
	r.src = &loop{b: bytes.Repeat(again, 1000)}
	b.ReportAllocs()
	for b.Loop() {
		if !r.Again() {
			if _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, f := range measured() {
		b.Run(f.Kind().String(), func(b *testing.B) {
			r, again := known(b, f)
			b.ReportAllocs()
			b.SetBytes(int64(len(again)))
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

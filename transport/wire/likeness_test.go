package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// An event that is like the one before is the same frame as if it had been read value by value,
// whether it is asked for by Next or by Again.
func TestLikeFramesAreReadAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWriter()
		var stream []byte
		var want []Frame
		for range rapid.IntRange(1, 60).Draw(t, "frames") {
			body := Body{
				Type: rapid.SampledFrom([]string{"", "", "shop.Order", "a"}).Draw(t, "type"),
				Data: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "data"),
			}
			if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
				body.Data = make([]byte, rapid.SampledFrom([]int{255, 256, 70_000}).Draw(t, "size"))
			}
			if len(body.Data) == 0 {
				body.Data = nil
			}
			name := rapid.SampledFrom([]string{"news", "news", "weather"}).Draw(t, "name")
			trace := rapid.SampledFrom([]string{"", "", "t"}).Draw(t, "trace")
			var f Frame = &Event{Topic: name, Body: body, Trace: trace, Twin: rapid.Bool().Draw(t, "twin")}
			if rapid.Bool().Draw(t, "broadcast") {
				f = &Broadcast{Cluster: name, Body: body, Trace: trace}
			}
			var err error
			if stream, err = w.Append(stream, f); err != nil {
				t.Fatal(err)
			}
			want = append(want, f)
		}
		r := NewReader(bytes.NewReader(stream), MaxFrame)
		var got Frame
		for i, f := range want {
			if i == 0 || rapid.Bool().Draw(t, "next") || !r.Again() {
				var err error
				if got, err = r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if !reflect.DeepEqual(got, f) { // with many bytes, so no difference is worked out
				t.Fatalf("frame %d: %.200v, want %.200v", i, got, f)
			}
		}
	})
}

// FuzzLikeness reads anything twice, the second time forgetting what was read before: both must agree.
func FuzzLikeness(f *testing.F) {
	w := NewWriter()
	var stream []byte
	for _, data := range []string{"one", "two", "", "three", "four"} {
		stream = mustAppend(f, w, stream, &Event{Topic: "news", Body: Body{Data: []byte(data)}})
		f.Add(stream)
		stream = mustAppend(f, w, stream, &Broadcast{Cluster: "c", Body: Body{Type: "t", Data: []byte(data)}, Trace: "x"})
	}
	f.Add(stream)
	literal := []byte{0x96, byte(KindEvent), 0xa1, 'n', 0xa0, 0xc4, 1, 'x', 0xa0, 0xc2} // its name enters the dictionary each time
	f.Add(append(append(append([]byte{10}, literal...), 10), literal...))
	alike := mustAppend(f, w, stream, &Event{Topic: "news", Body: Body{Data: make([]byte, 200)}})
	f.Add(mustAppend(f, w, alike, &Event{Topic: "news", Body: Body{Data: make([]byte, 200)}}))
	f.Add(append(stream[:len(stream):len(stream)], 0x80, 0x80))
	f.Fuzz(func(t *testing.T, stream []byte) {
		read := func(forget bool) (list []string) {
			r := NewReader(bytes.NewReader(stream), 8<<10)
			var frame Frame
			for {
				if forget {
					r.like.frame = nil
				}
				var err error
				if frame == nil || !r.Again() {
					frame, err = r.Next()
				}
				if err != nil {
					var pe *ProtocolError
					if !errors.As(err, &pe) && err != io.EOF {
						t.Fatal(err)
					}
					return append(list, err.Error(), fmt.Sprint(r.names))
				}
				list = append(list, fmt.Sprintf("%T%+v", frame, frame))
			}
		}
		if got, want := fmt.Sprint(read(false)), fmt.Sprint(read(true)); got != want {
			t.Errorf("read %s\nwant %s", got, want)
		}
	})
}

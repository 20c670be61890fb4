package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestStreamsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		w := NewWriter()
		var stream []byte
		var sent []Frame
		for range rapid.IntRange(1, 20).Draw(t, "frames") {
			f := d.frame()
			before := len(stream)
			var err error
			if stream, err = w.Append(stream, f); err != nil {
				t.Fatalf("Append(%#v) = %v", f, err)
			}
			n := len(stream) - before
			if n > f.Size() {
				t.Fatalf("%v: Size %d, took %d", f.Kind(), f.Size(), n)
			}
			switch f.(type) {
			case *Heartbeat, *HeartbeatAck:
				if n < MinHeartbeat {
					t.Fatalf("%v takes %d bytes, want %d", f.Kind(), n, MinHeartbeat)
				}
			}
			sent = append(sent, f)
		}

		var src io.Reader = bytes.NewReader(stream)
		switch rapid.IntRange(0, 2).Draw(t, "source") {
		case 1:
			src = iotest.OneByteReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		}
		r := NewReader(src, MaxFrame)
		for _, want := range sent {
			got, err := r.Next()
			if err != nil {
				t.Fatalf("Next = %v, want %#v", err, want)
			}
			if diff := equal(got, want); diff != "" {
				t.Fatal(diff)
			}
		}
		if f, err := r.Next(); err != io.EOF {
			t.Fatalf("Next = %v, %v at the end", f, err)
		}
	})
}

func TestSinglesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw{t}.frame()
		b, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > want.Size() {
			t.Fatalf("%v: Size %d, took %d", want.Kind(), want.Size(), len(b))
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("Decode(% x) = %v", b, err)
		}
		if d := equal(got, want); d != "" {
			t.Fatal(d)
		}
		if _, err := Decode(append(b, 0xc0)); err == nil {
			t.Fatal("accepted a byte after the frame")
		}
	})
}

func TestSingleLargerThanAnyLaneAllows(t *testing.T) {
	want := &Event{Topic: "news", Body: Body{Data: bytes.Repeat([]byte("x"), 3*MaxFrame)}}
	if _, err := NewWriter().Append(nil, want); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("Append = %v", err)
	}
	b, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if e := got.(*Event); e.Topic != want.Topic || !bytes.Equal(e.Body.Data, want.Body.Data) {
		t.Fatal("came back different")
	}
}

// A frame cut at any byte is an error: as a stream that ends, and as a frame
// whose length prefix matches what is left of it.
func TestTruncationAtEveryByte(t *testing.T) {
	for k, frames := range samples() {
		for _, f := range frames {
			whole := mustAppend(t, NewWriter(), nil, f)
			for i := range whole {
				_, err := NewReader(bytes.NewReader(whole[:i]), MaxFrame).Next()
				var pe *ProtocolError
				if i == 0 && err != io.EOF || i > 0 && !errors.As(err, &pe) {
					t.Errorf("%v cut at %d of %d: %v", k, i, len(whole), err)
				}
			}
			body, err := Encode(f)
			if err != nil {
				t.Fatal(err)
			}
			for i := range body {
				if got, err := Decode(body[:i]); err == nil {
					t.Errorf("%v cut at %d of %d: %#v", k, i, len(body), got)
				}
				_, err := NewReader(bytes.NewReader(prefixed(body[:i])), MaxFrame).Next()
				var pe *ProtocolError
				if !errors.As(err, &pe) {
					t.Errorf("%v ends at %d of %d: %v", k, i, len(body), err)
				}
			}
		}
	}
}
